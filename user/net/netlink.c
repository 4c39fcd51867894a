/* See netlink.h. */
#include <errno.h>
#include <stdlib.h>

#include "net/netlink.h"
#include "util/cleanup.h"

static void close_socket(struct mnl_socket **socket)
{
	if (*socket)
		mnl_socket_close(*socket);
}

int netlink_talk(int bus, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	_cleanup_(close_socket) struct mnl_socket *socket = NULL;
	_cleanup_free_ char *buffer = malloc(NETLINK_BUFFER);
	unsigned int portid;
	int result = MNL_CB_OK;

	if (!buffer)
		return -ENOMEM;
	socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	portid = mnl_socket_get_portid(socket);
	request->nlmsg_seq = 1;
	if (!(request->nlmsg_flags & NLM_F_DUMP))
		request->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (result > MNL_CB_STOP) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, NETLINK_BUFFER);

		if (length < 0)
			return -errno;
		result = mnl_cb_run(buffer, length, request->nlmsg_seq, portid, callback, data);
	}
	return result < 0 ? -errno : 0;
}
