/*
 * See reach.h. The outcomes of a walk overlap where a literal went both ways; here
 * they become parts that do not: what is open whatever else holds, what is so only
 * when something does, what is closed, and for each the rule that decides.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reach/asked.h"
#include "reach/region.h"
#include "reach/where.h"

#define RULE_COMMENT 0 /* NFTNL_UDATA_RULE_COMMENT of libnftnl */

/* ---- rules ---- */

static struct reach_rule rule_of(const struct step *step)
{
	struct reach_rule rule = { 0 };

	if (!step)
		return rule;
	rule.chain = step->chain->kernel;
	if (step->rule) {
		rule.rule = step->rule->kernel;
		rule.comment = userdata_comment(rule.rule->item.userdata, RULE_COMMENT);
		if (!rule.comment.length && step->rule->comment)
			rule.comment = slice_of(step->rule->comment);
	}
	return rule;
}

static int take_path(struct reach_part *part, const struct step *step)
{
	size_t count = 0;

	for (const struct step *at = step; at; at = at->before)
		count++;
	part->path = calloc(count + 1, sizeof(*part->path));
	if (!part->path)
		return -ENOMEM;
	part->path_count = count;
	for (const struct step *at = step; at; at = at->before)
		part->path[--count] = rule_of(at);
	return 0;
}

/* ---- one question ---- */

struct answering {
	struct reach *reach;
	const struct walk *walk;
	const uint32_t *outcomes, *outcomes_end; /* of this port */
	const uint32_t *passages, *passages_end;
	const struct reach_question *question;
	struct everything everything;
	struct where_cache *cache;
	bool has_filter;
	struct space filter; /* what the question is about, where it is not all */
	struct reach_answer *answer;
	int error;
};

/* @space becomes what of it is in @other; what is not is lost. */
static void keep_common(struct space *space, const struct space *other)
{
	struct space in, out;

	space_cut_by(space, other, &in, &out);
	space_release(&out);
	*space = in;
}

/* What of an outcome concerns the question. */
static void take_slice(const struct answering *answering, const struct outcome *outcome,
		       struct space *ret_slice)
{
	space_copy_port(ret_slice, &outcome->stream.space, answering->question->port);
	if (answering->has_filter)
		keep_common(ret_slice, &answering->filter);
}

/* @space loses what is in @other. */
static void take_away(struct space *space, const struct space *other)
{
	struct space in, out;

	space_cut_by(space, other, &in, &out);
	space_release(&in);
	*space = out;
}

static struct reach_part *part_add(struct answering *answering, enum reach_verdict verdict,
				   const struct step *step)
{
	struct reach_answer *answer = answering->answer;
	struct reach_part *grown =
		reallocarray(answer->parts, answer->count + 1, sizeof(*answer->parts));
	struct reach_part *part;

	if (!grown) {
		answering->error = -ENOMEM;
		return NULL;
	}
	answer->parts = grown;
	part = &grown[answer->count++];
	*part = (struct reach_part){ .verdict = verdict,
				     .decides = rule_of(step),
				     .port = answering->question->port };
	if (take_path(part, step))
		answering->error = -ENOMEM;
	return part;
}

/* The rule that gave it another destination, among those that let it pass. */
static const struct step *find_translation(const struct answering *answering,
					   const struct outcome *outcome, const struct space *space)
{
	const struct walk *walk = answering->walk;

	for (const uint32_t *at = answering->passages_end; at-- > answering->passages;)
		if (walk->passages[*at].translates &&
		    walk->passages[*at].loopback == outcome->loopback &&
		    space_meets(&walk->passages[*at].space, space, answering->question->port))
			return walk->passages[*at].step;
	return NULL;
}

static void take_state(const struct answering *answering, const struct outcome *outcome,
		       const struct space *space, struct reach_part *part)
{
	const struct packet_state *state = &outcome->stream.state;

	part->reason = outcome->text;
	if (state->destination == DESTINATION_TRANSLATED) {
		part->has_address = true;
		part->address = state->address;
	}
	if (state->has_port && !state->port_unknown)
		part->port = state->port;
	if (state->socket_port)
		part->port = state->socket_port;
	if (state->destination != DESTINATION_AS_SENT || state->has_port)
		part->translates = rule_of(find_translation(answering, outcome, space));
}

static int take_literals(struct answering *answering, const struct outcome *outcome,
			 struct reach_part *part)
{
	size_t count = 0;

	for (const struct literal *at = outcome->stream.literals; at; at = at->before)
		count++;
	part->when = calloc(count + 1, sizeof(*part->when));
	if (!part->when)
		return -ENOMEM;
	part->when_count = count;
	for (const struct literal *at = outcome->stream.literals; at; at = at->before) {
		const char *text = at->text;

		if (at->negated) {
			size_t size = strlen(text) + sizeof("not: ");
			char *negated = arena_bytes(&answering->reach->arena, size);

			if (!negated)
				return -ENOMEM;
			strcpy(stpcpy(negated, "not: "), text);
			text = negated;
		}
		part->when[--count] = text;
	}
	return 0;
}

