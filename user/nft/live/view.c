/* See view.h. */
#include "nft/live/view.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "nft/live/harmless.h"
#include "nft/program.h"
#include "util/cleanup.h"

#define TRIES 20

/* What nft lists, from a process that has been started. */
static int take_list(struct nft_process *process, struct live_view *view, struct fault *fault)
{
	struct nft_output output;
	int error = nft_finish(process, &output, fault);

	if (error)
		return error;
	if (output.status)
		error = fault_set(fault, strstr(output.errors, "not permitted") ? -EPERM : -EIO,
				  "nft list ruleset failed: %.*s",
				  (int)strcspn(output.errors, "\n"), output.errors);
	if (!error) {
		view->text = TAKE_PTR(output.text);
		view->length = output.length;
	}
	nft_output_release(&output);
	return error;
}

/* nft takes its time: the kernel is asked meanwhile. */
static int read_both(enum kernel_elements elements, struct live_view *view, struct fault *fault)
{
	static const char *const arguments[] = { "-a", "list", "ruleset", NULL };
	struct nft_process *process;
	int error = nft_start(arguments, "", 0, &process, fault), listed;

	if (error)
		return error;
	error = kernel_ruleset_read(elements, &view->kernel, fault);
	listed = take_list(process, view, error ? NULL : fault);
	return error ? error : listed;
}

/* -EINTR where the ruleset changed meanwhile. */
static int read_once(enum kernel_elements elements, struct live_view *view, struct fault *fault)
{
	uint32_t before, after;
	ptrdiff_t harmless;
	int error = kernel_generation(&before), ended;

	if (error)
		return fault_set(fault, error, "cannot read the ruleset: %s", strerror(-error));
	error = read_both(elements, view, fault);
	ended = kernel_generation(&after);
	/* What was changed while it was listed may also have made nft fail. */
	if (!ended && (after != before || (!error && view->kernel.generation != before)))
		return -EINTR;
	if (error)
		return error;
	harmless = harmless_make(&view->kernel, view->text, view->length);
	if (harmless < 0)
		return fault_set(fault, harmless, "out of memory");
	view->harmless = harmless;
	return 0;
}

static int take_nothing(void *data, const struct statement *statement,
			const struct kernel_rule *rule)
{
	return 0;
}

int live_view_read(enum kernel_elements elements, struct live_view *ret_view, struct fault *fault)
{
	struct live_view view = { 0 };
	int error = -EINTR;

	for (unsigned int i = 0; i < TRIES && error == -EINTR; i++) {
		live_view_release(&view);
		error = read_once(elements, &view, fault);
	}
	if (!error && live_view_rules(&view, take_nothing, NULL))
		error = fault_set(fault, -EPROTO,
				  "what nft lists is not what the kernel has; one of its names or "
				  "comments may be made to mislead");
	if (error) {
		live_view_release(&view);
		return error == -EINTR ? fault_set(fault, -EBUSY,
						   "the ruleset changes faster than it can be read")
				       : error;
	}
	*ret_view = view;
	return 0;
}

void live_view_release(struct live_view *view)
{
	free(view->text);
	kernel_ruleset_release(&view->kernel);
	*view = (struct live_view){ 0 };
}

uint64_t listed_handle(const char *text, size_t length, const struct token *last)
{
	static const char head[] = " # handle ";
	size_t at = last->end, size = sizeof(head) - 1;
	uint64_t handle = 0;

	if (length - at < size || memcmp(text + at, head, size) != 0)
		return 0;
	for (at += size; at < length && text[at] >= '0' && text[at] <= '9'; at++)
		handle = handle * 10 + (text[at] - '0');
	return handle;
}

/* ---- side by side ---- */

struct matching {
	const struct live_view *view;
	const struct kernel_chain *chain; /* that the last rule was in */
	size_t at;			  /* of the kernel's rules, the next one of that chain */
	size_t matched;
};

static uint8_t family_of(struct slice name)
{
	static const uint8_t families[] = { NFPROTO_INET,   NFPROTO_IPV4,   NFPROTO_ARP,
					    NFPROTO_NETDEV, NFPROTO_BRIDGE, NFPROTO_IPV6 };

	for (size_t i = 0; i < sizeof(families); i++)
		if (slice_equals(name, family_name(families[i])))
			return families[i];
	return NFPROTO_UNSPEC;
}

static bool is_place(const struct kernel_item *item, const struct place *place)
{
	return item->family == family_of(place->family) &&
	       harmless_equal(place->table, item->table) &&
	       harmless_equal(place->chain, item->name);
}

/* The chain of a place; its name may be written otherwise than it is. */
static const struct kernel_chain *find_chain(const struct kernel_ruleset *kernel,
					     const struct place *place)
{
	const struct kernel_chain *chain =
		kernel_chain_find(kernel, family_of(place->family), place->table, place->chain);

	for (size_t i = 0; !chain && i < kernel->chain_count; i++)
		if (is_place(&kernel->chains[i].item, place))
			chain = &kernel->chains[i];
	return chain;
}

/* What the kernel has for the next rule that is listed at @place; NULL: another one. */
static const struct kernel_rule *match(struct matching *matching, const struct place *place,
				       uint64_t handle)
{
	const struct kernel_ruleset *kernel = &matching->view->kernel;
	const struct kernel_rule *rule;

	if (!matching->chain || !is_place(&matching->chain->item, place)) {
		matching->chain = find_chain(kernel, place);
		if (!matching->chain)
			return NULL;
		matching->at = matching->chain->first_rule;
	}
	if (matching->at == matching->chain->first_rule + matching->chain->rule_count)
		return NULL;
	rule = &kernel->rules[matching->at++];
	matching->matched++;
	return rule->item.handle == handle ? rule : NULL;
}

/* Rules of chains that are listed under a name: not those of a "jump {". */
static size_t count_listed(const struct kernel_ruleset *kernel)
{
	size_t count = 0;

	for (size_t i = 0; i < kernel->chain_count; i++)
		if (!(kernel->chains[i].flags & NFT_CHAIN_BINDING))
			count += kernel->chains[i].rule_count;
	return count;
}

int live_view_rules(const struct live_view *view,
		    int (*take)(void *data, const struct statement *statement,
				const struct kernel_rule *rule),
		    void *data)
{
	struct matching matching = { .view = view };
	struct statement_reader reader;
	struct statement statement;
	int got, error = 0;

	statement_reader_init(&reader, view->text, view->length);
	while (!error && (got = statement_next(&reader, &statement)) > 0) {
		const struct tokens *tokens = &statement.tokens;
		const struct kernel_rule *rule;

		if (statement.kind == STATEMENT_STRAY)
			error = -EPROTO;
		if (statement.kind != STATEMENT_RULE)
			continue;
		rule = match(
			&matching, &statement.place,
			listed_handle(view->text, view->length, &tokens->list[tokens->count - 1]));
		error = rule ? take(data, &statement, rule) : -EPROTO;
	}
	if (!error && (got < 0 || matching.matched != count_listed(&view->kernel)))
		error = got == -ENOMEM ? got : -EPROTO;
	statement_reader_release(&reader);
	return error;
}

const struct keeper *live_view_keeper(const struct live_view *view, struct slice family,
				      struct slice table)
{
	for (size_t i = 0; i < view->kernel.table_count; i++) {
		const struct kernel_table *known = &view->kernel.tables[i];

		if (known->item.family == family_of(family) &&
		    harmless_equal(table, known->item.name))
			return table_keeper(&view->kernel, known);
	}
	return NULL;
}
