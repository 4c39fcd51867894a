/* See listeners.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "net/listeners.h"
#include "net/netlink.h"

struct reading {
	struct listener_ports *ports;
	enum transport transport;
};

static int read_socket(const struct nlmsghdr *message, void *data)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
	struct reading *reading = data;
	uint16_t port;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return MNL_CB_OK;
	port = ntohs(socket->id.idiag_sport);
	if (port)
		reading->ports->set[reading->transport][port / 64] |= 1ULL << (port % 64);
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

static int ask(int family, size_t question, struct listener_ports *ports)
{
	struct reading reading = { ports, questions[question].transport };
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct inet_diag_req_v2 *diag;

	request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	diag = mnl_nlmsg_put_extra_header(request, sizeof(*diag));
	diag->sdiag_family = family;
	diag->sdiag_protocol = questions[question].protocol;
	diag->idiag_states = questions[question].states;
	return netlink_talk(NETLINK_SOCK_DIAG, request, read_socket, &reading);
}

int listener_ports_read(struct listener_ports *ret_ports, struct fault *fault)
{
	struct listener_ports ports = {};

	for (size_t question = 0; question < sizeof(questions) / sizeof(questions[0]); question++) {
		for (int i = 0; i < 2; i++) {
			int error = ask(i ? AF_INET6 : AF_INET, question, &ports);

			if (error && error != -ENOENT && error != -EOPNOTSUPP)
				return fault_set(fault, error, "cannot list sockets: %s",
						 strerror(-error));
		}
	}
	*ret_ports = ports;
	return 0;
}
