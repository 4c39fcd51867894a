/* See netlink.h. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "net/netlink.h"

int netlink_open(int bus, struct netlink *ret_netlink)
{
	struct netlink netlink = { .buffer = malloc(NETLINK_BUFFER) };
	int error = 0;

	if (!netlink.buffer)
		return -ENOMEM;
	netlink.socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!netlink.socket || mnl_socket_bind(netlink.socket, 0, MNL_SOCKET_AUTOPID) < 0)
		error = -errno;
	if (error) {
		netlink_close(&netlink);
		return error;
	}
	netlink.portid = mnl_socket_get_portid(netlink.socket);
	*ret_netlink = netlink;
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	free(netlink->buffer);
	*netlink = (struct netlink){ 0 };
}

static bool ends(const char *buffer, int length)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;

	for (; mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length))
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return true;
	return false;
}

/*
 * What is left of a dump that was cut short, of which @length bytes are in the buffer:
 * before the end of it has been read, the socket takes no other.
 */
static void drain(struct netlink *netlink, ssize_t length)
{
	while (length >= 0 && !ends(netlink->buffer, length))
		length = mnl_socket_recvfrom(netlink->socket, netlink->buffer, NETLINK_BUFFER);
}

int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	int result = MNL_CB_OK, error;
	ssize_t length = 0;

	request->nlmsg_seq = ++netlink->sequence;
	/* Half of these bits mean other things where something is made. */
	if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result > MNL_CB_STOP) {
		length = mnl_socket_recvfrom(netlink->socket, netlink->buffer, NETLINK_BUFFER);
		if (length < 0)
			return -errno;
		result = mnl_cb_run(netlink->buffer, length, request->nlmsg_seq, netlink->portid,
				    callback, data);
	}
	error = result < 0 ? -errno : 0;
	if (error && (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		drain(netlink, length);
	return error;
}

int netlink_talk(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	struct netlink netlink;
	int error = netlink_open(bus, &netlink);

	if (error)
		return error;
	error = netlink_ask(&netlink, request, callback, data);
	netlink_close(&netlink);
	return error;
}
