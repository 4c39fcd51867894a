/*
 * From the sockets of one network namespace to listeners: their scope, which of them
 * share a port. See collect.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/collect.h"
#include "what.h"

struct collecting {
	struct listeners *listeners;
	size_t room;
	uint32_t netns;
	bool failed; /* out of memory */
};

static uint8_t scope_of(const struct listener *listener)
{
	static const uint8_t none[16];
	int family;
	const uint8_t *address = listener_plain_address(listener, &family);

	if (!memcmp(address, none, family == AF_INET ? 4 : 16))
		return LISTENER_ALL;
	if (family == AF_INET)
		return address[0] == 127 ? LISTENER_LOOPBACK : LISTENER_ADDRESS;
	return IN6_IS_ADDR_LOOPBACK(&listener->address.v6) ? LISTENER_LOOPBACK : LISTENER_ADDRESS;
}

void listener_set_socket(struct listener *listener, const struct socket_found *socket)
{
	listener->transport = socket->transport;
	listener->family = socket->family;
	listener->v6only = socket->v6only;
	listener->mptcp = socket->mptcp;
	listener->port = socket->port;
	listener->ifindex = socket->ifindex;
	listener->queued = socket->queued;
	listener->backlog = socket->transport == TRANSPORT_UDP ? 0 : socket->limit;
	listener->uid = socket->uid;
	listener->inode = socket->inode;
	listener->cookie = socket->cookie;
	memcpy(listener->address.bytes, socket->address, sizeof(listener->address.bytes));
	listener->scope = scope_of(listener);
}

static void collect(const struct socket_found *socket, void *data)
{
	struct collecting *collecting = data;
	struct listeners *listeners = collecting->listeners;
	struct listener *listener;

	if (listeners->count == collecting->room) {
		size_t room = collecting->room * 2 + 256;
		struct listener *grown = reallocarray(listeners->items, room, sizeof(*grown));

		if (!grown) {
			collecting->failed = true;
			return;
		}
		listeners->items = grown;
		collecting->room = room;
	}
	listener = &listeners->items[listeners->count++];
	*listener = (struct listener){
		.interface = "",
		.netns = collecting->netns,
		.kernel = "",
	};
	listener_set_socket(listener, socket);
}

/* All but the inode. */
static int compare_places(const struct listener *a, const struct listener *b)
{
	if (a->netns != b->netns)
		return a->netns > b->netns ? 1 : -1;
	if (a->port != b->port)
		return a->port > b->port ? 1 : -1;
	if (a->transport != b->transport)
		return a->transport > b->transport ? 1 : -1;
	if (a->family != b->family)
		return a->family > b->family ? 1 : -1;
	if (a->ifindex != b->ifindex)
		return a->ifindex > b->ifindex ? 1 : -1;
	return memcmp(a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

static int compare_listeners(const void *a, const void *b)
{
	const struct listener *x = a, *y = b;
	int order = compare_places(x, y);

	return order ? order : (x->inode > y->inode) - (x->inode < y->inode);
}

void listeners_count_groups(struct listeners *listeners, size_t from)
{
	for (size_t i = from, end; i < listeners->count; i = end) {
		for (end = i + 1; end < listeners->count; end++)
			if (compare_places(&listeners->items[i], &listeners->items[end]))
				break;
		for (size_t k = i; k < end; k++)
			listeners->items[k].group = end - i;
	}
}

int listeners_collect(struct netlink *diag, uint32_t netns, const struct listener_wish *wish,
		      struct listeners *listeners)
{
	const struct socket_question question = {
		.transports = wish->transports ? wish->transports : TRANSPORTS_ALL,
		.family = wish->family,
		.port = wish->port,
		.mptcp = !wish->plain,
	};
	size_t from = listeners->count;
	struct collecting collecting = { .listeners = listeners, .room = from, .netns = netns };
	int error = sockets_listening(diag, &question, collect, &collecting);

	if (!error && collecting.failed)
		error = -ENOMEM;
	if (listeners->count > from)
		qsort(&listeners->items[from], listeners->count - from, sizeof(*listeners->items),
		      compare_listeners);
	listeners_count_groups(listeners, from);
	return error;
}
