/*
 * The kernel's own attributes go back as they came. A set without a name is made
 * anew under a number of this batch, for the old one ends with the old rule, and the
 * kernel does not let a set be used by two rules (nf_tables_bind_set).
 */
#include "nft/live/batch.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/live/judge.h"

#define MESSAGE_ROOM ((size_t)1 << 17) /* no message of the kernel's is larger */

static const char *template_of(const struct kernel_set *set)
{
	return set->flags & NFT_SET_MAP ? "__map%d" : "__set%d";
}

/* Where the next message goes; NULL: there is no memory. */
static void *room(struct batch *batch)
{
	if (batch->capacity - batch->length < MESSAGE_ROOM) {
		size_t capacity = (batch->capacity + MESSAGE_ROOM) * 2;
		char *bytes = realloc(batch->bytes, capacity);

		if (!bytes) {
			batch->failed = true;
			return NULL;
		}
		batch->bytes = bytes;
		batch->capacity = capacity;
	}
	return batch->bytes + batch->length;
}

static void done(struct batch *batch, struct nlmsghdr *message)
{
	message->nlmsg_seq = ++batch->sequence;
	batch->length += MNL_ALIGN(message->nlmsg_len);
}

static struct nlmsghdr *begin(struct batch *batch, uint8_t type, uint16_t flags, uint8_t family)
{
	void *buffer = room(batch);

	return buffer ? kernel_message(buffer, type, flags, family) : NULL;
}

static void put_frame(struct batch *batch, uint16_t type, const uint32_t *generation)
{
	struct nlmsghdr *message = begin(batch, 0, 0, AF_UNSPEC);
	struct nfgenmsg *head;

	if (!message)
		return;
	message->nlmsg_type = type;
	head = mnl_nlmsg_get_payload(message);
	head->res_id = htons(NFNL_SUBSYS_NFTABLES);
	if (generation)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(*generation));
	done(batch, message);
}

void batch_begin(struct batch *batch, uint32_t generation)
{
	batch->length = 0;
	batch->sets = 0;
	batch->failed = false;
	batch->first = batch->sequence + 1;
	put_frame(batch, NFNL_MSG_BATCH_BEGIN, &generation);
}

/* An attribute as it came. */
static void put_copy(struct nlmsghdr *message, const struct nlattr *attribute)
{
	mnl_attr_put(message, attribute->nla_type, mnl_attr_get_payload_len(attribute),
		     mnl_attr_get_payload(attribute));
}

/* ---- sets ---- */

static void put_set(struct batch *batch, const struct kernel_set *set, uint32_t id)
{
	struct nlmsghdr *message = begin(batch, NFT_MSG_NEWSET, NLM_F_CREATE, set->item.family);
	const struct nlattr *attribute;

	if (!message)
		return;
	mnl_attr_for_each (attribute, set->item.message, sizeof(struct nfgenmsg)) {
		switch (attribute_type(attribute)) {
		case NFTA_SET_HANDLE:
		case NFTA_SET_PAD:
		case NFTA_SET_NAME: break;
		case NFTA_SET_TABLE:
		case NFTA_SET_FLAGS:
		case NFTA_SET_KEY_TYPE:
		case NFTA_SET_KEY_LEN:
		case NFTA_SET_DATA_TYPE:
		case NFTA_SET_DATA_LEN:
		case NFTA_SET_POLICY:
		case NFTA_SET_DESC:
		case NFTA_SET_USERDATA:
		case NFTA_SET_OBJ_TYPE: put_copy(message, attribute); break;
		default:
			break; /* what the kernel tells of it, and does not take (6.16: type, count)
				*/
		}
	}
	mnl_attr_put_strz(message, NFTA_SET_NAME, template_of(set));
	mnl_attr_put_u32(message, NFTA_SET_ID, htonl(id));
	done(batch, message);
}

