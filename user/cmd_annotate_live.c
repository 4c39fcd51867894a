/* portscribe annotate --live: comments on the rules of the live ruleset. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cmd_annotate.h"
#include "nft/diff.h"
#include "nft/live/judge.h"
#include "nft/live/plan.h"
#include "nft/live/verify.h"
#include "render/text.h"

static void say_place(const struct kernel_rule *rule)
{
	char place[KERNEL_PLACE_MAX];

	fputs(kernel_rule_place(rule, place), stderr);
}

/* One line for all rules of a table that another program keeps. */
static void say_kept(const struct live_view *view, const struct kernel_rule *rule, size_t count)
{
	const struct kernel_table *table =
		kernel_table_find(&view->kernel, rule->item.family, rule->item.table);
	const struct keeper *keeper = table ? table_keeper(&view->kernel, table) : NULL;
	char name[KERNEL_PLACE_MAX];

	if (!keeper)
		return;
	fprintf(stderr, "%s %s: left alone: it is kept by %s (%zu rule%s); change it with %s\n",
		family_name(rule->item.family),
		text_safe(name, sizeof(name), rule->item.table.text, rule->item.table.length),
		keeper->program, count, count == 1 ? "" : "s", keeper->change);
}

static bool same_table(const struct kernel_rule *a, const struct kernel_rule *b)
{
	return a->item.family == b->item.family && slices_equal(a->item.table, b->item.table);
}

static void list_skips(const struct live_view *view, const struct live_plan *plan)
{
	for (size_t i = 0, end; i < plan->skip_count; i = end) {
		const struct live_skip *skip = &plan->skips[i];

		end = i + 1;
		if (skip->reason == judge_kept) {
			while (end < plan->skip_count && plan->skips[end].reason == judge_kept &&
			       same_table(skip->rule, plan->skips[end].rule))
				end++;
			say_kept(view, skip->rule, end - i);
			continue;
		}
		if (skip->rule)
			say_place(skip->rule);
		else
			fprintf(stderr, "line %u of the listing", skip->line);
		fprintf(stderr, ": left alone: %s\n", skip->reason);
	}
}

/* ---- what was done ---- */

static void say_result(const struct rewrite *change)
{
	char count[32];

	switch (change->result) {
	case REWRITE_DONE:
		if (!change->missing_packets && !change->missing_bytes && !change->missing_unknown)
			return;
		say_place(change->rule);
		if (change->missing_unknown)
			fputs(": what its counter missed while it was replaced is not known\n",
			      stderr);
		else
			fprintf(stderr,
				": its counter misses %s packets, %" PRIu64
				" bytes that came while it was replaced\n",
				text_count(count, sizeof(count), change->missing_packets),
				change->missing_bytes);
		return;
	case REWRITE_GONE:
		say_place(change->rule);
		fputs(": is gone\n", stderr);
		return;
	case REWRITE_CHANGED:
		say_place(change->rule);
		fputs(": left alone: somebody else changed it meanwhile\n", stderr);
		return;
	case REWRITE_FAST:
		say_place(change->rule);
		fprintf(stderr,
			": left alone: it has a counter and is hit %s times a second, and packets "
			"would be missing in it above %d (--force does it all the same)\n",
			text_count(count, sizeof(count), change->rate), REWRITE_RATE_MAX);
		return;
	case REWRITE_REFUSED:
		say_place(change->rule);
		fprintf(stderr, ": left alone: the kernel refuses: %s\n", strerror(-change->error));
		return;
	case REWRITE_NOT_TRIED:
		say_place(change->rule);
		fputs(": left alone: it was not tried\n", stderr);
		return;
	}
}

