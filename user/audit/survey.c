/* See survey.h. */
#include "audit/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "audit/checks.h"
#include "listeners/verdict.h"
#include "reach/render.h"
#include "util/cleanup.h"
/* Behind netinet/in.h: both define addresses. */
#include <linux/netfilter.h>

#define CHUNK 4096 /* questions whose answers are kept in full at a time */

struct survey {
	const struct kernel_ruleset *ruleset;
	const struct host *host;
	struct reach_style style; /* for what stands beside nftables */
	struct reach *reach;
	struct survey_port *ports[SURVEY_FAMILIES][TRANSPORT_COUNT]; /* owned; NULL: none asked */
	uint64_t *reached, *opening, *stateful; /* owned; one bit a rule of the ruleset */
};

int survey_new(const struct kernel_ruleset *ruleset, const struct host *host,
	       const struct beside *beside, struct survey **ret_survey)
{
	struct survey *survey = calloc(1, sizeof(*survey));
	int error;

	if (!survey)
		return -ENOMEM;
	survey->ruleset = ruleset;
	survey->host = host;
	survey->style = (struct reach_style){ .host = host, .beside = beside };
	survey->reached = calloc(ruleset->rule_count / 64 + 1, sizeof(*survey->reached));
	survey->opening = calloc(ruleset->rule_count / 64 + 1, sizeof(*survey->opening));
	survey->stateful = calloc(ruleset->rule_count / 64 + 1, sizeof(*survey->stateful));
	error = survey->reached && survey->opening && survey->stateful
			? reach_new(ruleset, host, &survey->reach)
			: -ENOMEM;
	if (error) {
		survey_free(survey);
		return error;
	}
	for (size_t i = 0; i < ruleset->rule_count; i++)
		survey->stateful[i / 64] |= (uint64_t)!rule_is_stateless(&ruleset->rules[i])
					    << (i % 64);
	*ret_survey = survey;
	return 0;
}

void survey_free(struct survey *survey)
{
	if (!survey)
		return;
	for (unsigned int f = 0; f < SURVEY_FAMILIES; f++)
		for (unsigned int t = 0; t < TRANSPORT_COUNT; t++)
			free(survey->ports[f][t]);
	reach_free(survey->reach);
	free(survey->reached);
	free(survey->opening);
	free(survey->stateful);
	free(survey);
}

/* ---- sets of ports ---- */

void port_set_add(struct port_set *set, enum transport transport, uint16_t first, uint16_t last)
{
	for (uint32_t port = first; port <= last; port++)
		set->bits[transport][port / 64] |= UINT64_C(1) << (port % 64);
}

bool port_set_holds(const struct port_set *set, enum transport transport, uint16_t port)
{
	return set->bits[transport][port / 64] >> (port % 64) & 1;
}

/* ---- an answer in a few words ---- */

static void mark(const struct survey *survey, uint64_t *rules, const struct reach_rule *rule)
{
	size_t place;

	if (!rule->rule)
		return;
	place = rule->rule - survey->ruleset->rules;
	rules[place / 64] |= UINT64_C(1) << (place % 64);
}

static bool is_marked(const struct survey *survey, const uint64_t *rules,
		      const struct kernel_rule *rule)
{
	size_t place = rule - survey->ruleset->rules;

	return rules[place / 64] >> (place % 64) & 1;
}

bool survey_reaches(const struct survey *survey, const struct kernel_rule *rule)
{
	return is_marked(survey, survey->reached, rule);
}

bool survey_lets_in(const struct survey *survey, const struct kernel_rule *rule)
{
	return is_marked(survey, survey->opening, rule);
}

/* Whether it comes from elsewhere; and from anywhere. */
static bool is_from_outside(const struct reach_part *part, bool *ret_any)
{
	bool outside = false;

	*ret_any = false;
	for (size_t i = 0; i < part->where_count; i++) {
		outside |= !part->where[i].is_loopback;
		*ret_any |= !part->where[i].is_loopback && part->where[i].any_source;
	}
	return outside;
}

static bool decided_beside(const struct survey *survey, const struct reach_question *question,
			   const struct reach_part *part)
{
	for (size_t i = 0; i < part->where_count; i++)
		if (!part->where[i].is_loopback &&
		    reach_beside(&survey->style, question, &part->where[i]))
			return true;
	return false;
}

/* It has addresses of the family, and none that the Internet could send to. */
static bool is_own_network(const struct host *host, uint8_t family, size_t interface)
{
	bool found = false;

	for (size_t i = 0; i < host->address_count; i++) {
		const struct host_address *address = &host->addresses[i];
		uint8_t bytes[16];

		if (address->family != family || address->interface != interface ||
		    address->kind != ADDRESS_LOCAL)
			continue;
		address_bytes(family, address->range.first, bytes);
		if (!address_is_private(family == NFPROTO_IPV4 ? AF_INET : AF_INET6, bytes))
			return false;
		found = true;
	}
	return found;
}

/* From anywhere, by another interface than those of own networks. */
static bool is_from_public(const struct survey *survey, uint8_t family,
			   const struct reach_part *part)
{
	for (size_t i = 0; i < part->where_count; i++) {
		const struct reach_where *where = &part->where[i];

		if (where->is_loopback || !where->any_source)
			continue;
		if (where->any_interface)
			return true;
		for (size_t k = 0; k < where->interface_count; k++)
			for (number_t place = where->interfaces[k].first;
			     place <= where->interfaces[k].last; place++)
				if (!is_own_network(survey->host, family, place))
					return true;
	}
	return false;
}

