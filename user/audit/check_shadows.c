/*
 * Rules that no new connection gets to. To tell those from rules that are about
 * something else (established connections, a source that cannot be), the chain is
 * tried with that rule alone: it must decide something there, and decide nothing where
 * it stands. What decides before it must do so for every packet, not only for the
 * first one of a connection; and what is sent on or leaves must not come to the chain,
 * for of that nothing is asked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "audit/checks.h"
#include "reach/program.h"
#include "util/cleanup.h"
/* Behind netinet/in.h: both define addresses. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

/* ---- which chains see nothing but what is for this host ---- */

static void mark_reached(const struct program *program, const struct chain *chain, bool *marks);

static void mark_targets(const struct program *program, const struct instruction *instruction,
			 bool *marks)
{
	const struct set *set = instruction->set;

	if (instruction->target)
		mark_reached(program, instruction->target, marks);
	if (!set || !set->has_verdicts)
		return;
	for (size_t i = 0; i < set->count; i++)
		if (set->elements[i].target)
			mark_reached(program, set->elements[i].target, marks);
	if (set->otherwise && set->otherwise->target)
		mark_reached(program, set->otherwise->target, marks);
}

/* What a chain jumps to, and so on, sees what it sees: 16 deep, nf_tables allows no more. */
static void mark_reached(const struct program *program, const struct chain *chain, bool *marks)
{
	if (marks[chain - program->chains])
		return;
	marks[chain - program->chains] = true;
	for (size_t i = 0; i < chain->count; i++) {
		const struct rule *rule = &program->rules[chain->first + i];

		for (size_t k = 0; k < rule->count; k++)
			mark_targets(program, &program->instructions[rule->first + k], marks);
	}
}

/* Also what is sent on, and what this host sends; before routing the two are one. */
static bool sees_others(const struct kernel_chain *chain, const struct host *host)
{
	bool forwards = host->forwards[0] || host->forwards[1];

	if (chain->item.family == NFPROTO_NETDEV)
		return chain->hook != NF_NETDEV_INGRESS || forwards;
	if (chain->item.family == NFPROTO_BRIDGE)
		return true;
	if (chain->hook == NF_INET_PRE_ROUTING || chain->hook == NF_INET_INGRESS)
		return forwards;
	return chain->hook != NF_INET_LOCAL_IN;
}

/* A mark for each chain that sees what is not for this host; NULL: no memory. Owned. */
static bool *mark_others(const struct audit_facts *facts)
{
	const struct kernel_ruleset *ruleset = &facts->view->kernel;
	bool *marks = calloc(ruleset->chain_count + 1, sizeof(*marks));
	struct program program;

	if (!marks || program_make(ruleset, &program)) {
		free(marks);
		return NULL;
	}
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (ruleset->chains[i].is_base && sees_others(&ruleset->chains[i], facts->host))
			mark_reached(&program, &program.chains[i], marks);
	program_release(&program);
	return marks;
}

/* ---- what it would do alone ---- */

/* The ruleset with one rule alone in its chain. */
struct lone_rule {
	struct kernel_ruleset ruleset; /* borrowed but for @chains */
	struct kernel_chain *chains;   /* owned */
};

static const struct kernel_chain *chain_of(const struct kernel_ruleset *ruleset,
					   const struct kernel_rule *rule)
{
	return kernel_chain_find(ruleset, rule->item.family, rule->item.table, rule->item.name);
}

static int isolate(const struct kernel_ruleset *ruleset, const struct kernel_rule *rule,
		   struct lone_rule *ret_lone)
{
	struct lone_rule lone = { .ruleset = *ruleset };
	const struct kernel_chain *chain = chain_of(ruleset, rule);

	lone.chains = reallocarray(NULL, ruleset->chain_count + 1, sizeof(*lone.chains));
	if (!lone.chains || !chain) {
		free(lone.chains);
		return -ENOMEM;
	}
	memcpy(lone.chains, ruleset->chains, ruleset->chain_count * sizeof(*lone.chains));
	lone.chains[chain - ruleset->chains].first_rule = rule - ruleset->rules;
	lone.chains[chain - ruleset->chains].rule_count = 1;
	lone.ruleset.chains = lone.chains;
	/* Chains are found where they were. */
	lone.ruleset.sorted_chains = NULL;
	lone.ruleset.sorted_sets = NULL;
	if (kernel_ruleset_sort(&lone.ruleset)) {
		free(lone.chains);
		return -ENOMEM;
	}
	*ret_lone = lone;
	return 0;
}

static void lone_release(struct lone_rule *lone)
{
	free(lone->ruleset.sorted_chains);
	free(lone->ruleset.sorted_sets);
	free(lone->chains);
}

