/*
 * The interfaces that a ruleset tells apart by name, for a host that is not at hand:
 * what it compares an incoming interface with. See reach.h.
 */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

#include "reach/program.h"
#include "reach/reach.h"

struct names {
	char (*list)[IFNAMSIZ]; /* owned */
	size_t count;
	bool failed;
};

/* @bytes of a name, or of the beginning of one: "eth" becomes "eth*". */
static void add_name(struct names *names, const uint8_t *bytes, size_t length)
{
	size_t used = strnlen((const char *)bytes, length);
	void *grown;

	if (!used || used + 1 >= IFNAMSIZ)
		return;
	grown = reallocarray(names->list, names->count + 1, IFNAMSIZ);
	if (!grown) {
		names->failed = true;
		return;
	}
	names->list = grown;
	memset(names->list[names->count], 0, IFNAMSIZ);
	memcpy(names->list[names->count], bytes, used);
	if (used == length)
		names->list[names->count][used] = '*';
	names->count++;
}

static void add_elements(struct names *names, const struct set *set, size_t offset)
{
	if (!set || offset + IFNAMSIZ > set->key_length)
		return;
	for (size_t i = 0; i < set->count; i++)
		add_name(names, set->elements[i].low + offset,
			 memcmp(set->elements[i].low + offset, set->elements[i].high + offset,
				IFNAMSIZ)
				 ? strnlen((const char *)set->elements[i].low + offset, IFNAMSIZ)
				 : IFNAMSIZ);
}

static bool is_load(const struct instruction *instruction)
{
	return instruction->operation <= OP_BYTEORDER;
}

static void read_rule(const struct program *program, const struct rule *rule, struct names *names)
{
	uint8_t at = NO_REGISTER;

	for (size_t i = 0; i < rule->count; i++) {
		const struct instruction *instruction = &program->instructions[rule->first + i];

		if (instruction->operation == OP_META && instruction->key == NFT_META_IIFNAME)
			at = instruction->to;
		else if (is_load(instruction) && instruction->to == at)
			at = NO_REGISTER;
		if (at == NO_REGISTER)
			continue;
		if (instruction->operation == OP_COMPARE && instruction->from == at &&
		    instruction->length <= IFNAMSIZ)
			add_name(names, instruction->low, instruction->length);
		if (instruction->operation == OP_LOOKUP && instruction->from <= at)
			add_elements(names, instruction->set, at - instruction->from);
	}
}

int reach_assume(const struct kernel_ruleset *ruleset, struct host *host)
{
	struct names names = { 0 };
	struct program program;
	int error = program_make(ruleset, &program);

	if (error)
		return error;
	for (size_t i = 0; i < ruleset->rule_count; i++)
		read_rule(&program, &program.rules[i], &names);
	error = names.failed ? -ENOMEM
			     : host_assume(host, (const char(*)[IFNAMSIZ])names.list, names.count);
	free(names.list);
	program_release(&program);
	return error;
}
