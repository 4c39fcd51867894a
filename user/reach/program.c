/* See program.h. */
#include "reach/program.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

/* ---- rules ---- */

/* Conntrack's hooks are there for the families whose rules ask for them: nf_ct_netns_get(). */
static void note_tracking(struct program *program, uint8_t family)
{
	program->tracks[0] |= family == NFPROTO_INET || family == NFPROTO_IPV4;
	program->tracks[1] |= family == NFPROTO_INET || family == NFPROTO_IPV6;
}

static void decode_one(struct decoding *decoding, const struct nlattr *expression)
{
	const struct nlattr *parts[NFTA_EXPR_MAX + 1];
	struct slice name;
	bool known = attributes_within(expression, parts, NFTA_EXPR_DATA);

	name = attribute_string(parts[NFTA_EXPR_NAME]);
	note_tracking(decoding->program,
		      expression_tracks(name, parts[NFTA_EXPR_DATA], decoding->rule->item.family));
	if (!known || attribute_type(expression) != NFTA_LIST_ELEM)
		decode_refuse(decoding, "an attribute of an expression");
	else if (!decode_expression(decoding, name, parts[NFTA_EXPR_DATA]) &&
		 !decode_action(decoding, name, parts[NFTA_EXPR_DATA]) &&
		 !decode_xt(decoding, name, parts[NFTA_EXPR_DATA]))
		decode_refuse(decoding, "the expression %.*s", SLICE_ARGS(name));
}

/* A rule that only looks decides nothing. */
static bool has_effect(const struct program *program, const struct rule *rule)
{
	for (size_t i = 0; i < rule->count; i++) {
		const struct instruction *instruction = &program->instructions[rule->first + i];

		switch (instruction->operation) {
		case OP_PAYLOAD:
		case OP_META:
		case OP_CT:
		case OP_FIB:
		case OP_UNKNOWN_VALUE:
		case OP_CONSTANT:
		case OP_MASK:
		case OP_SHIFT:
		case OP_BYTEORDER:
		case OP_COMPARE:
		case OP_MAYBE:
		case OP_NEVER: break;
		case OP_LOOKUP:
			if (instruction->set && instruction->set->has_verdicts)
				return true;
			break;
		default: return true;
		}
	}
	return false;
}

static bool only_looks(const struct instruction *instruction)
{
	return instruction->operation <= OP_NEVER &&
	       !(instruction->operation == OP_LOOKUP && instruction->set &&
		 instruction->set->has_data);
}

static struct interval port_interval(const uint8_t *low, const uint8_t *high)
{
	return (struct interval){ low[0] << 8 | low[1], high[0] << 8 | high[1] };
}

/* The ports of the first comparison, or the first set, that has to do with them alone. */
static bool take_ports(struct rule *rule, const struct instruction *instruction)
{
	const struct set *set = instruction->set;
	bool single = instruction->operation == OP_COMPARE;
	size_t count = single ? 1 : set->count;

	rule->ports = reallocarray(NULL, count + 1, sizeof(*rule->ports));
	if (!rule->ports)
		return false;
	if (single)
		rule->ports[0] = port_interval(instruction->low, instruction->high);
	for (size_t i = 0; !single && i < count; i++)
		rule->ports[i] = port_interval(set->elements[i].low, set->elements[i].high);
	rule->port_count = intervals_merge(rule->ports, count);
	return true;
}

/* Tests may be made in any order as long as nothing is done between them. */
static bool find_ports(const struct program *program, struct rule *rule)
{
	uint8_t at = NO_REGISTER;

	for (size_t i = 0; i < rule->count; i++) {
		const struct instruction *instruction = &program->instructions[rule->first + i];

		if (instruction->operation == OP_PAYLOAD && instruction->length == 2 &&
		    instruction->offset == 2 && instruction->base == NFT_PAYLOAD_TRANSPORT_HEADER)
			at = instruction->to;
		else if (instruction->operation <= OP_BYTEORDER && instruction->to == at)
			at = NO_REGISTER;
		if (!only_looks(instruction))
			return true;
		if (at == NO_REGISTER || instruction->from != at || instruction->inverted)
			continue;
		if ((instruction->operation == OP_COMPARE && instruction->length == 2) ||
		    (instruction->operation == OP_LOOKUP && instruction->set &&
		     instruction->set->key_length == 2 && !instruction->set->has_data &&
		     !instruction->set->otherwise && instruction->set->count))
			return take_ports(rule, instruction);
	}
	return true;
}