/* One part of what is left of an outcome; @space is used up. */
static void emit(struct answering *answering, const struct outcome *outcome,
		 enum reach_verdict verdict, const struct step *step, struct space *space)
{
	const struct region *region = space_region(space, answering->question->port);
	struct reach_part *part = NULL;

	if (space->failed)
		answering->error = -ENOMEM;
	if (region && !answering->error)
		part = part_add(answering, verdict, step);
	if (part) {
		take_state(answering, outcome, space, part);
		if (!answering->error && verdict == REACH_MAYBE)
			answering->error = take_literals(answering, outcome, part);
		part->where_list = where_find(answering->cache, region, &answering->everything);
		if (part->where_list) {
			part->where = part->where_list->list;
			part->where_count = part->where_list->count;
		} else {
			answering->error = -ENOMEM;
		}
	}
	space_release(space);
}

/*
 * What is let through was so by rules, the last of which decides; where none did, by
 * a policy. @space is used up.
 */
static void emit_passed(struct answering *answering, const struct outcome *outcome,
			enum reach_verdict verdict, struct space *space)
{
	const struct walk *walk = answering->walk;
	uint16_t port = answering->question->port;

	for (unsigned int policies = 0; policies < 2; policies++)
		for (const uint32_t *at = answering->passages_end;
		     at-- > answering->passages && !space_is_empty(space);) {
			const struct passage *passage = &walk->passages[*at];
			struct space in, out, mask;

			if (!passage->filters || !passage->step ||
			    passage->loopback != outcome->loopback ||
			    (passage->step->rule == NULL) != policies ||
			    !space_meets(&passage->space, space, port))
				continue;
			space_copy_port(&mask, &passage->space, port);
			space_cut_by(space, &mask, &in, &out);
			space_release(&mask);
			emit(answering, outcome, verdict, passage->step, &in);
			*space = out;
		}
	emit(answering, outcome, verdict, NULL, space);
}

static enum reach_verdict verdict_of(enum fate fate)
{
	switch (fate) {
	case FATE_OPEN: return REACH_OPEN;
	case FATE_DROPPED: return REACH_DROPPED;
	case FATE_REJECTED: return REACH_REJECTED;
	case FATE_SENT_ON: return REACH_SENT_ON;
	default: return REACH_CANNOT_TELL;
	}
}

/* Of all fates: which packets have it, for this question. */
struct fates {
	struct space open, closed, unknown;
};

static void fates_gather(struct answering *answering, struct fates *fates)
{
	const struct walk *walk = answering->walk;

	for (const uint32_t *at = answering->outcomes; at < answering->outcomes_end; at++) {
		const struct outcome *outcome = &walk->outcomes[*at];
		struct space slice;

		if (!outcome->stream.literals)
			continue;
		take_slice(answering, outcome, &slice);
		space_unite(outcome->fate == FATE_OPEN		? &fates->open
			    : outcome->fate == FATE_CANNOT_TELL ? &fates->unknown
								: &fates->closed,
			    &slice);
	}
}

/* An outcome without literals has no other beside it; @space is used up. */
static void emit_certain(struct answering *answering, const struct outcome *outcome,
			 struct space *space)
{
	enum reach_verdict verdict = verdict_of(outcome->fate);

	if (outcome->step || (verdict != REACH_OPEN && verdict != REACH_SENT_ON))
		emit(answering, outcome, verdict, outcome->step, space);
	else
		emit_passed(answering, outcome, verdict, space);
}

/* What is both open and closed is so only when its literals hold. */
static void emit_uncertain(struct answering *answering, const struct outcome *outcome,
			   struct fates *fates, struct space *seen, struct space *space)
{
	struct space both, alone, fresh;

	if (outcome->fate == FATE_CANNOT_TELL) {
		emit_certain(answering, outcome, space);
		return;
	}
	space_cut_by(space, outcome->fate == FATE_OPEN ? &fates->closed : &fates->open, &both,
		     &alone);
	if (outcome->fate == FATE_OPEN && !outcome->step)
		emit_passed(answering, outcome, REACH_MAYBE, &both);
	else if (outcome->fate == FATE_OPEN)
		emit(answering, outcome, REACH_MAYBE, outcome->step, &both);
	else
		space_release(&both);
	/* Two ways to the same end: said once. */
	take_away(&alone, seen);
	space_copy(&fresh, &alone);
	space_unite(seen, &fresh);
	emit_certain(answering, outcome, &alone);
}

static void answer_parts(struct answering *answering)
{
	const struct walk *walk = answering->walk;
	struct space seen[3] = { 0 };
	struct fates fates = { 0 };

	fates_gather(answering, &fates);
	for (const uint32_t *at = answering->outcomes;
	     at < answering->outcomes_end && !answering->error; at++) {
		const struct outcome *outcome = &walk->outcomes[*at];
		struct space slice;

		take_slice(answering, outcome, &slice);
		if (outcome->stream.literals)
			emit_uncertain(answering, outcome, &fates,
				       &seen[outcome->fate == FATE_OPEN], &slice);
		else
			emit_certain(answering, outcome, &slice);
	}
	for (unsigned int i = 0; i < 3; i++)
		space_release(&seen[i]);
	space_release(&fates.open);
	space_release(&fates.closed);
	space_release(&fates.unknown);
}

