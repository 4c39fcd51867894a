/*
 * The window: between reading a counter and the commit, packets still count on the
 * old rule. The kernel's notice that the old rule is gone carries its last numbers, so
 * what came in the window is known exactly, and is added by one more replacement,
 * which has a window of its own. At a high rate that would never end: hence the limit,
 * and a few rounds at most.
 * A packet that is on its way through the old rule when the notice is made counts there
 * later, and nobody tells: one a processor at most.
 */
#include "nft/live/rewrite.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "nft/live/batch.h"
#include "nft/live/judge.h"

#define RESTARTS_MAX  1000 /* of one change: somebody else changes things all the time */
#define ROUNDS_MAX    4	   /* of putting back what came meanwhile */
#define RATE_SECONDS  0.25
#define BATCH_RULES   16 /* small ones: a large one holds packets up */
#define EVENTS_BUFFER (4 << 20)
#define USERDATA_MAX  256 /* NFT_USERDATA_MAXLEN */

enum { UDATA_COMMENT = 0 };

struct rewriting {
	struct netlink ask, commit;
	struct mnl_socket *events;
	struct batch batch;
	struct kernel_ruleset scratch; /* what is asked for now */
	struct rewrite_report *report;
	uint32_t expected; /* the generation that we left; 0: none yet */
};

/* ---- sockets ---- */

static int open_events(struct mnl_socket **ret_socket)
{
	struct mnl_socket *events =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int size = EVENTS_BUFFER, error;

	if (!events)
		return -errno;
	if (mnl_socket_bind(events, 1u << (NFNLGRP_NFTABLES - 1), MNL_SOCKET_AUTOPID) < 0) {
		error = -errno;
		mnl_socket_close(events);
		return error;
	}
	setsockopt(mnl_socket_get_fd(events), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*ret_socket = events;
	return 0;
}

static int rewriting_open(struct rewriting *rewriting)
{
	int error = netlink_open(NETLINK_NETFILTER, &rewriting->ask);

	if (!error)
		error = netlink_open(NETLINK_NETFILTER, &rewriting->commit);
	return error ? error : open_events(&rewriting->events);
}

static void rewriting_close(struct rewriting *rewriting)
{
	netlink_close(&rewriting->ask);
	netlink_close(&rewriting->commit);
	if (rewriting->events)
		mnl_socket_close(rewriting->events);
	batch_release(&rewriting->batch);
	kernel_ruleset_release(&rewriting->scratch);
}

/* ---- the last numbers of a rule that is gone ---- */

struct numbers {
	struct rule_number list[NUMBERS_MAX]; /* their attributes do not live long */
	size_t count;
};

static struct numbers numbers_of(const struct nlattr *expressions)
{
	struct numbers numbers = { 0 };

	numbers.count = rule_numbers(expressions, numbers.list, NUMBERS_MAX);
	if (numbers.count > NUMBERS_MAX)
		numbers.count = NUMBERS_MAX;
	return numbers;
}

struct obituary {
	uint32_t portid; /* of the socket that replaced it */
	const struct kernel_item *rule;
	bool found;
	struct numbers numbers;
};

static void read_event(const struct nlmsghdr *message, struct obituary *obituary)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(message);
	const struct kernel_item *rule = obituary->rule;
	const struct nlattr *attributes[NFTA_RULE_MAX + 1];

	if (!rule || message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELRULE) ||
	    message->nlmsg_pid != obituary->portid || head->nfgen_family != rule->family)
		return;
	message_spread(message, attributes, NFTA_RULE_MAX);
	/* Each table has handles of its own. */
	if (attribute_u64(attributes[NFTA_RULE_HANDLE]) != rule->handle ||
	    !slices_equal(attribute_string(attributes[NFTA_RULE_TABLE]), rule->table))
		return;
	obituary->found = true;
	obituary->numbers = numbers_of(attributes[NFTA_RULE_EXPRESSIONS]);
}