static bool has_jump(const struct program *program, const struct rule *rule)
{
	for (size_t i = 0; i < rule->count; i++) {
		const struct instruction *instruction = &program->instructions[rule->first + i];

		if (instruction->operation == OP_JUMP || instruction->operation == OP_GOTO ||
		    (instruction->operation == OP_LOOKUP && instruction->set &&
		     instruction->set->has_verdicts))
			return true;
	}
	return false;
}

static void decode_rule(struct program *program, const struct kernel_rule *kernel,
			struct rule *rule)
{
	struct decoding decoding = { program, kernel, NULL };
	const struct nlattr *expression;

	*rule = (struct rule){ .kernel = kernel, .first = program->count };
	if (kernel->item.unknown)
		decode_refuse(&decoding, "an attribute of a rule");
	if (kernel->expressions)
		mnl_attr_for_each_nested (expression, kernel->expressions)
			decode_one(&decoding, expression);
	rule->count = program->count - rule->first;
	rule->comment = decoding.comment;
	rule->has_effect = has_effect(program, rule);
	rule->has_jump = has_jump(program, rule);
	program->failed |= !find_ports(program, rule);
}

/* ---- chains ---- */

static bool add_device(struct chain *chain, const struct nlattr *name)
{
	void *grown = reallocarray(chain->devices, chain->device_count + 1, IFNAMSIZ);
	struct slice text = attribute_string(name);

	if (!grown)
		return false;
	chain->devices = grown;
	if (text.length >= IFNAMSIZ)
		text.length = IFNAMSIZ - 1;
	memset(chain->devices[chain->device_count], 0, IFNAMSIZ);
	memcpy(chain->devices[chain->device_count++], text.text, text.length);
	return true;
}

static bool decode_devices(struct chain *chain)
{
	const struct nlattr *fields[16], *hook[NFTA_HOOK_DEVS + 1], *device;

	message_spread(chain->kernel->item.message, fields, NFTA_CHAIN_ID + 1);
	attributes_within(fields[NFTA_CHAIN_HOOK], hook, NFTA_HOOK_DEVS);
	/* Both name the same one where there is only one. */
	if (!hook[NFTA_HOOK_DEVS])
		return !hook[NFTA_HOOK_DEV] || add_device(chain, hook[NFTA_HOOK_DEV]);
	mnl_attr_for_each_nested (device, hook[NFTA_HOOK_DEVS]) {
		if (attribute_type(device) != NFTA_DEVICE_NAME)
			chain->unknown = "devices that are not named";
		else if (!add_device(chain, device))
			return false;
	}
	return true;
}

static void decode_chain(struct program *program, const struct kernel_chain *kernel,
			 struct chain *chain)
{
	chain->kernel = kernel;
	chain->first = kernel->first_rule;
	chain->count = kernel->rule_count;
	if (kernel->item.unknown || kernel->flags & ~(uint32_t)NFT_CHAIN_FLAGS)
		chain->unknown = "an attribute of a chain";
	if (kernel->is_base && !decode_devices(chain))
		program->failed = true;
}

/* ---- all ---- */

int program_make(const struct kernel_ruleset *kernel, struct program *ret_program)
{
	struct program program = { .kernel = kernel };

	program.chains = calloc(kernel->chain_count + 1, sizeof(*program.chains));
	program.rules = calloc(kernel->rule_count + 1, sizeof(*program.rules));
	program.sets = calloc(kernel->set_count + 1, sizeof(*program.sets));
	program.failed = !program.chains || !program.rules || !program.sets;
	for (size_t i = 0; i < kernel->chain_count && !program.failed; i++)
		decode_chain(&program, &kernel->chains[i], &program.chains[i]);
	for (size_t i = 0; i < kernel->set_count && !program.failed; i++)
		set_read(&program, &kernel->sets[i], &program.sets[i]);
	for (size_t i = 0; i < kernel->rule_count && !program.failed; i++)
		decode_rule(&program, &kernel->rules[i], &program.rules[i]);
	for (size_t i = 0; i < program.made_count; i++)
		set_sort(program.made[i]);
	if (program.failed) {
		program_release(&program);
		return -ENOMEM;
	}
	*ret_program = program;
	return 0;
}

void program_release(struct program *program)
{
	for (size_t i = 0; program->chains && i < program->kernel->chain_count; i++)
		free(program->chains[i].devices);
	for (size_t i = 0; program->rules && i < program->kernel->rule_count; i++)
		free(program->rules[i].ports);
	for (size_t i = 0; program->sets && i < program->kernel->set_count; i++)
		set_release(&program->sets[i]);
	for (size_t i = 0; i < program->made_count; i++) {
		set_release(program->made[i]);
		free(program->made[i]);
	}
	free(program->made);
	free(program->chains);
	free(program->rules);
	free(program->sets);
	free(program->instructions);
	arena_release(&program->arena);
	*program = (struct program){ 0 };
}
