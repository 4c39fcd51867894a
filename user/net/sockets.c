/* See sockets.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net/sockets.h"
#include "registry/registry.h"

/* Asked for this, the kernel also says which protocol is on top of TCP (5.3). */
#define EXT_WITH_MPTCP (1 << (INET_DIAG_INFO - 1))

struct dump {
	void (*found)(const struct socket_found *socket, void *data);
	void *data;
	enum transport transport;
};

/* The protocol on top of a TCP socket says who it is: "mptcp", "tls". */
static bool is_mptcp(const struct nlattr *nest)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested (attribute, nest)
		if (mnl_attr_get_type(attribute) == INET_ULP_INFO_NAME &&
		    mnl_attr_get_payload_len(attribute) >= sizeof("mptcp") &&
		    !strcmp(mnl_attr_get_str(attribute), "mptcp"))
			return true;
	return false;
}

static int read_attribute(const struct nlattr *attribute, void *data)
{
	struct socket_found *socket = data;

	if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY &&
	    mnl_attr_get_payload_len(attribute))
		socket->v6only = mnl_attr_get_u8(attribute);
	else if (mnl_attr_get_type(attribute) == INET_DIAG_ULP_INFO)
		socket->mptcp = is_mptcp(attribute);
	return MNL_CB_OK;
}

static int read_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	const struct dump *dump = data;
	struct socket_found socket;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*diag) || !diag->id.idiag_sport ||
	    (diag->idiag_state != TCP_LISTEN && diag->idiag_state != TCP_CLOSE))
		return MNL_CB_OK;
	socket = (struct socket_found){
		.transport = dump->transport,
		.family = diag->idiag_family,
		.port = ntohs(diag->id.idiag_sport),
		.ifindex = diag->id.idiag_if,
		.queued = diag->idiag_rqueue,
		.limit = diag->idiag_wqueue,
		.uid = diag->idiag_uid,
		.inode = diag->idiag_inode,
		.cookie = diag->id.idiag_cookie[0] | (uint64_t)diag->id.idiag_cookie[1] << 32,
	};
	memcpy(socket.address, diag->id.idiag_src, diag->idiag_family == AF_INET ? 4 : 16);
	mnl_attr_parse(message, sizeof(*diag), read_attribute, &socket);
	dump->found(&socket, dump->data);
	return MNL_CB_OK;
}

/* A UDP socket that is bound and not connected is in state TCP_CLOSE. */
static const struct {
	enum transport transport;
	uint8_t protocol;
	uint32_t states;
} questions[] = {
	{ TRANSPORT_TCP, IPPROTO_TCP, 1u << TCP_LISTEN },
	{ TRANSPORT_UDP, IPPROTO_UDP, 1u << TCP_CLOSE },
	{ TRANSPORT_SCTP, IPPROTO_SCTP, 1u << TCP_LISTEN },
};

static int ask(struct netlink *diag, const struct socket_question *question, size_t which,
	       int family, struct dump *dump)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *asked;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	asked = mnl_nlmsg_put_extra_header(request, sizeof(*asked));
	asked->sdiag_family = family;
	asked->sdiag_protocol = questions[which].protocol;
	asked->idiag_states = questions[which].states;
	asked->id.idiag_sport = htons(question->port);
	if (question->mptcp && questions[which].transport == TRANSPORT_TCP)
		asked->idiag_ext = EXT_WITH_MPTCP;
	dump->transport = questions[which].transport;
	return netlink_ask(diag, request, read_socket, dump);
}

int sockets_listening(struct netlink *diag, const struct socket_question *question,
		      void (*found)(const struct socket_found *socket, void *data), void *data)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct dump dump = { .found = found, .data = data };

	for (size_t which = 0; which < sizeof(questions) / sizeof(questions[0]); which++) {
		for (int i = 0; i < 2; i++) {
			int error;

			if (!(question->transports >> questions[which].transport & 1) ||
			    (question->family && question->family != families[i]))
				continue;
			error = ask(diag, question, which, families[i], &dump);
			if (error && error != -ENOENT && error != -EOPNOTSUPP)
				return error;
		}
	}
	return 0;
}

/*
 * One look-up instead of a walk over all sockets. The kernel takes the source of a
 * UDP question for the peer's address, that of others for the socket's own.
 */
static int ask_exactly(struct netlink *diag, const struct socket_found *wanted, struct dump *dump)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *asked;
	bool udp = wanted->transport == TRANSPORT_UDP;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST;
	asked = mnl_nlmsg_put_extra_header(request, sizeof(*asked));
	asked->sdiag_family = wanted->family;
	asked->sdiag_protocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
	asked->idiag_states = -1;
	if (!udp)
		asked->idiag_ext = EXT_WITH_MPTCP;
	*(udp ? &asked->id.idiag_dport : &asked->id.idiag_sport) = htons(wanted->port);
	memcpy(udp ? asked->id.idiag_dst : asked->id.idiag_src, wanted->address,
	       wanted->family == AF_INET ? 4 : 16);
	asked->id.idiag_if = wanted->ifindex;
	asked->id.idiag_cookie[0] = wanted->cookie;
	asked->id.idiag_cookie[1] = wanted->cookie >> 32;
	return netlink_ask(diag, request, read_socket, dump);
}

int socket_look_up(struct netlink *diag, const struct socket_found *wanted,
		   void (*found)(const struct socket_found *socket, void *data), void *data)
{
	struct dump dump = { .found = found, .data = data, .transport = wanted->transport };
	const struct socket_question question = {
		.transports = 1 << wanted->transport,
		.family = wanted->family,
		.port = wanted->port,
		.mptcp = true,
	};

	/* Of several sockets that share a port, the kernel may pick another. */
	if (wanted->transport != TRANSPORT_SCTP && wanted->cookie && wanted->port &&
	    !ask_exactly(diag, wanted, &dump))
		return 0;
	return sockets_listening(diag, &question, found, data);
}