static void take_open(const struct survey *survey, const struct reach_question *question,
		      const struct reach_part *part, bool any, struct survey_port *port)
{
	if (!port->open || (any && !port->from_any))
		port->opens = part->decides;
	port->open = true;
	port->from_any |= any && part->verdict == REACH_OPEN;
	port->from_public |=
		part->verdict == REACH_OPEN && is_from_public(survey, question->family, part);
	if (part->port != question->port) {
		port->has_target = true;
		port->target = part->port;
	}
}

static void take_sent(const struct reach_part *part, bool any, struct survey_port *port)
{
	port->some_sent_on = true;
	if (!any || port->sent_on)
		return;
	port->sent_on = true;
	port->sends = part->translates;
	port->sent_to = part->address;
	port->sent_to_port = part->port;
}

static bool is_stateful(const struct survey *survey, const struct reach_part *part)
{
	for (size_t i = 0; i < part->path_count; i++)
		if (part->path[i].rule && is_marked(survey, survey->stateful, part->path[i].rule))
			return true;
	return part->decides.rule && is_marked(survey, survey->stateful, part->decides.rule);
}

static void take_part(struct survey *survey, const struct reach_question *question,
		      const struct reach_part *part, struct survey_port *port)
{
	bool any, outside = is_from_outside(part, &any);

	for (size_t i = 0; i < part->path_count; i++)
		mark(survey, survey->reached, &part->path[i]);
	mark(survey, survey->reached, &part->decides);
	mark(survey, survey->reached, &part->translates);
	if (!outside)
		return;
	port->stateful |= is_stateful(survey, part);
	switch (part->verdict) {
	case REACH_OPEN:
	case REACH_MAYBE:
		port->unknown |= decided_beside(survey, question, part);
		take_open(survey, question, part, any, port);
		mark(survey, survey->opening, &part->decides);
		for (size_t i = 0; i < part->path_count; i++)
			mark(survey, survey->opening, &part->path[i]);
		break;
	case REACH_SENT_ON: take_sent(part, any, port); break;
	case REACH_CANNOT_TELL: port->unknown = true; break;
	case REACH_REJECTED:
	case REACH_DROPPED:
		if (!port->closes.chain) {
			port->closes = part->decides;
			port->rejected = part->verdict == REACH_REJECTED;
		}
		break;
	}
}

static void take_answer(struct survey *survey, const struct reach_answer *answer,
			struct survey_port *ret_port)
{
	*ret_port = (struct survey_port){ .asked = true, .no_address = answer->no_address };
	for (size_t i = 0; i < answer->count; i++)
		take_part(survey, &answer->question, &answer->parts[i], ret_port);
}

/* ---- asking ---- */

int survey_ask_more(struct survey *survey, const struct reach_question *questions, size_t count,
		    struct survey_port *ret_ports)
{
	_cleanup_free_ struct reach_answer *answers =
		calloc(count < CHUNK ? count + 1 : CHUNK, sizeof(*answers));

	if (!answers)
		return -ENOMEM;
	for (size_t first = 0, some; first < count; first += some) {
		int error;

		some = count - first < CHUNK ? count - first : CHUNK;
		error = reach_ask(survey->reach, questions + first, some, answers);
		if (error)
			return error;
		for (size_t i = 0; i < some; i++) {
			take_answer(survey, &answers[i], &ret_ports[first + i]);
			reach_answer_release(&answers[i]);
		}
	}
	return 0;
}

uint8_t survey_family_number(enum survey_family family)
{
	return family == SURVEY_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

const char *survey_family_word(enum survey_family family)
{
	return family == SURVEY_IPV4 ? "IPv4" : "IPv6";
}

static size_t list_questions(enum survey_family family, enum transport transport,
			     const struct port_set *set, struct reach_question *questions)
{
	size_t count = 0;

	for (uint32_t port = 0; port < PORT_COUNT; port++)
		if (port_set_holds(set, transport, port))
			questions[count++] = (struct reach_question){
				.family = survey_family_number(family),
				.transport = transport,
				.port = port,
				.interface = REACH_ANY_INTERFACE,
			};
	return count;
}

static int ask_ports(struct survey *survey, enum survey_family family, enum transport transport,
		     const struct port_set *set)
{
	_cleanup_free_ struct reach_question *questions =
		reallocarray(NULL, PORT_COUNT, sizeof(*questions));
	_cleanup_free_ struct survey_port *found = NULL;
	struct survey_port *ports = survey->ports[family][transport];
	size_t count = questions ? list_questions(family, transport, set, questions) : 0;
	int error;

	if (questions && !count)
		return 0;
	if (!ports)
		ports = calloc(PORT_COUNT, sizeof(*ports));
	survey->ports[family][transport] = ports;
	found = reallocarray(NULL, count + 1, sizeof(*found));
	if (!questions || !ports || !found)
		return -ENOMEM;
	error = survey_ask_more(survey, questions, count, found);
	for (size_t i = 0; !error && i < count; i++)
		ports[questions[i].port] = found[i];
	return error;
}

int survey_ask(struct survey *survey, const struct port_set *set)
{
	int error = 0;

	for (unsigned int t = 0; !error && t < TRANSPORT_COUNT; t++) {
		error = ask_ports(survey, SURVEY_IPV4, t, set);
		if (!error)
			error = ask_ports(survey, SURVEY_IPV6, t, set);
	}
	return error;
}

const struct survey_port *survey_port(const struct survey *survey, enum survey_family family,
				      enum transport transport, uint16_t port)
{
	static const struct survey_port nothing;
	const struct survey_port *ports = survey->ports[family][transport];

	return ports ? &ports[port] : &nothing;
}
