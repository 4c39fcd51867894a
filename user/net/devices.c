/* See devices.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>

#include "net/devices.h"
#include "net/netlink.h"

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519 /* linux/if_arp.h, since 4.14 */
#endif

static void copy_text(char *target, size_t size, const struct nlattr *attribute)
{
	size_t length =
		strnlen(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));

	if (length >= size)
		length = size - 1;
	memcpy(target, mnl_attr_get_payload(attribute), length);
	target[length] = '\0';
}

/* Of a tunnel over UDP. The kind comes before its data. */
static void read_tunnel(const struct nlattr *nest, struct device *device)
{
	int port = !strcmp(device->kind, "vxlan")    ? IFLA_VXLAN_PORT
		   : !strcmp(device->kind, "geneve") ? IFLA_GENEVE_PORT
						     : -1;
	const struct nlattr *attribute;

	mnl_attr_for_each_nested (attribute, nest)
		if (mnl_attr_get_type(attribute) == port)
			device->tunnel_port = ntohs(mnl_attr_get_u16(attribute));
}

static void read_link_info(const struct nlattr *nest, struct device *device)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested (attribute, nest) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			copy_text(device->kind, sizeof(device->kind), attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			read_tunnel(attribute, device);
	}
}

static void read_xdp(const struct nlattr *nest, struct device *device)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested (attribute, nest)
		if (mnl_attr_get_type(attribute) == IFLA_XDP_PROG_ID)
			device->xdp_program = mnl_attr_get_u32(attribute);
}

static int read_device(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;
	struct device_list *list = data;
	struct device *device, *grown;
	bool elsewhere = false;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	grown = reallocarray(list->devices, list->count + 1, sizeof(*grown));
	if (!grown) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	list->devices = grown;
	device = &grown[list->count];
	*device = (struct device){
		.ifindex = info->ifi_index,
		.type = info->ifi_type,
		.up = info->ifi_flags & IFF_UP,
	};
	mnl_attr_for_each (attribute, message, sizeof(*info)) {
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME: copy_text(device->name, sizeof(device->name), attribute); break;
		case IFLA_LINK: device->lower = mnl_attr_get_u32(attribute); break;
		case IFLA_LINK_NETNSID: elsewhere = true; break;
		case IFLA_MASTER: device->master = mnl_attr_get_u32(attribute); break;
		case IFLA_LINKINFO: read_link_info(attribute, device); break;
		case IFLA_XDP: read_xdp(attribute, device); break;
		}
	}
	if (elsewhere || device->lower == device->ifindex)
		device->lower = 0;
	list->count++;
	return MNL_CB_OK;
}

int device_list_read_by(struct netlink *route, struct device_list *ret_list, struct fault *fault)
{
	char buffer[256];
	int error = 0;

	/* A dump that the kernel interrupted (EINTR) has holes: ask again. */
	for (int attempt = 0; attempt < 20; attempt++) {
		struct device_list list = {};
		struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
		struct ifinfomsg *info;

		request->nlmsg_type = RTM_GETLINK;
		request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
		info->ifi_family = AF_UNSPEC;
		error = netlink_ask(route, request, read_device, &list);
		if (!error) {
			*ret_list = list;
			return 0;
		}
		device_list_release(&list);
		if (error != -EINTR)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000L << (attempt < 6 ? attempt : 6) },
			  NULL);
	}
	return fault_set(fault, error, "cannot list network devices: %s", strerror(-error));
}

int device_list_read(struct device_list *ret_list, struct fault *fault)
{
	struct netlink route;
	int error = netlink_open(NETLINK_ROUTE, &route);

	if (error)
		return fault_set(fault, error, "cannot list network devices: %s", strerror(-error));
	error = device_list_read_by(&route, ret_list, fault);
	netlink_close(&route);
	return error;
}

void device_list_release(struct device_list *list)
{
	free(list->devices);
	*list = (struct device_list){};
}

struct device *device_by_name(const struct device_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->devices[i].name, name))
			return &list->devices[i];
	return NULL;
}