/* All that has been told so far. Where some of it was lost (ENOBUFS), it is not found. */
static void read_events(const struct rewriting *rewriting, struct obituary *obituary)
{
	char *buffer = rewriting->ask.buffer;

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(rewriting->events, buffer, NETLINK_BUFFER);
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
		int left = got;

		if (got < 0 && errno != ENOBUFS && errno != EINTR)
			return;
		for (; got > 0 && mnl_nlmsg_ok(message, left);
		     message = mnl_nlmsg_next(message, &left))
			read_event(message, obituary);
	}
}

/* What was told before is of other replacements, and takes the room of the next one's. */
static void pass_events(const struct rewriting *rewriting)
{
	read_events(rewriting, &(struct obituary){ .rule = NULL });
}

/* ---- one rule ---- */

size_t rewrite_userdata(const struct kernel_rule *rule, const char *comment,
			uint8_t ret_bytes[USERDATA_MAX])
{
	const uint8_t *old = (const uint8_t *)rule->item.userdata.text;
	size_t size = rule->item.userdata.length, length = 0, at = 0;
	size_t comment_size = strlen(comment) + 1;

	for (; at + 2 <= size && at + 2 + old[at + 1] <= size; at += 2 + old[at + 1]) {
		if (old[at] == UDATA_COMMENT || length + 2 + old[at + 1] > USERDATA_MAX)
			continue;
		memcpy(ret_bytes + length, old + at, 2 + old[at + 1]);
		length += 2 + old[at + 1];
	}
	if (!*comment || length + 2 + comment_size > USERDATA_MAX)
		return length;
	ret_bytes[length] = UDATA_COMMENT;
	ret_bytes[length + 1] = comment_size;
	memcpy(ret_bytes + length + 2, comment, comment_size);
	return length + 2 + comment_size;
}

/* Ask for the rule as it is now, into the scratch. NULL with rewrite->result set. */
static const struct kernel_rule *ask_now(struct rewriting *rewriting, struct rewrite *rewrite,
					 struct slice userdata)
{
	struct kernel_ruleset *scratch = &rewriting->scratch;
	const struct kernel_rule *now;
	int error = kernel_ask_rule(&rewriting->ask, &rewrite->rule->item, scratch);

	if (error) {
		rewrite->result = error == -ENOENT ? REWRITE_GONE : REWRITE_REFUSED;
		rewrite->error = error;
		return NULL;
	}
	now = &scratch->rules[scratch->rule_count - 1];
	if (!rules_equal(now->expressions, rewrite->rule->expressions) ||
	    !slices_equal(now->item.userdata, userdata)) {
		rewrite->result = REWRITE_CHANGED;
		return NULL;
	}
	return now;
}

/* As the kernel names sets that have no name. */
static bool is_template_name(struct slice name)
{
	return name.length > 5 &&
	       (!memcmp(name.text, "__set", 5) || !memcmp(name.text, "__map", 5));
}

/* The sets without a name that the rule looks things up in, into the scratch. */
static int ask_sets(struct rewriting *rewriting, const struct kernel_rule *now)
{
	struct kernel_item item = now->item;
	const struct nlattr *expression;

	if (!now->expressions)
		return kernel_ruleset_sort(&rewriting->scratch);
	mnl_attr_for_each_nested (expression, now->expressions) {
		int error;

		item.name = lookup_name(expression);
		if (!is_template_name(item.name))
			continue;
		error = kernel_ask_set(&rewriting->ask, &item, &rewriting->scratch);
		if (error)
			return error;
	}
	return kernel_ruleset_sort(&rewriting->scratch);
}

/* Put one rule into the batch. False with rewrite->result set. */
static bool put_now(struct rewriting *rewriting, struct rewrite *rewrite, struct slice before,
		    struct slice after, size_t *ret_numbers)
{
	const struct kernel_rule *now = ask_now(rewriting, rewrite, before);
	int error;

