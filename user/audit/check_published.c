/*
 * Ports that are translated to another host, as docker and podman publish those of
 * containers: the chain input never sees them, however it is written. The ruleset is
 * tried without its translations to tell what was meant for the port.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checks.h"
#include "util/cleanup.h"

/* The ruleset, and its chains of translations before routing have no rules. */
static struct kernel_chain *without_translations(const struct kernel_ruleset *ruleset)
{
	struct kernel_chain *chains = reallocarray(NULL, ruleset->chain_count + 1, sizeof(*chains));

	if (!chains)
		return NULL;
	memcpy(chains, ruleset->chains, ruleset->chain_count * sizeof(*chains));
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (chains[i].is_base && slice_equals(chains[i].type, "nat") &&
		    chains[i].hook == NF_INET_PRE_ROUTING)
			chains[i].rule_count = 0;
	return chains;
}

static void say_address(struct audit *audit, char **text, enum survey_family family,
			const struct survey_port *port)
{
	char bytes[16], address[INET6_ADDRSTRLEN] = "";

	address_bytes(survey_family_number(family), port->sent_to, bytes);
	inet_ntop(family == SURVEY_IPV4 ? AF_INET : AF_INET6, bytes, address, sizeof(address));
	finding_say(audit, text, family == SURVEY_IPV4 ? "%s:%u" : "[%s]:%u", address,
		    port->sent_to_port);
}

static void check_port(struct audit *audit, enum survey_family family, enum transport transport,
		       uint16_t number, const struct survey_port *port,
		       const struct survey_port *meant)
{
	struct finding *finding;

	if (meant->from_any || meant->unknown || !meant->closes.chain)
		return;
	finding = finding_add(audit, FINDING_PUBLISHED, SEVERITY_WARNING, 1u << transport, number,
			      number);
	if (!finding)
		return;
	if (port->sends.chain)
		finding_say_rule(audit, &finding->rule, &port->sends);
	finding_say(audit, &finding->evidence, "Anybody reaches it over %s: it is sent on to ",
		    survey_family_word(family));
	say_address(audit, &finding->evidence, family, port);
	finding_say(audit, &finding->evidence, ", and so passes by ");
	finding_say_rule(audit, &finding->evidence, &meant->closes);
	finding_say(audit, &finding->evidence, ", which would %s %s. ",
		    meant->rejected ? "reject" : "drop", meant->open ? "all but some of it" : "it");
	finding_say_traffic(audit, &finding->evidence, finding->transports, number, number);
	finding_say(audit, &finding->advice,
		    "Publish it on 127.0.0.1 only, or filter it in the chain forward (with docker: "
		    "DOCKER-USER).");
}

/* Of one family; the ports that are sent on from anywhere. */
static size_t list_sent_on(const struct audit *audit, enum survey_family family,
			   struct port_set *set)
{
	size_t count = 0;

	for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
		for (uint32_t port = 0; port < PORT_COUNT; port++)
			if (survey_port(audit->survey, family, t, port)->sent_on) {
				port_set_add(set, t, port, port);
				count++;
			}
	return count;
}

static int check(struct audit *audit, const struct port_set *set)
{
	const struct audit_facts *facts = audit->facts;
	struct kernel_ruleset ruleset = facts->view->kernel;
	_cleanup_free_ struct kernel_chain *chains = without_translations(&ruleset);
	struct survey *survey = NULL;
	int error;

	if (!chains)
		return -ENOMEM;
	ruleset.chains = chains;
	ruleset.sorted_chains = ruleset.sorted_sets = NULL;
	error = kernel_ruleset_sort(&ruleset);
	if (!error)
		error = survey_new(&ruleset, facts->host, facts->beside, &survey);
	if (!error)
		error = survey_ask(survey, set);
	for (enum survey_family family = SURVEY_IPV4; !error && family < SURVEY_FAMILIES; family++)
		for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
			for (uint32_t port = 0; port < PORT_COUNT; port++) {
				const struct survey_port *now =
					survey_port(audit->survey, family, t, port);

				if (now->sent_on)
					check_port(audit, family, t, port, now,
						   survey_port(survey, family, t, port));
			}
	survey_free(survey);
	free(ruleset.sorted_chains);
	free(ruleset.sorted_sets);
	return error;
}

void check_published(struct audit *audit)
{
	_cleanup_free_ struct port_set *set = calloc(1, sizeof(*set));
	size_t count = 0;

	if (!set) {
		audit->findings->failed = true;
		return;
	}
	for (enum survey_family family = SURVEY_IPV4; family < SURVEY_FAMILIES; family++)
		count += list_sent_on(audit, family, set);
	if (count && check(audit, set))
		audit->findings->failed = true;
}
