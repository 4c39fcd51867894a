/*
 * The ruleset of the current network namespace as the kernel tells it: its own
 * messages, kept whole, all of one generation. What they mean is for others.
 */
#ifndef PORTSCRIBE_NFT_KERNEL_H
#define PORTSCRIBE_NFT_KERNEL_H

#include "net/netlink.h"
#include "nft/live/attribute.h"
#include "util/fault.h"

/* attributes_spread() of all that a message of nf_tables holds. */
bool message_spread(const struct nlmsghdr *message, const struct nlattr **table, unsigned int max);

/* What all messages have. Slices point into the message. */
struct kernel_item {
	const struct nlmsghdr *message;
	uint8_t family; /* NFPROTO_* */
	bool unknown;	/* it has attributes that we do not know */
	struct slice table, name, userdata;
	uint64_t handle;
};

struct kernel_table {
	struct kernel_item item; /* its table and its name are the same */
	uint32_t flags;		 /* NFT_TABLE_F_* */
	bool has_owner;		 /* only the process that made it may change it */
};

struct kernel_chain {
	struct kernel_item item;
	uint32_t flags; /* NFT_CHAIN_* */
	bool is_base;
	struct slice type; /* "filter", "nat", "route"; of base chains */
	uint32_t hook;	   /* NF_INET_* or NF_NETDEV_* */
	int32_t priority;
	uint32_t policy;	       /* NF_DROP, NF_ACCEPT */
	size_t first_rule, rule_count; /* in kernel_ruleset.rules */
};

struct kernel_rule {
	struct kernel_item item;	  /* its name is the chain's */
	const struct nlattr *expressions; /* NULL: none */
	bool has_compat; /* of iptables-nft: it names a protocol for xt expressions */
};

struct kernel_set {
	struct kernel_item item;
	uint32_t flags; /* NFT_SET_* */
	uint32_t key_type, key_length, data_type, data_length;
	size_t first, count; /* messages of its elements: kernel_ruleset.elements */
};

/* Flowtables, counters and other objects: their names, and what they are. */
struct kernel_object {
	struct kernel_item item;
	uint32_t type; /* NFT_OBJECT_*; 0: a flowtable */
};

/* Arrays are in the kernel's order. */
struct kernel_ruleset {
	uint32_t generation;
	struct kernel_table *tables;
	size_t table_count, table_capacity;
	struct kernel_chain *chains;
	size_t chain_count, chain_capacity;
	struct kernel_rule *rules;
	size_t rule_count, rule_capacity;
	struct kernel_set *sets;
	size_t set_count, set_capacity;
	struct kernel_object *objects;
	size_t object_count, object_capacity;
	const struct nlmsghdr **elements;
	size_t element_count, element_capacity;
	struct kernel_block *blocks;				 /* of memory, with the messages */
	const struct kernel_item **sorted_sets, **sorted_chains; /* owned: for finding */
};

enum kernel_elements {
	ELEMENTS_NONE,
	ELEMENTS_ANONYMOUS, /* of sets without a name */
	ELEMENTS_ALL,
};

/*
 * Read all of it, as often as it takes for one generation. 0; -EBUSY where it changes
 * all the time; -EPERM, -errno, with @fault. Release with kernel_ruleset_release().
 */
int kernel_ruleset_read(enum kernel_elements elements, struct kernel_ruleset *ret_ruleset,
			struct fault *fault);
void kernel_ruleset_release(struct kernel_ruleset *ruleset);

/* The generation now. 0 or -errno. */
int kernel_generation(uint32_t *ret_generation);

/* The same over an open socket of NETLINK_NETFILTER. */
int kernel_ask_generation(struct netlink *netlink, uint32_t *ret_generation);

/*
 * Ask for one rule, or for one set with its elements, as they are now; adds it to
 * @ruleset, which it is not sorted into. 0; -ENOENT: it is not there; -errno.
 */
int kernel_ask_rule(struct netlink *netlink, const struct kernel_item *rule,
		    struct kernel_ruleset *ruleset);
int kernel_ask_set(struct netlink *netlink, const struct kernel_item *set,
		   struct kernel_ruleset *ruleset);

/* For finding, after kernel_ask_*(). 0 or -ENOMEM. */
int kernel_ruleset_sort(struct kernel_ruleset *ruleset);

/* The head of a message of nf_tables in @buffer. */
struct nlmsghdr *kernel_message(void *buffer, uint16_t type, uint16_t flags, uint8_t family);

/* NULL where there is none. */
const struct kernel_set *kernel_set_find(const struct kernel_ruleset *ruleset, uint8_t family,
					 struct slice table, struct slice name);
const struct kernel_chain *kernel_chain_find(const struct kernel_ruleset *ruleset, uint8_t family,
					     struct slice table, struct slice name);
const struct kernel_table *kernel_table_find(const struct kernel_ruleset *ruleset, uint8_t family,
					     struct slice name);

/* As nft writes it: "inet"; "?" of others. */
const char *family_name(uint8_t family);

/* "inet filter, chain input, handle 7", safe to print. Returns @ret_place. */
#define KERNEL_PLACE_MAX 2200 /* two names of 256 bytes, each byte as \xNN */
char *kernel_rule_place(const struct kernel_rule *rule, char ret_place[KERNEL_PLACE_MAX]);

#endif