static void put_elements(struct batch *batch, const struct kernel_set *set,
			 const struct nlmsghdr *elements, uint32_t id)
{
	struct nlmsghdr *message = begin(batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE, set->item.family);
	const struct nlattr *parts[NFTA_SET_ELEM_LIST_MAX + 1];

	if (!message)
		return;
	message_spread(elements, parts, NFTA_SET_ELEM_LIST_MAX);
	if (!parts[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	put_copy(message, parts[NFTA_SET_ELEM_LIST_TABLE]);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, template_of(set));
	mnl_attr_put_u32(message, NFTA_SET_ELEM_LIST_SET_ID, htonl(id));
	put_copy(message, parts[NFTA_SET_ELEM_LIST_ELEMENTS]);
	done(batch, message);
}

/* All of them anew; the first has the number batch->sets had. */
static void put_sets(struct batch *batch, const struct kernel_rule *rule,
		     const struct kernel_ruleset *sets)
{
	const struct nlattr *expression;

	mnl_attr_for_each_nested (expression, rule->expressions) {
		const struct kernel_set *set = anonymous_set(sets, &rule->item, expression);

		if (!set)
			continue;
		batch->sets++;
		put_set(batch, set, batch->sets);
		for (size_t i = 0; i < set->count; i++)
			put_elements(batch, set, sets->elements[set->first + i], batch->sets);
	}
}

/* ---- the rule ---- */

/* An expression that is being put, where more attributes may follow. */
struct opened {
	struct nlattr *element, *data;
};

static struct opened open_copy(struct nlmsghdr *message, const struct nlattr *expression,
			       unsigned int without)
{
	const struct nlattr *parts[NFTA_EXPR_MAX + 1], *attribute;
	struct opened opened;

	attributes_within(expression, parts, NFTA_EXPR_MAX);
	opened.element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	put_copy(message, parts[NFTA_EXPR_NAME]);
	opened.data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
	mnl_attr_for_each_nested (attribute, parts[NFTA_EXPR_DATA])
		if (attribute_type(attribute) != without)
			put_copy(message, attribute);
	return opened;
}

static void close_copy(struct nlmsghdr *message, struct opened opened)
{
	mnl_attr_nest_end(message, opened.data);
	mnl_attr_nest_end(message, opened.element);
}

/* A lookup in a set that this batch makes. */
static void put_lookup(struct nlmsghdr *message, const struct nlattr *expression,
		       const struct kernel_set *set, uint32_t id)
{
	struct opened opened = open_copy(message, expression, NFTA_LOOKUP_SET);

	mnl_attr_put_strz(message, NFTA_LOOKUP_SET, template_of(set));
	mnl_attr_put_u32(message, NFTA_LOOKUP_SET_ID, htonl(id));
	close_copy(message, opened);
}

/*
 * What the kernel tells as 0 where it is not set, and does not take back, not even as
 * 0 (nft_dynset_init, nft_osf_init, nft_exthdr_tcp_set_init).
 */
static const struct {
	const char *expression;
	unsigned int attribute;
} untakeable[] = {
	{ "dynset", NFTA_DYNSET_TIMEOUT }, /* by a set without timeouts */
	{ "osf", NFTA_OSF_FLAGS },
	{ "exthdr", NFTA_EXTHDR_FLAGS }, /* where an option is set */
};

static bool all_zero(struct slice bytes)
{
	for (uint32_t i = 0; i < bytes.length; i++)
		if (bytes.text[i])
			return false;
	return true;
}

/* The attribute that an expression must go back without; 0: none. */
static unsigned int attribute_to_omit(const struct nlattr *expression)
{
	const struct nlattr *parts[NFTA_EXPR_MAX + 1], *attribute;
	struct slice name;

	attributes_within(expression, parts, NFTA_EXPR_MAX);
	name = attribute_string(parts[NFTA_EXPR_NAME]);
	for (size_t i = 0; i < sizeof(untakeable) / sizeof(untakeable[0]); i++) {
		if (!slice_equals(name, untakeable[i].expression))
			continue;
		mnl_attr_for_each_nested (attribute, parts[NFTA_EXPR_DATA])
			if (attribute_type(attribute) == untakeable[i].attribute &&
			    all_zero(attribute_bytes(attribute)))
				return untakeable[i].attribute;
	}
	return 0;
}

static void put_expressions(struct batch *batch, struct nlmsghdr *message,
			    const struct kernel_rule *rule, const struct kernel_ruleset *sets,
			    uint32_t first_set, size_t *ret_numbers)
{
	const struct nlattr *expression;
	struct rule_number numbers[NUMBERS_MAX];
	struct nlattr *nest = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
	uint32_t id = first_set;
	unsigned int omitted;
	size_t count;

	mnl_attr_for_each_nested (expression, rule->expressions) {
		const struct kernel_set *set = anonymous_set(sets, &rule->item, expression);

		if (set)
			put_lookup(message, expression, set, ++id);
		else if ((omitted = attribute_to_omit(expression)))
			close_copy(message, open_copy(message, expression, omitted));
		else
			put_copy(message, expression);
	}
	mnl_attr_nest_end(message, nest);
	count = rule_numbers(nest, numbers, NUMBERS_MAX);
	for (size_t i = 0; i < count && i < NUMBERS_MAX; i++)
		ret_numbers[i] =
			(const char *)mnl_attr_get_payload(numbers[i].attribute) - batch->bytes;
}

void batch_put_rule(struct batch *batch, const struct kernel_rule *rule,
		    const struct kernel_ruleset *sets, struct slice userdata, size_t *ret_numbers)
{
	const struct kernel_item *item = &rule->item;
	uint32_t first_set = batch->sets;
	struct nlmsghdr *message;

	if (rule->expressions)
		put_sets(batch, rule, sets);
	message = begin(batch, NFT_MSG_NEWRULE, NLM_F_REPLACE | NLM_F_ACK, item->family);
	if (!message)
		return;
	mnl_attr_put(message, NFTA_RULE_TABLE, item->table.length + 1, item->table.text);
	mnl_attr_put(message, NFTA_RULE_CHAIN, item->name.length + 1, item->name.text);
	mnl_attr_put_u64(message, NFTA_RULE_HANDLE, htobe64(item->handle));
	if (rule->expressions)
		put_expressions(batch, message, rule, sets, first_set, ret_numbers);
	if (userdata.length)
		mnl_attr_put(message, NFTA_RULE_USERDATA, userdata.length, userdata.text);
	done(batch, message);
}

void batch_set_number(struct batch *batch, size_t offset, uint64_t number)
{
	number = htobe64(number);
	memcpy(batch->bytes + offset, &number, sizeof(number));
}

/* ---- sending ---- */

/* One message of the kernel must hold it all. */
static int make_room(struct netlink *netlink, size_t size)
{
	int fd = mnl_socket_get_fd(netlink->socket), wanted = size + 65536;

	if (!setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof(wanted)))
		return 0;
	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted)) ? -errno : 0;
}