struct device *device_by_index(const struct device_list *list, uint32_t ifindex)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->devices[i].ifindex == ifindex)
			return &list->devices[i];
	return NULL;
}

int device_l2_len(const struct device *device)
{
	switch (device->type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK: return 14;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT: return 0;
	default: return -EAFNOSUPPORT;
	}
}

static const struct {
	const char *kind;
	const char *reason;
} upper_kinds[] = {
	{ "bridge", "a bridge: its packets pass its ports, which are counted" },
	{ "bond", "a bond: its packets pass its ports, which are counted" },
	{ "team", "a team: its packets pass its ports, which are counted" },
	{ "vrf", "a VRF: its packets pass its members, which are counted" },
	{ "vlan", "a VLAN: its packets pass the device below it" },
	{ "macvlan", "a macvlan: its packets pass the device below it" },
	{ "ipvlan", "an ipvlan: its packets pass the device below it" },
	{ "macsec", "MACsec: its packets pass the device below it" },
	{ "dsa", "a switch port: its packets pass the conduit below it" },
	{ "vxlan", "a tunnel: its packets leave through another device, encapsulated" },
	{ "geneve", "a tunnel: its packets leave through another device, encapsulated" },
	{ "gre", "a tunnel: its packets leave through another device, encapsulated" },
	{ "gretap", "a tunnel: its packets leave through another device, encapsulated" },
	{ "ip6gre", "a tunnel: its packets leave through another device, encapsulated" },
	{ "ip6gretap", "a tunnel: its packets leave through another device, encapsulated" },
	{ "ipip", "a tunnel: its packets leave through another device, encapsulated" },
	{ "ip6tnl", "a tunnel: its packets leave through another device, encapsulated" },
	{ "sit", "a tunnel: its packets leave through another device, encapsulated" },
	{ "vti", "a tunnel: its packets leave through another device, encapsulated" },
	{ "vti6", "a tunnel: its packets leave through another device, encapsulated" },
	{ "xfrm", "a tunnel: its packets leave through another device, encapsulated" },
	{ "wireguard", "a tunnel: its packets leave through another device, encapsulated" },
	{ "ifb", "an ifb: sees packets of another device again" },
	{ "dummy", "a dummy: nothing arrives on it" },
	{ "nlmon", "a netlink monitor: carries no packets" },
	{ "vcan", "a CAN bus: carries no IP" },
};

static bool is_virtual_end(const struct device *device)
{
	return !strcmp(device->kind, "veth") || !strcmp(device->kind, "tun") ||
	       !strcmp(device->kind, "netkit");
}

static const char *why_upper(const struct device *device)
{
	if (device->type == ARPHRD_LOOPBACK)
		return "loopback: counted only when asked for with -i";
	for (size_t i = 0; i < sizeof(upper_kinds) / sizeof(upper_kinds[0]); i++)
		if (!strcmp(device->kind, upper_kinds[i].kind))
			return upper_kinds[i].reason;
	if (device->lower && !is_virtual_end(device))
		return "its packets pass the device below it";
	if (device_l2_len(device) < 0)
		return "its link layer is not one portscribe can read";
	return NULL;
}

size_t device_choose(struct device_list *list)
{
	size_t chosen = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct device *device = &list->devices[i];

		device->reason = why_upper(device);
		device->chosen = !device->reason && !device->kind[0];
		chosen += device->chosen;
	}
	/* In a container's namespace the one way out is a veth. */
	for (size_t i = 0, lowest = chosen; i < list->count; i++) {
		struct device *device = &list->devices[i];

		if (device->reason || device->chosen)
			continue;
		if (lowest) {
			device->reason = is_virtual_end(device)
						 ? "leads to a container or guest: its packets may "
						   "pass a lower device too"
						 : "virtual: count on it with -i";
		} else if (is_virtual_end(device)) {
			device->chosen = true;
			chosen++;
		} else {
			device->reason = "virtual: count on it with -i";
		}
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->devices[i].chosen)
			list->devices[i].reason = list->devices[i].kind[0] ? "nothing lower is here"
									   : "a lowest device";
	return chosen;
}
