/* See listeners.h. */
#include <string.h>

#include "net/listeners.h"
#include "net/sockets.h"
#include "what.h"

static void set_port(const struct socket_found *socket, void *data)
{
	struct listener_ports *ports = data;

	ports->set[socket->transport][socket->port / 64] |= 1ULL << (socket->port % 64);
}

int listener_ports_read(struct listener_ports *ret_ports, struct fault *fault)
{
	const struct socket_question question = { .transports = TRANSPORTS_ALL };
	struct listener_ports ports = {};
	struct netlink diag;
	int error = netlink_open(NETLINK_SOCK_DIAG, &diag);

	if (!error) {
		error = sockets_listening(&diag, &question, set_port, &ports);
		netlink_close(&diag);
	}
	if (error)
		return fault_set(fault, error, "cannot list sockets: %s", strerror(-error));
	*ret_ports = ports;
	return 0;
}
