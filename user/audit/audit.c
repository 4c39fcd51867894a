/* See audit.h. */
#include "audit/audit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checks.h"
#include "listeners/admission.h"
#include "util/cleanup.h"

static const char *const codes[FINDING_CODES] = {
	[FINDING_OPEN_UNSERVED] = "open-unserved",
	[FINDING_EXPOSED] = "exposed",
	[FINDING_PLAINTEXT] = "plaintext",
	[FINDING_SHUT_OUT] = "shut-out",
	[FINDING_ONE_FAMILY] = "one-family",
	[FINDING_DEAD] = "dead",
	[FINDING_PROBED] = "probed",
	[FINDING_PUBLISHED] = "published",
	[FINDING_NEVER_REACHED] = "never-reached",
};

static const char *const severities[SEVERITIES] = {
	[SEVERITY_INFO] = "info",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

const char *finding_code_word(enum finding_code code)
{
	return codes[code];
}

const char *finding_severity_word(enum finding_severity severity)
{
	return severities[severity];
}

int finding_severity_parse(const char *word, enum finding_severity *ret_severity)
{
	for (enum finding_severity severity = 0; severity < SEVERITIES; severity++) {
		if (strcmp(word, severities[severity]) != 0)
			continue;
		*ret_severity = severity;
		return 0;
	}
	return -EINVAL;
}

/* ---- which ports are asked for ---- */

static void want_listeners(const struct audit_facts *facts, struct port_set *set)
{
	for (size_t i = 0; i < facts->listeners->count; i++) {
		const struct listener *listener = facts->listeners->items[i].listener;

		if (listener->scope != LISTENER_LOOPBACK)
			port_set_add(set, listener->transport, listener->port, listener->port);
	}
}

/* What is left out by a rule concerns all others, which are not what it is about. */
static void want_rules(const struct rules *rules, struct port_set *set)
{
	for (size_t i = 0; i < rules->use_count; i++) {
		const struct port_use *use = &rules->uses[i];
		uint8_t transports = use->transports ? use->transports : SERVICE_TCP | SERVICE_UDP;

		for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
			if (use->role == PORT_DESTINATION && !use->negated && transports & 1u << t)
				port_set_add(set, t, use->first, use->last);
	}
}

/* Of listeners at one address: what comes to that address. */
static int ask_bound(struct audit *audit)
{
	const struct listener_rows *rows = audit->facts->listeners;
	size_t count = rows->count * SURVEY_FAMILIES;
	_cleanup_free_ struct reach_question *questions =
		reallocarray(NULL, count + 1, sizeof(*questions));
	_cleanup_free_ struct survey_port *ports = reallocarray(NULL, count + 1, sizeof(*ports));
	_cleanup_free_ size_t *places = reallocarray(NULL, count + 1, sizeof(*places));
	size_t asked = 0;
	int error;

	audit->bound = calloc(rows->count + 1, sizeof(*audit->bound));
	if (!questions || !ports || !places || !audit->bound)
		return -ENOMEM;
	for (size_t i = 0; i < rows->count; i++)
		for (enum survey_family f = SURVEY_IPV4; f < SURVEY_FAMILIES; f++) {
			if (listener_question(rows->items[i].listener, survey_family_number(f),
					      &questions[asked]) &&
			    questions[asked].has_bound)
				places[asked++] = i * SURVEY_FAMILIES + f;
		}
	error = survey_ask_more(audit->survey, questions, asked, ports);
	for (size_t i = 0; !error && i < asked; i++)
		audit->bound[places[i] / SURVEY_FAMILIES][places[i] % SURVEY_FAMILIES] = ports[i];
	return error;
}

static int ask(struct audit *audit)
{
	const struct audit_facts *facts = audit->facts;
	_cleanup_free_ struct port_set *wanted = calloc(1, sizeof(*wanted));
	int error = wanted ? survey_new(&facts->view->kernel, facts->host, facts->beside,
					&audit->survey)
			   : -ENOMEM;

	if (error)
		return error;
	want_listeners(facts, &audit->listening);
	want_listeners(facts, wanted);
	want_rules(facts->rules, wanted);
	error = survey_ask(audit->survey, wanted);
	return error ? error : ask_bound(audit);
}

/* ---- all of it ---- */

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;

	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->code != b->code)
		return a->code < b->code ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->transports - b->transports;
}

int audit_run(const struct audit_facts *facts, struct findings *ret_findings)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int error;

	*ret_findings = (struct findings){ 0 };
	if (!audit)
		return -ENOMEM;
	audit->facts = facts;
	audit->findings = ret_findings;
	error = ask(audit);
	if (!error) {
		check_rules(audit);
		check_shadows(audit);
		check_listeners(audit);
		check_traffic(audit);
		check_published(audit);
	}
	if (ret_findings->count)
		qsort(ret_findings->list, ret_findings->count, sizeof(*ret_findings->list),
		      compare);
	survey_free(audit->survey);
	free(audit->bound);
	free(audit);
	return error ? error : ret_findings->failed ? -ENOMEM : 0;
}

void finding_release(struct finding *finding)
{
	free(finding->rule);
	free(finding->listener);
	free(finding->evidence);
	free(finding->advice);
}

void findings_release(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		finding_release(&findings->list[i]);
	free(findings->list);
	*findings = (struct findings){ 0 };
}