/* Whether it would decide about one of @ports, were it alone. */
static bool would_decide(struct audit *audit, const struct kernel_rule *rule,
			 const struct port_set *ports)
{
	const struct audit_facts *facts = audit->facts;
	struct survey *survey = NULL;
	struct lone_rule lone;
	bool decides = false;
	int error = isolate(&facts->view->kernel, rule, &lone);

	if (error) {
		audit->findings->failed = true;
		return false;
	}
	error = survey_new(&lone.ruleset, facts->host, facts->beside, &survey);
	if (!error)
		error = survey_ask(survey, ports);
	if (!error)
		decides = survey_reaches(survey, rule);
	audit->findings->failed |= error != 0;
	survey_free(survey);
	lone_release(&lone);
	return decides;
}

/* The first rule that decides of a port, of every packet; false where that cannot be said. */
static bool decides_port(const struct audit *audit, enum transport transport, uint16_t port,
			 struct reach_rule *found)
{
	for (enum survey_family f = SURVEY_IPV4; f < SURVEY_FAMILIES; f++) {
		const struct survey_port *survey = survey_port(audit->survey, f, transport, port);
		const struct reach_rule *rules[] = { &survey->opens, &survey->closes };

		if (survey->unknown || survey->sent_on || survey->stateful)
			return false;
		for (size_t i = 0; i < 2; i++)
			if (rules[i]->rule && !found->chain)
				*found = *rules[i];
	}
	return true;
}

static uint8_t transports_of(const struct port_use *use)
{
	return use->transports ? use->transports : SERVICE_TCP | SERVICE_UDP;
}

/* What decides instead; chain NULL where that cannot be said. */
static struct reach_rule decides_before(const struct audit *audit, const struct port_use *uses,
					size_t count)
{
	static const struct reach_rule nothing;
	struct reach_rule found = nothing;

	for (size_t i = 0; i < count; i++)
		for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
			for (uint32_t port = uses[i].first;
			     transports_of(&uses[i]) & 1u << t && port <= uses[i].last; port++)
				if (!decides_port(audit, t, port, &found))
					return nothing;
	return found;
}

static bool same_chain(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return a->item.family == b->item.family && slices_equal(a->item.table, b->item.table) &&
	       slices_equal(a->item.name, b->item.name);
}

/* What is not these ports, or is about who sends, is another question. */
static bool names_only_destinations(const struct port_use *uses, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (uses[i].role != PORT_DESTINATION || uses[i].negated)
			return false;
	return count;
}

static bool is_shadowed(struct audit *audit, const struct kernel_rule *rule,
			const struct port_use *uses, size_t count, struct reach_rule *ret_before)
{
	_cleanup_free_ struct port_set *ports = NULL;

	if (!names_only_destinations(uses, count))
		return false;
	*ret_before = decides_before(audit, uses, count);
	if (!ret_before->rule || ret_before->rule >= rule || !same_chain(ret_before->rule, rule))
		return false;
	ports = calloc(1, sizeof(*ports));
	if (!ports) {
		audit->findings->failed = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		for (enum transport t = 0; t < TRANSPORT_COUNT; t++)
			if (transports_of(&uses[i]) & 1u << t)
				port_set_add(ports, t, uses[i].first, uses[i].last);
	return would_decide(audit, rule, ports);
}

static void check_rule(struct audit *audit, const struct rules_item *item,
		       const struct kernel_rule *rule)
{
	const struct port_use *uses = &audit->facts->rules->uses[item->first_use];
	struct reach_rule before;
	struct finding *finding;

	if (!is_shadowed(audit, rule, uses, item->use_count, &before))
		return;
	finding = finding_add(audit, FINDING_NEVER_REACHED, SEVERITY_WARNING, uses->transports,
			      uses->first, uses->last);
	if (!finding)
		return;
	finding_say_item(audit, &finding->rule, item, rule);
	finding_say(audit, &finding->evidence, "Every packet it is about is decided before, by ");
	finding_say_rule(audit, &finding->evidence, &before);
	finding_say(audit, &finding->evidence, ".");
	finding_say(audit, &finding->advice,
		    "Take it out, or put it before that one if it is what you mean.");
}

void check_shadows(struct audit *audit)
{
	const struct rules *rules = audit->facts->rules;
	const struct kernel_ruleset *ruleset = &audit->facts->view->kernel;
	_cleanup_free_ bool *others = mark_others(audit->facts);

	audit->findings->failed |= !others;
	for (size_t i = 0; others && i < rules->count; i++) {
		const struct rules_item *item = &rules->items[i];
		const struct kernel_rule *rule =
			item->set.length ? NULL
					 : listed_rule_find(audit->facts->listed, item->start);

		if (rule && !item->reason && !survey_reaches(audit->survey, rule) &&
		    !others[chain_of(ruleset, rule) - ruleset->chains])
			check_rule(audit, item, rule);
	}
}
