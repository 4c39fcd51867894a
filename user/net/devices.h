/*
 * Network devices of the current network namespace, and which of them to count
 * on so that a packet counts once: the lowest ones. Reads rtnetlink; decides
 * without it (device_choose), so that the choice can be tested on any list.
 */
#ifndef PORTSCRIBE_DEVICES_H
#define PORTSCRIBE_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/fault.h"

struct device {
	uint32_t ifindex;
	char name[64];	/* any bytes but NUL, '/' and white space */
	char kind[32];	/* IFLA_INFO_KIND: "veth", "bridge" ...; "" for a physical or virtio device
			 */
	uint16_t type;	/* ARPHRD_* */
	uint32_t lower; /* IFLA_LINK: the device below, 0 where none or in another namespace */
	uint32_t master;
	uint32_t xdp_program; /* id of the XDP program on it, 0 where none */
	uint16_t tunnel_port; /* of "vxlan" and "geneve": the UDP port it takes packets at */
	bool up;

	bool chosen;
	const char *reason; /* why it is left out (or chosen), for `status`; a constant */
};

struct device_list {
	struct device *devices; /* owned, by ifindex as the kernel lists them */
	size_t count;
};

/* All devices of the current namespace. 0 or -errno. */
int device_list_read(struct device_list *ret_list, struct fault *fault);

/* The same of the namespace of @route, a socket of NETLINK_ROUTE. */
struct netlink;
int device_list_read_by(struct netlink *route, struct device_list *ret_list, struct fault *fault);

void device_list_release(struct device_list *list);

/* Set chosen and reason of each device. Returns how many are chosen. */
size_t device_choose(struct device_list *list);

/* NULL where there is none. */
struct device *device_by_name(const struct device_list *list, const char *name);
struct device *device_by_index(const struct device_list *list, uint32_t ifindex);

/*
 * Bytes before the IP header: 14 with Ethernet, 0 on devices that carry bare IP.
 * -EAFNOSUPPORT for link layers whose frames we cannot read.
 */
int device_l2_len(const struct device *device);

#endif
