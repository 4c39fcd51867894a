/* The words for a listener's plain values. See listener.h. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/listener.h"

char *listener_address_text(const struct listener *listener, char target[LISTENER_ADDRESS_MAX])
{
	static const struct in6_addr any;
	char address[INET6_ADDRSTRLEN] = "?";

	if (listener->family == AF_INET6 && !listener->v6only &&
	    !memcmp(&listener->address.v6, &any, sizeof(any)))
		strcpy(address, "*");
	else
		inet_ntop(listener->family, listener->address.bytes, address, sizeof(address));
	if (!listener->ifindex)
		snprintf(target, LISTENER_ADDRESS_MAX, "%s", address);
	else if (listener->interface[0])
		snprintf(target, LISTENER_ADDRESS_MAX, "%s%%%.15s", address, listener->interface);
	else
		snprintf(target, LISTENER_ADDRESS_MAX, "%s%%%u", address, listener->ifindex);
	return target;
}

const uint8_t *listener_plain_address(const struct listener *listener, int *ret_family)
{
	bool mapped = listener->family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&listener->address.v6);

	*ret_family = mapped ? AF_INET : listener->family;
	return listener->address.bytes + (mapped ? 12 : 0);
}

bool listener_is_of_kernel(const struct listener *listener)
{
	return listener->known == OWNERS_KERNEL && listener->kernel[0] &&
	       strncmp(listener->kernel, LISTENER_PERHAPS, strlen(LISTENER_PERHAPS));
}

const char *listener_scope_word(enum listener_scope scope)
{
	static const char *const words[LISTENER_SCOPES] = {
		[LISTENER_LOOPBACK] = "loopback",
		[LISTENER_ADDRESS] = "address",
		[LISTENER_ALL] = "all",
	};

	return words[scope];
}

const char *container_word(enum container_kind kind)
{
	static const char *const words[CONTAINER_KINDS] = {
		[CONTAINER_NONE] = "",
		[CONTAINER_DOCKER] = "docker",
		[CONTAINER_PODMAN] = "podman",
		[CONTAINER_LXC] = "lxc",
		[CONTAINER_KUBERNETES] = "kubernetes",
		[CONTAINER_CONTAINERD] = "containerd",
		[CONTAINER_CRIO] = "cri-o",
		[CONTAINER_NSPAWN] = "machine",
	};

	return words[kind];
}
