/*
 * A table whose names and comments hold what nft does not let one write, and prints
 * as it is: quotes, line ends, terminal codes. Netlink takes any byte but 0.
 *
 *   hostile TABLE CHAIN SET COMMENT     table inet TABLE: an input chain, a set of
 *                                       ports with the element 8080, and the rule
 *                                       "tcp dport 22 counter", both with COMMENT
 *
 * The words may hold \n, \e, \r, \q (a quote) and \\.
 */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char buffer[65536];
static struct nlmsghdr *message = (struct nlmsghdr *)buffer;
static unsigned int sequence;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static char *unescaped(char *word)
{
	static const char letters[] = "nerq\\", bytes[] = "\n\033\r\"\\";
	char *to = word;

	for (const char *from = word; *from; from++) {
		const char *letter = *from == '\\' && from[1] ? strchr(letters, from[1]) : NULL;

		*to++ = letter ? bytes[letter - letters] : *from;
		from += letter != NULL;
	}
	*to = '\0';
	return word;
}

static void begin(uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
	struct nfgenmsg *head;

	memset(message, 0, sizeof(*message) + sizeof(*head));
	mnl_nlmsg_put_header(message);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | flags;
	message->nlmsg_seq = ++sequence;
	head = mnl_nlmsg_put_extra_header(message, sizeof(*head));
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	head->res_id = htons(resource);
}

static void begin_new(uint16_t type)
{
	begin(NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK,
	      NFPROTO_INET, 0);
}

static void end(void)
{
	message = mnl_nlmsg_get_payload_tail(message);
}

static void put_u32(uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(message, type, htonl(value));
}

static void put_comment(uint16_t attribute, const char *comment)
{
	unsigned char bytes[256] = { 0, strlen(comment) + 1 };

	memcpy(bytes + 2, comment, bytes[1]);
	mnl_attr_put(message, attribute, 2 + bytes[1], bytes);
}

static void put_port(uint16_t type, uint16_t port)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put_u16(message, NFTA_DATA_VALUE, htons(port));
	mnl_attr_nest_end(message, nest);
}

static void put_chain(const char *table, const char *chain)
{
	struct nlattr *nest;

	begin_new(NFT_MSG_NEWCHAIN);
	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(message, NFTA_CHAIN_NAME, chain);
	mnl_attr_put_strz(message, NFTA_CHAIN_TYPE, "filter");
	nest = mnl_attr_nest_start(message, NFTA_CHAIN_HOOK);
	put_u32(NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_IN);
	put_u32(NFTA_HOOK_PRIORITY, 0);
	mnl_attr_nest_end(message, nest);
	end();
}

static void put_set(const char *table, const char *set, const char *comment)
{
	struct nlattr *list, *element;

	begin_new(NFT_MSG_NEWSET);
	mnl_attr_put_strz(message, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_NAME, set);
	put_u32(NFTA_SET_ID, 1);
	put_u32(NFTA_SET_KEY_TYPE, 13); /* nft's TYPE_INET_SERVICE */
	put_u32(NFTA_SET_KEY_LEN, 2);
	/* nft's NFTNL_UDATA_SET_KEYBYTEORDER: big endian */
	mnl_attr_put(message, NFTA_SET_USERDATA, 6, "\0\4\2\0\0\0");
	end();
	begin_new(NFT_MSG_NEWSETELEM);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
	list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	put_port(NFTA_SET_ELEM_KEY, 8080);
	put_comment(NFTA_SET_ELEM_USERDATA, comment);
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, list);
	end();
}

static struct nlattr *expression;
static struct nlattr *expression_data;

static void begin_expression(const char *name)
{
	expression = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
	expression_data = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
}

static void end_expression(void)
{
	mnl_attr_nest_end(message, expression_data);
	mnl_attr_nest_end(message, expression);
}

static void put_cmp(const void *value, size_t length)
{
	struct nlattr *nest;

	begin_expression("cmp");
	put_u32(NFTA_CMP_SREG, NFT_REG_1);
	put_u32(NFTA_CMP_OP, NFT_CMP_EQ);
	nest = mnl_attr_nest_start(message, NFTA_CMP_DATA);
	mnl_attr_put(message, NFTA_DATA_VALUE, length, value);
	mnl_attr_nest_end(message, nest);
	end_expression();
}

static void put_rule(const char *table, const char *chain, const char *comment)
{
	uint16_t port = htons(22);
	uint8_t tcp = IPPROTO_TCP;
	struct nlattr *list;

	begin_new(NFT_MSG_NEWRULE);
	mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
	list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
	begin_expression("meta");
	put_u32(NFTA_META_DREG, NFT_REG_1);
	put_u32(NFTA_META_KEY, NFT_META_L4PROTO);
	end_expression();
	put_cmp(&tcp, sizeof(tcp));
	begin_expression("payload");
	put_u32(NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	put_u32(NFTA_PAYLOAD_OFFSET, 2);
	put_u32(NFTA_PAYLOAD_LEN, 2);
	end_expression();
	put_cmp(&port, sizeof(port));
	begin_expression("counter");
	end_expression();
	mnl_attr_nest_end(message, list);
	put_comment(NFTA_RULE_USERDATA, comment);
	end();
}

/* The kernel answers each message that asks for it. */
static void send_all(void)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
	char answer[8192];
	ssize_t got;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, buffer, (char *)message - buffer) < 0)
		die("netlink");
	/* Table, chain, set, element, rule. */
	for (int i = 0; i < 5; i++) {
		got = mnl_socket_recvfrom(socket, answer, sizeof(answer));
		if (got < 0 ||
		    mnl_cb_run(answer, got, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0)
			die("nf_tables");
	}
	mnl_socket_close(socket);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fputs("usage: hostile TABLE CHAIN SET COMMENT\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		unescaped(argv[i]);
	begin(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end();
	begin_new(NFT_MSG_NEWTABLE);
	mnl_attr_put_strz(message, NFTA_TABLE_NAME, argv[1]);
	end();
	put_chain(argv[1], argv[2]);
	put_set(argv[1], argv[3], argv[4]);
	put_rule(argv[1], argv[2], argv[4]);
	begin(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	end();
	send_all();
	return 0;
}