static int summarize(const struct live_plan *plan, const struct rewrite_report *report,
		     const struct annotate_live *live)
{
	uint64_t restored = 0;
	size_t failed = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct rewrite *change = &plan->changes[i];

		say_result(change);
		restored += change->restored_packets;
		failed += change->result != REWRITE_DONE && change->result != REWRITE_GONE;
	}
	printf("%zu of %zu rules: comments %s\n", report->done, plan->count,
	       live->style == ANNOTATE_STRIP ? "taken out" : "written");
	if (restored)
		printf("%" PRIu64 " packets that came while a rule with a counter was replaced "
		       "were put back\n",
		       restored);
	if (report->restarts)
		printf("somebody else changed the ruleset meanwhile; begun anew %zu time%s\n",
		       report->restarts, report->restarts == 1 ? "" : "s");
	return failed ? EXIT_INCOMPLETE : EXIT_DONE;
}

/* Read all of it again: the ruleset must be what it was but for comments. */
static int verify(const struct live_view *view, const struct live_plan *plan,
		  const struct rewrite_report *report)
{
	struct kernel_ruleset after;
	struct fault fault = {};
	int code = EXIT_DONE;

	if (kernel_ruleset_read(ELEMENTS_ANONYMOUS, &after, &fault))
		return cli_fail(&command_annotate, EXIT_RUNTIME,
				"what was changed cannot be read again: %s", fault.text);
	if (!rewrite_verify(&view->kernel, &after, plan->changes, plan->count, report, &fault))
		code = cli_fail(&command_annotate, EXIT_RUNTIME,
				"after the change, the ruleset is not what it should be: %s",
				fault.text);
	else if (report->foreign || after.generation != report->generation)
		puts("read again: each rule that was changed is what it was but for comments; "
		     "somebody else changed others");
	else
		puts("read again: all is as it was but for comments");
	kernel_ruleset_release(&after);
	return code;
}

static int apply(const struct live_view *view, struct live_plan *plan,
		 const struct annotate_live *live)
{
	struct rewrite_report report;
	struct fault fault = {};
	int error, code, verified;

	if (!plan->count) {
		puts("there is nothing to change");
		return EXIT_DONE;
	}
	error = rewrite_rules(&view->kernel, plan->changes, plan->count, live->force, &report,
			      &fault);
	code = summarize(plan, &report, live);
	verified = report.done ? verify(view, plan, &report) : EXIT_DONE;
	if (error)
		return cli_fail(&command_annotate, EXIT_RUNTIME, "%s", fault.text);
	return verified ? verified : code;
}

static void put_line(FILE *out, const char *text, size_t length)
{
	text_print_lines(out, text, length);
}

static int work(const struct live_view *view, struct live_plan *plan,
		const struct annotate_live *live)
{
	list_skips(view, plan);
	if (live->apply)
		return apply(view, plan, live);
	if (diff_print(stdout, "ruleset", view->text, view->length, &plan->result.edits, put_line))
		return cli_fail(&command_annotate, EXIT_RUNTIME, "out of memory");
	return live->check && plan->count ? EXIT_FINDINGS : EXIT_DONE;
}

int annotate_live(const struct annotate_live *live, const struct comment_facts *facts)
{
	struct live_view view;
	struct live_plan plan;
	struct fault fault = {};
	int error = live_view_read(ELEMENTS_ALL, &view, &fault), code;

	if (error)
		return cli_fail(&command_annotate, EXIT_RUNTIME, "%s%s", fault.text,
				error == -EPERM ? " (needs CAP_NET_ADMIN; try sudo)" : "");
	if (view.harmless)
		cli_fail(&command_annotate, EXIT_DONE,
			 "%zu names or comments hold quotes or control bytes; '_' stands for those",
			 view.harmless);
	error = live_plan_make(&view, live->style, live->check, facts, &plan);
	if (error) {
		live_view_release(&view);
		return cli_fail(&command_annotate, EXIT_RUNTIME,
				"cannot plan the comments of the live ruleset: %s",
				strerror(-error));
	}
	code = work(&view, &plan, live);
	live_plan_release(&plan);
	live_view_release(&view);
	return code;
}