struct answer {
	uint32_t first; /* earlier ones are of batches that failed for another reason, too */
	uint32_t last;	/* sequence of the rule: its acknowledgement is the end */
	bool done;
	int error;
};

/* Each message of the batch may have an error; the first is the reason for the others. */
static void take_answer(const struct nlmsghdr *message, struct answer *answer)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != NLMSG_ERROR || message->nlmsg_seq < answer->first)
		return;
	if (error->error && !answer->error)
		answer->error = error->error;
	if (error->error || message->nlmsg_seq == answer->last)
		answer->done = true;
}

static int read_answers(struct netlink *netlink, struct answer *answer)
{
	while (!answer->done) {
		ssize_t got = mnl_socket_recvfrom(netlink->socket, netlink->buffer, NETLINK_BUFFER);
		const struct nlmsghdr *message = (const struct nlmsghdr *)netlink->buffer;
		int left = got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			take_answer(message, answer);
	}
	return answer->error;
}

int batch_commit(struct batch *batch, struct netlink *netlink)
{
	struct answer answer = { .first = batch->first, .last = batch->sequence };
	int error;

	put_frame(batch, NFNL_MSG_BATCH_END, NULL);
	if (batch->failed)
		return -ENOMEM;
	error = make_room(netlink, batch->length);
	if (error)
		return error;
	if (mnl_socket_sendto(netlink->socket, batch->bytes, batch->length) < 0)
		return -errno;
	return read_answers(netlink, &answer);
}

void batch_release(struct batch *batch)
{
	free(batch->bytes);
	*batch = (struct batch){ 0 };
}
