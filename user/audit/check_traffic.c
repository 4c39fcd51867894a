/*
 * Traffic held against listeners: attempts at ports that nobody serves. By attempts,
 * not by packets: those may be answers to connections that began here.
 */
#include <stdlib.h>

#include "audit/checks.h"
#include "render/text.h"

#define BUSIEST 5

struct probed {
	uint16_t port;
	uint64_t attempts;
};

struct probes {
	size_t ports;
	uint64_t attempts;
	struct probed busiest[BUSIEST]; /* the busiest first */
};

static void take(struct probes *probes, uint16_t port, uint64_t attempts)
{
	size_t place = BUSIEST;

	probes->ports++;
	probes->attempts += attempts;
	while (place && attempts > probes->busiest[place - 1].attempts)
		place--;
	for (size_t i = BUSIEST - 1; place < BUSIEST && i > place; i--)
		probes->busiest[i] = probes->busiest[i - 1];
	if (place < BUSIEST)
		probes->busiest[place] = (struct probed){ port, attempts };
}

static void say_busiest(struct audit *audit, struct finding *finding, const struct probes *probes)
{
	char count[32];

	finding_say(audit, &finding->evidence, " Most at");
	for (size_t i = 0; i < BUSIEST && probes->busiest[i].attempts; i++) {
		uint16_t port = probes->busiest[i].port;
		struct slice name = audit_name(audit, SERVICE_TCP, port);

		finding_say(audit, &finding->evidence, "%s %u%s%.*s (%s)", i ? "," : "", port,
			    name.length ? " " : "", SLICE_ARGS(name),
			    text_count(count, sizeof(count), probes->busiest[i].attempts));
	}
	finding_say(audit, &finding->evidence, ".");
}

void check_traffic(struct audit *audit)
{
	const struct snapshot *traffic = audit->facts->traffic;
	struct probes probes = { 0 };
	char since[32], count[32];
	struct finding *finding;
	double hours;

	for (uint32_t port = 0; traffic && port < PORT_COUNT; port++)
		if (traffic->attempts[port] && !traffic->answers[port] &&
		    !port_set_holds(&audit->listening, TRANSPORT_TCP, port))
			take(&probes, port, traffic->attempts[port]);
	if (!probes.ports)
		return;
	finding = finding_add(audit, FINDING_PROBED, SEVERITY_INFO, SERVICE_TCP, 0, PORT_COUNT - 1);
	if (!finding)
		return;
	hours = (traffic->taken.tv_sec - traffic->since.tv_sec) / 3600.0;
	finding_say(audit, &finding->evidence,
		    "%s attempt%s at %zu ports where nobody listens, none answered, since %s",
		    text_count(count, sizeof(count), probes.attempts),
		    probes.attempts == 1 ? "" : "s", probes.ports,
		    text_time(since, sizeof(since), traffic->since));
	if (hours >= 1)
		finding_say(audit, &finding->evidence, ", %.1f an hour", probes.attempts / hours);
	finding_say(audit, &finding->evidence, ".");
	say_busiest(audit, finding, &probes);
	if (audit->facts->forwards)
		finding_say(audit, &finding->evidence,
			    " This host forwards: some may have been for others.");
	finding_say(audit, &finding->advice,
		    "Scans look like this. A port that one of your own asks for again and again "
		    "is a service that is missing.");
}
