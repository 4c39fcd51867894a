/* See kernel.h. Sources: linux/netfilter/nf_tables.h; net/netfilter/nf_tables_api.c, 6.12. */
#include "nft/live/kernel.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "render/text.h"
#include "util/grow.h"

#define TRIES	   20
#define BLOCK_SIZE ((size_t)1 << 20)

/* Known to linux/netfilter/nf_tables.h of 6.18, whatever header this is built with. */
enum {
	KNOWN_TABLE = NFTA_TABLE_OWNER,
	KNOWN_CHAIN = 12, /* NFTA_CHAIN_USERDATA */
	KNOWN_RULE = NFTA_RULE_CHAIN_ID,
	KNOWN_SET = NFTA_SET_EXPRESSIONS + 2, /* NFTA_SET_TYPE, NFTA_SET_COUNT: of 6.16 */
	KNOWN_OBJECT = NFTA_OBJ_USERDATA,
	KNOWN_FLOWTABLE = NFTA_FLOWTABLE_FLAGS,
};

struct kernel_block {
	struct kernel_block *next;
	size_t used, size;
	char bytes[];
};

struct reading {
	struct netlink netlink;
	struct kernel_ruleset *ruleset;
	int error; /* of a callback */
};

/* ---- memory ---- */

static void *block_take(struct kernel_ruleset *ruleset, size_t size)
{
	struct kernel_block *block = ruleset->blocks;
	void *taken;

	size = (size + 7) & ~(size_t)7;
	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (struct kernel_block){ ruleset->blocks, 0, room };
		ruleset->blocks = block;
	}
	taken = block->bytes + block->used;
	block->used += size;
	return taken;
}

#define GROW(ruleset, kind)                                                                   \
	array_room(&(ruleset)->kind##s, (ruleset)->kind##_count, &(ruleset)->kind##_capacity, \
		   sizeof(*(ruleset)->kind##s))

void kernel_ruleset_release(struct kernel_ruleset *ruleset)
{
	free(ruleset->tables);
	free(ruleset->chains);
	free(ruleset->rules);
	free(ruleset->sets);
	free(ruleset->objects);
	free(ruleset->elements);
	free(ruleset->sorted_sets);
	free(ruleset->sorted_chains);
	while (ruleset->blocks) {
		struct kernel_block *block = ruleset->blocks;

		ruleset->blocks = block->next;
		free(block);
	}
	*ruleset = (struct kernel_ruleset){ 0 };
}

/* ---- messages ---- */

bool message_spread(const struct nlmsghdr *message, const struct nlattr **table, unsigned int max)
{
	return attributes_spread(mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)),
				 mnl_nlmsg_get_payload_len(message) - sizeof(struct nfgenmsg),
				 table, max);
}

/* A copy of a message, spread over @table. NULL: no memory. */
static const struct nlmsghdr *keep(struct reading *reading, const struct nlmsghdr *message,
				   const struct nlattr **table, unsigned int max,
				   struct kernel_item *item)
{
	struct nlmsghdr *copy = block_take(reading->ruleset, message->nlmsg_len);
	const struct nfgenmsg *head;

	if (!copy) {
		reading->error = -ENOMEM;
		return NULL;
	}
	memcpy(copy, message, message->nlmsg_len);
	head = mnl_nlmsg_get_payload(copy);
	*item = (struct kernel_item){ .message = copy, .family = head->nfgen_family };
	item->unknown = !message_spread(copy, table, max);
	return copy;
}

