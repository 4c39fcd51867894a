/* Listeners that never were, for tests of what is thought of them. */
#ifndef PORTSCRIBE_TESTS_INVENTED_H
#define PORTSCRIBE_TESTS_INVENTED_H

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/listener.h"

/* Bound to @address, "*" being "::" with IPv4, and held by nobody that is known yet. */
static inline struct listener invented(enum transport transport, const char *address, uint16_t port)
{
	struct listener listener = {
		.transport = transport,
		.family = strchr(address, ':') || *address == '*' ? AF_INET6 : AF_INET,
		.port = port,
		.scope = LISTENER_ADDRESS,
		.known = OWNERS_UNREADABLE,
		.v6only = *address != '*' && strchr(address, ':'),
		.interface = "",
		.kernel = "",
		.group = 1,
		.cookie = port,
		.inode = port,
	};

	if (*address == '*' || !strcmp(address, "::") || !strcmp(address, "0.0.0.0"))
		listener.scope = LISTENER_ALL;
	else if (!strncmp(address, "127.", 4) || !strcmp(address, "::1"))
		listener.scope = LISTENER_LOOPBACK;
	inet_pton(listener.family, *address == '*' ? "::" : address, listener.address.bytes);
	return listener;
}

static inline struct listener_owner invented_owner(uint32_t pid, const char *name, const char *exe)
{
	return (struct listener_owner){ .pid = pid,
					.start = pid * 10,
					.name = name,
					.exe = exe,
					.cmdline = "",
					.unit = "",
					.container = "" };
}

/* Both live as long as the test says. */
static inline void invented_hold(struct listener *listener, const struct listener_owner **owners,
				 size_t count)
{
	listener->owners = owners;
	listener->owner_count = count;
	listener->known = OWNERS_KNOWN;
}

static inline void invented_kernel(struct listener *listener, const char *what)
{
	listener->known = OWNERS_KERNEL;
	listener->kernel = what;
}

#endif
