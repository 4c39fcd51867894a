/*
 * What a ruleset is evaluated against: the interfaces of a network namespace, the
 * addresses that are its own, what the kernel does by itself. Either read from the
 * kernel, or assumed for a ruleset that is another host's.
 */
#ifndef PORTSCRIBE_REACH_HOST_H
#define PORTSCRIBE_REACH_HOST_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reach/space.h"
#include "util/fault.h"

struct host_interface {
	uint32_t index;
	char name[IFNAMSIZ];
	uint16_t type; /* ARPHRD_* */
	uint32_t group;
	char kind[IFNAMSIZ]; /* "veth", "bridge"; "" where it has none */
	bool is_loopback;
	bool is_bridge;
	bool route_localnet; /* 127.0.0.0/8 may come in here */
	bool has_address[2]; /* IPv4, IPv6 */
	number_t address[2]; /* the first one: where `redirect` sends to */
};

enum host_address_kind { ADDRESS_LOCAL, ADDRESS_BROADCAST, ADDRESS_ANYCAST };

struct host_address {
	uint8_t family; /* NFPROTO_IPV4, NFPROTO_IPV6 */
	uint8_t kind;
	struct interval range;
	size_t interface;	   /* its place */
	bool is_loopback, is_link; /* reached only over lo, or only over that interface */
};

struct host {
	struct host_interface *interfaces; /* owned; by name, so that "eth*" is one range */
	size_t count, room;
	struct host_address *addresses; /* owned */
	size_t address_count, address_room;
	bool forwards[2]; /* IPv4, IPv6 */
	bool assumed;	  /* not read: all destinations are its own */
};

/* The current network namespace. 0 or -errno with @fault. */
int host_read(struct host *ret_host, struct fault *fault);

/*
 * Make of @host one whose addresses are not known: it gets the interfaces called
 * @names, where it lacks them, and one called "*" that stands for all others. 0 or
 * -ENOMEM.
 */
int host_assume(struct host *host, const char (*names)[IFNAMSIZ], size_t count);

void host_release(struct host *host);

/* 0 for NFPROTO_IPV4, 1 for NFPROTO_IPV6. */
unsigned int host_family(uint8_t family);

/* RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST, RTN_MULTICAST; RTN_UNICAST: none of those. */
uint8_t host_address_type(const struct host *host, uint8_t family, number_t address);

/*
 * The sources that the kernel takes nothing from but over lo: its own addresses, those of
 * loopback and of multicast (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3 and 2.7). Sorted, owned.
 * 0 or -ENOMEM.
 */
int host_silent(const struct host *host, uint8_t family, struct interval **ret_list,
		size_t *ret_count);

/* The place of an interface; host->count where there is none. */
size_t host_interface_find(const struct host *host, const char *name);

/* The largest address of a family. */
number_t address_last(uint8_t family);

/* An address in network byte order, 4 or 16 bytes, as a number, and back. */
number_t address_number(uint8_t family, const void *bytes);
void address_bytes(uint8_t family, number_t number, void *ret_bytes);

#endif