static int take_table(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[KNOWN_TABLE + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_table table = { 0 };

	if (!GROW(ruleset, table) || !keep(reading, message, attributes, KNOWN_TABLE, &table.item))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	table.item.table = table.item.name = attribute_string(attributes[NFTA_TABLE_NAME]);
	table.item.userdata = attribute_bytes(attributes[NFTA_TABLE_USERDATA]);
	table.item.handle = attribute_u64(attributes[NFTA_TABLE_HANDLE]);
	table.flags = attribute_u32(attributes[NFTA_TABLE_FLAGS]);
	table.has_owner = attributes[NFTA_TABLE_OWNER];
	ruleset->tables[ruleset->table_count++] = table;
	return MNL_CB_OK;
}

static void take_hook(struct kernel_chain *chain, const struct nlattr *hook)
{
	const struct nlattr *attributes[NFTA_HOOK_DEVS + 1];

	chain->is_base = hook;
	chain->item.unknown |= !attributes_within(hook, attributes, NFTA_HOOK_DEVS);
	chain->hook = attribute_u32(attributes[NFTA_HOOK_HOOKNUM]);
	chain->priority = (int32_t)attribute_u32(attributes[NFTA_HOOK_PRIORITY]);
}

static int take_chain(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[KNOWN_CHAIN + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_chain chain = { 0 };

	if (!GROW(ruleset, chain) || !keep(reading, message, attributes, KNOWN_CHAIN, &chain.item))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	chain.item.table = attribute_string(attributes[NFTA_CHAIN_TABLE]);
	chain.item.name = attribute_string(attributes[NFTA_CHAIN_NAME]);
	chain.item.userdata = attribute_bytes(attributes[KNOWN_CHAIN]);
	chain.item.handle = attribute_u64(attributes[NFTA_CHAIN_HANDLE]);
	chain.flags = attribute_u32(attributes[NFTA_CHAIN_FLAGS]);
	chain.type = attribute_string(attributes[NFTA_CHAIN_TYPE]);
	chain.policy = attribute_u32(attributes[NFTA_CHAIN_POLICY]);
	take_hook(&chain, attributes[NFTA_CHAIN_HOOK]);
	ruleset->chains[ruleset->chain_count++] = chain;
	return MNL_CB_OK;
}

static int take_rule(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[KNOWN_RULE + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_rule rule = { 0 };

	if (!GROW(ruleset, rule) || !keep(reading, message, attributes, KNOWN_RULE, &rule.item))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	rule.item.table = attribute_string(attributes[NFTA_RULE_TABLE]);
	rule.item.name = attribute_string(attributes[NFTA_RULE_CHAIN]);
	rule.item.userdata = attribute_bytes(attributes[NFTA_RULE_USERDATA]);
	rule.item.handle = attribute_u64(attributes[NFTA_RULE_HANDLE]);
	rule.expressions = attributes[NFTA_RULE_EXPRESSIONS];
	rule.has_compat = attributes[NFTA_RULE_COMPAT];
	ruleset->rules[ruleset->rule_count++] = rule;
	return MNL_CB_OK;
}

static int take_set(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[KNOWN_SET + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_set set = { 0 };

	if (!GROW(ruleset, set) || !keep(reading, message, attributes, KNOWN_SET, &set.item))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	set.item.table = attribute_string(attributes[NFTA_SET_TABLE]);
	set.item.name = attribute_string(attributes[NFTA_SET_NAME]);
	set.item.userdata = attribute_bytes(attributes[NFTA_SET_USERDATA]);
	set.item.handle = attribute_u64(attributes[NFTA_SET_HANDLE]);
	set.flags = attribute_u32(attributes[NFTA_SET_FLAGS]);
	set.key_type = attribute_u32(attributes[NFTA_SET_KEY_TYPE]);
	set.key_length = attribute_u32(attributes[NFTA_SET_KEY_LEN]);
	set.data_type = attribute_u32(attributes[NFTA_SET_DATA_TYPE]);
	set.data_length = attribute_u32(attributes[NFTA_SET_DATA_LEN]);
	ruleset->sets[ruleset->set_count++] = set;
	return MNL_CB_OK;
}

static int take_object(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[KNOWN_OBJECT + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_object object = { 0 };

	if (!GROW(ruleset, object) ||
	    !keep(reading, message, attributes, KNOWN_OBJECT, &object.item))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	object.item.table = attribute_string(attributes[NFTA_OBJ_TABLE]);
	object.item.name = attribute_string(attributes[NFTA_OBJ_NAME]);
	object.item.userdata = attribute_bytes(attributes[NFTA_OBJ_USERDATA]);
	object.type = attribute_u32(attributes[NFTA_OBJ_TYPE]);
	ruleset->objects[ruleset->object_count++] = object;
	return MNL_CB_OK;
}

static int take_flowtable(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[KNOWN_FLOWTABLE + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_object object = { 0 };

	if (!GROW(ruleset, object) ||
	    !keep(reading, message, attributes, KNOWN_FLOWTABLE, &object.item))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	object.item.table = attribute_string(attributes[NFTA_FLOWTABLE_TABLE]);
	object.item.name = attribute_string(attributes[NFTA_FLOWTABLE_NAME]);
	ruleset->objects[ruleset->object_count++] = object;
	return MNL_CB_OK;
}

static int take_elements(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[NFTA_SET_ELEM_LIST_MAX + 1];
	struct reading *reading = data;
	struct kernel_ruleset *ruleset = reading->ruleset;
	struct kernel_item item;
	const struct nlmsghdr *copy;

	if (!GROW(ruleset, element))
		return reading->error = -ENOMEM, MNL_CB_ERROR;
	copy = keep(reading, message, attributes, NFTA_SET_ELEM_LIST_MAX, &item);
	if (!copy)
		return MNL_CB_ERROR;
	ruleset->elements[ruleset->element_count++] = copy;
	return MNL_CB_OK;
}

static int take_generation(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attributes[NFTA_GEN_MAX + 1];

	message_spread(message, attributes, NFTA_GEN_MAX);
	*(uint32_t *)data = attribute_u32(attributes[NFTA_GEN_ID]);
	return MNL_CB_OK;
}

/* ---- asking ---- */

struct nlmsghdr *kernel_message(void *buffer, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(header, sizeof(*head));

	header->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	*head = (struct nfgenmsg){ .nfgen_family = family, .version = NFNETLINK_V0 };
	return header;
}

static int dump(struct reading *reading, uint8_t type, mnl_cb_t callback)
{
	char buffer[256];
	struct nlmsghdr *request = kernel_message(buffer, type, NLM_F_DUMP, NFPROTO_UNSPEC);
	int error = netlink_ask(&reading->netlink, request, callback, reading);

	return reading->error ? reading->error : error;
}

static int dump_elements(struct reading *reading, struct kernel_set *set)
{
	char buffer[1024];
	struct nlmsghdr *request =
		kernel_message(buffer, NFT_MSG_GETSETELEM, NLM_F_DUMP, set->item.family);
	int error;

	if (set->item.table.length + set->item.name.length > sizeof(buffer) - 128)
		return -ENAMETOOLONG;
	mnl_attr_put(request, NFTA_SET_ELEM_LIST_TABLE, set->item.table.length + 1,
		     set->item.table.text);
	mnl_attr_put(request, NFTA_SET_ELEM_LIST_SET, set->item.name.length + 1,
		     set->item.name.text);
	set->first = reading->ruleset->element_count;
	error = netlink_ask(&reading->netlink, request, take_elements, reading);
	set->count = reading->ruleset->element_count - set->first;
	return reading->error ? reading->error : error;
}

int kernel_ask_rule(struct netlink *netlink, const struct kernel_item *rule,
		    struct kernel_ruleset *ruleset)
{
	struct reading reading = { .netlink = *netlink, .ruleset = ruleset };
	char buffer[1024];
	struct nlmsghdr *request = kernel_message(buffer, NFT_MSG_GETRULE, 0, rule->family);
	int error;

	if (rule->table.length + rule->name.length > sizeof(buffer) - 128)
		return -ENAMETOOLONG;
	mnl_attr_put(request, NFTA_RULE_TABLE, rule->table.length + 1, rule->table.text);
	mnl_attr_put(request, NFTA_RULE_CHAIN, rule->name.length + 1, rule->name.text);
	mnl_attr_put_u64(request, NFTA_RULE_HANDLE, htobe64(rule->handle));
	error = netlink_ask(&reading.netlink, request, take_rule, &reading);
	netlink->sequence = reading.netlink.sequence;
	return reading.error ? reading.error : error;
}

int kernel_ask_set(struct netlink *netlink, const struct kernel_item *set,
		   struct kernel_ruleset *ruleset)
{
	struct reading reading = { .netlink = *netlink, .ruleset = ruleset };
	char buffer[1024];
	struct nlmsghdr *request = kernel_message(buffer, NFT_MSG_GETSET, 0, set->family);
	int error;

	if (set->table.length + set->name.length > sizeof(buffer) - 128)
		return -ENAMETOOLONG;
	mnl_attr_put(request, NFTA_SET_TABLE, set->table.length + 1, set->table.text);
	mnl_attr_put(request, NFTA_SET_NAME, set->name.length + 1, set->name.text);
	error = netlink_ask(&reading.netlink, request, take_set, &reading);
	if (!error && !reading.error)
		error = dump_elements(&reading, &ruleset->sets[ruleset->set_count - 1]);
	netlink->sequence = reading.netlink.sequence;
	return reading.error ? reading.error : error;
}

static int dump_all_elements(struct reading *reading, enum kernel_elements elements)
{
	struct kernel_ruleset *ruleset = reading->ruleset;
	int error = 0;

	for (size_t i = 0; !error && i < ruleset->set_count; i++) {
		struct kernel_set *set = &ruleset->sets[i];

		if (elements == ELEMENTS_ALL ||
		    (elements == ELEMENTS_ANONYMOUS && set->flags & NFT_SET_ANONYMOUS))
			error = dump_elements(reading, set);
	}
	return error;
}

int kernel_ask_generation(struct netlink *netlink, uint32_t *ret_generation)
{
	char buffer[256];
	struct nlmsghdr *request = kernel_message(buffer, NFT_MSG_GETGEN, 0, NFPROTO_UNSPEC);

	return netlink_ask(netlink, request, take_generation, ret_generation);
}

static int read_once(struct reading *reading, enum kernel_elements elements)
{
	static const struct {
		uint8_t type;
		mnl_cb_t callback;
	} kinds[] = {
		{ NFT_MSG_GETTABLE, take_table }, { NFT_MSG_GETCHAIN, take_chain },
		{ NFT_MSG_GETRULE, take_rule },	  { NFT_MSG_GETSET, take_set },
		{ NFT_MSG_GETOBJ, take_object },  { NFT_MSG_GETFLOWTABLE, take_flowtable },
	};
	uint32_t before, after;
	int error = kernel_ask_generation(&reading->netlink, &before);

	/* Without tables there is nothing else. */
	for (size_t i = 0; !error && i < sizeof(kinds) / sizeof(kinds[0]) &&
			   (!i || reading->ruleset->table_count);
	     i++)
		error = dump(reading, kinds[i].type, kinds[i].callback);
	if (!error && elements)
		error = dump_all_elements(reading, elements);
	if (!error)
		error = kernel_ask_generation(&reading->netlink, &after);
	if (!error && before != after)
		error = -EINTR;
	reading->ruleset->generation = before;
	/* A set that went away while we asked: the generation is another one, too. */
	return error == -ENOENT ? -EINTR : error;
}

/* ---- finding ---- */

static bool is_at(const struct kernel_item *item, uint8_t family, struct slice table,
		  struct slice name)
{
	return item->family == family && slices_equal(item->table, table) &&
	       slices_equal(item->name, name);
}

static int compare_items(const void *left, const void *right)
{
	const struct kernel_item *a = *(const struct kernel_item *const *)left;
	const struct kernel_item *b = *(const struct kernel_item *const *)right;
	int order = a->family - b->family;

	if (!order)
		order = slices_compare(a->table, b->table);
	return order ? order : slices_compare(a->name, b->name);
}

static const struct kernel_item **sort_items(const void *first, size_t count, size_t size)
{
	const struct kernel_item **sorted = reallocarray(NULL, count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < count; i++)
		sorted[i] = (const struct kernel_item *)((const char *)first + i * size);
	if (sorted)
		qsort(sorted, count, sizeof(*sorted), compare_items);
	return sorted;
}

int kernel_ruleset_sort(struct kernel_ruleset *ruleset)
{
	free(ruleset->sorted_sets);
	free(ruleset->sorted_chains);
	ruleset->sorted_sets =
		sort_items(ruleset->sets, ruleset->set_count, sizeof(*ruleset->sets));
	ruleset->sorted_chains =
		sort_items(ruleset->chains, ruleset->chain_count, sizeof(*ruleset->chains));
	return ruleset->sorted_sets && ruleset->sorted_chains ? 0 : -ENOMEM;
}

/* The kernel tells the rules of a chain in a row. */
static void join_chains(struct kernel_ruleset *ruleset)
{
	struct kernel_chain *chain = NULL;

	for (size_t i = 0; i < ruleset->rule_count; i++) {
		const struct kernel_item *rule = &ruleset->rules[i].item;

		if (!chain || !is_at(&chain->item, rule->family, rule->table, rule->name)) {
			chain = (struct kernel_chain *)kernel_chain_find(ruleset, rule->family,
									 rule->table, rule->name);
			if (!chain)
				continue;
			chain->first_rule = i;
		}
		chain->rule_count++;
	}
}

int kernel_ruleset_read(enum kernel_elements elements, struct kernel_ruleset *ret_ruleset,
			struct fault *fault)
{
	struct kernel_ruleset ruleset = { 0 };
	struct reading reading = { .ruleset = &ruleset };
	int error = netlink_open(NETLINK_NETFILTER, &reading.netlink);

	for (unsigned int i = 0; !error && i < TRIES; i++) {
		error = read_once(&reading, elements);
		if (error != -EINTR)
			break;
		kernel_ruleset_release(&ruleset);
		error = i + 1 < TRIES ? 0 : -EBUSY;
	}
	netlink_close(&reading.netlink);
	if (!error)
		error = kernel_ruleset_sort(&ruleset);
	if (!error) {
		join_chains(&ruleset);
		*ret_ruleset = ruleset;
		return 0;
	}
	kernel_ruleset_release(&ruleset);
	if (error == -EBUSY)
		return fault_set(fault, error, "the ruleset changes faster than it can be read");
	return fault_set(fault, error, "cannot read the ruleset: %s%s", strerror(-error),
			 error == -EPERM ? " (needs CAP_NET_ADMIN; try sudo)" : "");
}

int kernel_generation(uint32_t *ret_generation)
{
	struct netlink netlink;
	int error = netlink_open(NETLINK_NETFILTER, &netlink);

	if (error)
		return error;
	error = kernel_ask_generation(&netlink, ret_generation);
	netlink_close(&netlink);
	return error;
}

static const void *find(const struct kernel_item **sorted, size_t count, uint8_t family,
			struct slice table, struct slice name)
{
	const struct kernel_item wanted = { .family = family, .table = table, .name = name };
	const struct kernel_item *key = &wanted, **found;

	found = count ? bsearch(&key, sorted, count, sizeof(*sorted), compare_items) : NULL;
	return found ? *found : NULL;
}

/* The item is the first member of each. */
const struct kernel_set *kernel_set_find(const struct kernel_ruleset *ruleset, uint8_t family,
					 struct slice table, struct slice name)
{
	return find(ruleset->sorted_sets, ruleset->set_count, family, table, name);
}

const struct kernel_chain *kernel_chain_find(const struct kernel_ruleset *ruleset, uint8_t family,
					     struct slice table, struct slice name)
{
	return find(ruleset->sorted_chains, ruleset->chain_count, family, table, name);
}

const struct kernel_table *kernel_table_find(const struct kernel_ruleset *ruleset, uint8_t family,
					     struct slice name)
{
	for (size_t i = 0; i < ruleset->table_count; i++)
		if (ruleset->tables[i].item.family == family &&
		    slices_equal(ruleset->tables[i].item.name, name))
			return &ruleset->tables[i];
	return NULL;
}

const char *family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET: return "inet";
	case NFPROTO_IPV4: return "ip";
	case NFPROTO_ARP: return "arp";
	case NFPROTO_NETDEV: return "netdev";
	case NFPROTO_BRIDGE: return "bridge";
	case NFPROTO_IPV6: return "ip6";
	default: return "?";
	}
}

char *kernel_rule_place(const struct kernel_rule *rule, char ret_place[KERNEL_PLACE_MAX])
{
	const struct kernel_item *item = &rule->item;
	char table[1025], chain[1025];

	snprintf(ret_place, KERNEL_PLACE_MAX, "%s %s, chain %s, handle %llu",
		 family_name(item->family),
		 text_safe(table, sizeof(table), item->table.text, item->table.length),
		 text_safe(chain, sizeof(chain), item->name.text, item->name.length),
		 (unsigned long long)item->handle);
	return ret_place;
}