	if (!now)
		return false;
	error = ask_sets(rewriting, now);
	/* Asking may have moved what was there. */
	now = &rewriting->scratch.rules[rewriting->scratch.rule_count - 1];
	if (error) {
		rewrite->result = error == -ENOENT ? REWRITE_CHANGED : REWRITE_REFUSED;
		rewrite->error = error;
		return false;
	}
	batch_put_rule(&rewriting->batch, now, &rewriting->scratch, after, ret_numbers);
	return true;
}

/*
 * The last look before the commit: the numbers of now, and on top of each what @add
 * has. False with rewrite->result set.
 */
static bool restate(struct rewriting *rewriting, struct rewrite *rewrite, struct slice before,
		    const size_t *offsets, const struct numbers *add, struct numbers *ret_stated)
{
	const struct kernel_rule *now = ask_now(rewriting, rewrite, before);

	if (!now)
		return false;
	*ret_stated = numbers_of(now->expressions);
	for (size_t i = 0; i < ret_stated->count; i++)
		batch_set_number(&rewriting->batch, offsets[i],
				 ret_stated->list[i].value + add->list[i].value);
	return true;
}

/* The generation to change; says so where it is not the one that we left. */
static int ask_generation(struct rewriting *rewriting, uint32_t *ret_generation)
{
	int error = kernel_ask_generation(&rewriting->ask, ret_generation);

	if (!error && rewriting->expected && *ret_generation != rewriting->expected)
		rewriting->report->foreign = true;
	return error;
}

static void note_commit(struct rewriting *rewriting, uint32_t generation)
{
	/* 0 is passed over (nft_base_seq_inc). */
	rewriting->expected = generation + 1 ? generation + 1 : 1;
	rewriting->report->generation = rewriting->expected;
}

/* What one replacement begins and ends with. */
struct step {
	struct slice before, after; /* user data */
	struct numbers add;	    /* put back on top of what the rule has */
	struct numbers stated;	    /* what it had when it was read last */
	struct obituary obituary;   /* what it had when it was gone */
};

/* One try. 0: rewrite->result tells whether it was done; -ERESTART: once more; -errno. */
static int replace_once(struct rewriting *rewriting, struct rewrite *rewrite, struct step *step)
{
	size_t offsets[NUMBERS_MAX];
	uint32_t generation;
	int error = ask_generation(rewriting, &generation);

	kernel_ruleset_release(&rewriting->scratch);
	pass_events(rewriting);
	if (error)
		return error;
	batch_begin(&rewriting->batch, generation);
	if (!put_now(rewriting, rewrite, step->before, step->after, offsets))
		return 0;
	if (rule_counts(rewrite->rule) &&
	    !restate(rewriting, rewrite, step->before, offsets, &step->add, &step->stated))
		return 0;
	error = batch_commit(&rewriting->batch, &rewriting->commit);
	if (error == -ERESTART)
		return error;
	rewrite->result = error ? REWRITE_REFUSED : REWRITE_DONE;
	rewrite->error = error;
	if (!error)
		note_commit(rewriting, generation);
	return 0;
}

/* However often somebody else is faster. */
static int replace(struct rewriting *rewriting, struct rewrite *rewrite, struct step *step)
{
	int error = -ERESTART;

	for (unsigned int i = 0; i < RESTARTS_MAX && error == -ERESTART; i++) {
		error = replace_once(rewriting, rewrite, step);
		rewriting->report->restarts += error == -ERESTART;
		rewriting->report->foreign |= error == -ERESTART;
	}
	step->obituary = (struct obituary){ .portid = rewriting->commit.portid,
					    .rule = &rewrite->rule->item };
	read_events(rewriting, &step->obituary);
	if (error == -ERESTART) {
		rewrite->result = REWRITE_REFUSED;
		rewrite->error = -EBUSY;
		return 0;
	}
	return error;
}

/* ---- what came between ---- */

/* What the old rule counted after it was read. */
static struct numbers came_between(const struct step *step)
{
	struct numbers came = step->stated;