static void part_release(struct reach_part *part)
{
	where_release(part->where_list);
	free(part->when);
	free(part->path);
}

/* ---- what the question is about ---- */

static void narrow(struct space *space, enum dimension dimension, struct interval interval)
{
	struct space in, out;

	space_cut(space, dimension, &interval, 1, &in, &out);
	space_release(&out);
	*space = in;
}

/* Over lo comes only what this host sends. */
static void drop_loopback(const struct answering *answering, const struct asked *asked,
			  struct space *space)
{
	const struct host *host = answering->reach->host;
	const struct interval *from = &answering->question->from;
	size_t at = interval_at(asked->silent, asked->silent_count, from->last);

	if (at < asked->silent_count && asked->silent[at].first <= from->last)
		return;
	for (size_t i = 0; i < host->count; i++) {
		const struct interval lo = { i, i };
		struct space in, out;

		if (!host->interfaces[i].is_loopback)
			continue;
		space_cut(space, DIM_INTERFACE, &lo, 1, &in, &out);
		space_release(&in);
		*space = out;
	}
}

static void make_filter(const struct answering *answering, struct space *ret_filter)
{
	const struct reach_question *question = answering->question;
	const struct asked *asked =
		&answering->reach->asked[host_family(question->family)][question->transport];
	struct space filter;

	space_copy_port(&filter, &asked->everything, question->port);
	if (question->has_bound)
		narrow(&filter, DIM_DESTINATION,
		       (struct interval){ question->bound, question->bound });
	if (question->has_from) {
		narrow(&filter, DIM_SOURCE, question->from);
		drop_loopback(answering, asked, &filter);
	}
	if (question->interface != REACH_ANY_INTERFACE)
		narrow(&filter, DIM_INTERFACE,
		       (struct interval){ question->interface, question->interface });
	*ret_filter = filter;
}

/* Of sources that nothing comes from nothing is said. */
static void drop_empty(struct reach_answer *answer)
{
	size_t kept = 0;

	for (size_t i = 0; i < answer->count; i++) {
		if (answer->parts[i].where_count)
			answer->parts[kept++] = answer->parts[i];
		else
			part_release(&answer->parts[i]);
	}
	answer->count = kept;
}

static int compare_parts(const void *left, const void *right)
{
	const struct reach_part *a = left, *b = right;
	bool loop_a = a->where_count && a->where[0].is_loopback;
	bool loop_b = b->where_count && b->where[0].is_loopback;

	if (loop_a != loop_b)
		return loop_a - loop_b;
	return (a->verdict > b->verdict) - (a->verdict < b->verdict);
}

int answer_make(struct reach *reach, const struct reach_question *question,
		struct reach_answer *answer)
{
	struct answering answering = {
		.reach = reach,
		.walk = &reach->asked[host_family(question->family)][question->transport].walk,
		.question = question,
		.everything.host = reach->host,
		.answer = answer,
	};
	struct asked *asked = &reach->asked[host_family(question->family)][question->transport];
	size_t place = asked_place(asked, question->port);
	struct where_cache own = { 0 };
	struct space everything;

	answering.outcomes = asked->outcomes.items + asked->outcomes.starts[place];
	answering.outcomes_end = asked->outcomes.items + asked->outcomes.starts[place + 1];
	answering.passages = asked->passages.items + asked->passages.starts[place];
	answering.passages_end = asked->passages.items + asked->passages.starts[place + 1];
	answering.has_filter = question->has_bound || question->has_from ||
			       question->interface != REACH_ANY_INTERFACE;
	/* What is cut to a question's measure no other has. */
	answering.cache = answering.has_filter ? &own : &asked->cache;
	answering.everything.silent = asked->silent;
	answering.everything.silent_count = asked->silent_count;
	make_filter(&answering, &answering.filter);
	space_copy(&everything, &answering.filter);
	answering.everything.region = space_region(&everything, question->port);
	answer->no_address = !answering.everything.region;
	if (!answer->no_address)
		answer_parts(&answering);
	if (answering.filter.failed || everything.failed)
		answering.error = -ENOMEM;
	space_release(&answering.filter);
	space_release(&everything);
	where_cache_release(&own);
	drop_empty(answer);
	if (answer->count)
		qsort(answer->parts, answer->count, sizeof(*answer->parts), compare_parts);
	return answering.error;
}

void reach_answer_release(struct reach_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		part_release(&answer->parts[i]);
	free(answer->parts);
	*answer = (struct reach_answer){ 0 };
}

enum reach_verdict reach_answer_verdict(const struct reach_answer *answer)
{
	enum reach_verdict verdict = REACH_DROPPED;
	bool first = true;

	for (size_t i = 0; i < answer->count; i++) {
		const struct reach_part *part = &answer->parts[i];

		/* What comes over lo alone says nothing of those outside. */
		if (part->where_count && part->where[0].is_loopback)
			continue;
		if (first || part->verdict < verdict)
			verdict = part->verdict;
		first = false;
	}
	return verdict;
}