	for (size_t i = 0; i < came.count; i++)
		came.list[i].value = step->obituary.numbers.list[i].value - came.list[i].value;
	return came;
}

static bool any(const struct numbers *numbers)
{
	for (size_t i = 0; i < numbers->count; i++)
		if (numbers->list[i].value)
			return true;
	return false;
}

/* Of what came between: less than nothing, where a counter was set back, is none. */
static uint64_t sum(const struct numbers *numbers, bool packets)
{
	uint64_t total = 0;

	for (size_t i = 0; i < numbers->count; i++)
		if (numbers->list[i].is_packets == packets && numbers->list[i].value <= INT64_MAX)
			total += numbers->list[i].value;
	return total;
}

/*
 * Put back what came while a rule was replaced, by replacing it again. @rounds at
 * most: what comes between then is missing.
 */
static int put_back(struct rewriting *rewriting, struct rewrite *rewrite, struct step *step,
		    unsigned int rounds)
{
	int error = 0;

	step->before = step->after;
	for (;; rounds--) {
		if (!step->obituary.found) {
			rewrite->missing_unknown = true;
			return 0;
		}
		step->add = came_between(step);
		if (!any(&step->add) || !rounds)
			break;
		error = replace(rewriting, rewrite, step);
		if (error || rewrite->result != REWRITE_DONE)
			break;
		rewrite->restored_packets += sum(&step->add, true);
	}
	rewrite->missing_packets = sum(&step->add, true);
	rewrite->missing_bytes = sum(&step->add, false);
	/* That it could not be put back does not undo the comment. */
	rewrite->result = REWRITE_DONE;
	return error;
}

/* ---- the list ---- */

static int rewrite_one(struct rewriting *rewriting, struct rewrite *rewrite, bool force)
{
	uint8_t userdata[USERDATA_MAX];
	struct step step = { .before = rewrite->rule->item.userdata };
	bool fast = rewrite->rate > REWRITE_RATE_MAX;
	int error;

	if (fast && !force) {
		rewrite->result = REWRITE_FAST;
		return 0;
	}
	step.after = (struct slice){ (const char *)userdata,
				     rewrite_userdata(rewrite->rule, rewrite->comment, userdata) };
	rewriting->report->tried++;
	error = replace(rewriting, rewrite, &step);
	if (!error && rewrite->result == REWRITE_DONE && rule_counts(rewrite->rule))
		error = put_back(rewriting, rewrite, &step, fast ? 1 : ROUNDS_MAX);
	rewriting->report->done += rewrite->result == REWRITE_DONE;
	return error;
}

/* Room for the user data of each rule of a batch. */
struct plan {
	uint8_t userdata[BATCH_RULES][USERDATA_MAX];
	size_t lengths[BATCH_RULES];
};

/* One try for several rules without counters. 0, -ERESTART or what the kernel said. */
static int replace_many_once(struct rewriting *rewriting, struct rewrite *list, size_t count,
			     const struct plan *plan)
{
	size_t offsets[NUMBERS_MAX], put = 0;
	uint32_t generation;
	int error = ask_generation(rewriting, &generation);

	kernel_ruleset_release(&rewriting->scratch);
	if (error)
		return error;
	batch_begin(&rewriting->batch, generation);
	for (size_t i = 0; i < count; i++) {
		list[i].result = REWRITE_NOT_TRIED;
		put += put_now(rewriting, &list[i], list[i].rule->item.userdata,
			       (struct slice){ (const char *)plan->userdata[i], plan->lengths[i] },
			       offsets);
	}
	error = put ? batch_commit(&rewriting->batch, &rewriting->commit) : 0;
	if (error)
		return error;
	if (put)
		note_commit(rewriting, generation);
	for (size_t i = 0; i < count; i++)
		if (list[i].result == REWRITE_NOT_TRIED)
			list[i].result = REWRITE_DONE;
	return 0;
}

/* Several rules without counters at once; where the kernel refuses one of them, one by one. */
static int rewrite_many(struct rewriting *rewriting, struct rewrite *list, size_t count)
{
	struct plan plan;
	int error = -ERESTART;

	for (size_t i = 0; i < count; i++)
		plan.lengths[i] = rewrite_userdata(list[i].rule, list[i].comment, plan.userdata[i]);
	for (unsigned int i = 0; i < RESTARTS_MAX && error == -ERESTART; i++) {
		error = replace_many_once(rewriting, list, count, &plan);
		rewriting->report->restarts += error == -ERESTART;
		rewriting->report->foreign |= error == -ERESTART;
	}
	if (!error) {
		rewriting->report->tried += count;
		for (size_t i = 0; i < count; i++)
			rewriting->report->done += list[i].result == REWRITE_DONE;
		return 0;
	}
	error = 0;
	for (size_t i = 0; !error && i < count; i++)
		error = rewrite_one(rewriting, &list[i], false);
	return error;
}

/* How many rules from @list on have no counters and go together. */
static size_t run_length(const struct rewrite *list, size_t count)
{
	size_t length = 0;

	while (length < count && length < BATCH_RULES && !rule_counts(list[length].rule))
		length++;
	return length;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* Packets that the rule's counters have now; what it had before where it is gone. */
static uint64_t packets_now(struct rewriting *rewriting, const struct rewrite *rewrite)
{
	const struct kernel_rule *rule = rewrite->rule;
	struct numbers numbers;

	kernel_ruleset_release(&rewriting->scratch);
	if (!kernel_ask_rule(&rewriting->ask, &rule->item, &rewriting->scratch))
		rule = &rewriting->scratch.rules[0];
	numbers = numbers_of(rule->expressions);
	return sum(&numbers, true);
}

/* How fast each rule with a counter is hit, over a quarter of a second. */
static int measure_rates(struct rewriting *rewriting, struct rewrite *list, size_t count)
{
	uint64_t *packets = calloc(count + 1, sizeof(*packets));
	double begin = seconds_now(), elapsed;
	uint64_t now;
	size_t counted = 0;

	if (!packets)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!rule_counts(list[i].rule))
			continue;
		packets[i] = packets_now(rewriting, &list[i]);
		counted++;
	}
	if (counted)
		nanosleep(&(struct timespec){ .tv_nsec = RATE_SECONDS * 1e9 }, NULL);
	for (size_t i = 0; i < count; i++) {
		if (!rule_counts(list[i].rule))
			continue;
		now = packets_now(rewriting, &list[i]);
		elapsed = seconds_now() - begin;
		/* Set back meanwhile, it has begun at 0. */
		list[i].rate = (now < packets[i] ? now : now - packets[i]) / elapsed;
	}
	free(packets);
	return 0;
}

int rewrite_rules(const struct kernel_ruleset *before, struct rewrite *list, size_t count,
		  bool force, struct rewrite_report *ret_report, struct fault *fault)
{
	struct rewrite_report report = { .generation = before->generation };
	struct rewriting rewriting = { .report = &report, .expected = before->generation };
	int error = rewriting_open(&rewriting);

	if (!error)
		error = measure_rates(&rewriting, list, count);
	for (size_t i = 0, run; !error && i < count; i += run ? run : 1) {
		run = run_length(&list[i], count - i);
		error = run ? rewrite_many(&rewriting, &list[i], run)
			    : rewrite_one(&rewriting, &list[i], force);
		/* What the kernel lets nobody of us do, it will not let us do next time. */
		if (list[i].result == REWRITE_REFUSED && list[i].error == -EPERM)
			error = -EPERM;
	}
	rewriting_close(&rewriting);
	*ret_report = report;
	if (error)
		return fault_set(fault, error, "cannot change the ruleset: %s%s", strerror(-error),
				 error == -EPERM ? " (needs CAP_NET_ADMIN; try sudo)" : "");
	return 0;
}
