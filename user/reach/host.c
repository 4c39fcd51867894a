/* See host.h. Sources: linux/rtnetlink.h; net/ipv4/fib_frontend.c, 6.12. */
#include "reach/host.h"

#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"
#include "nft/live/attribute.h"
#include "util/cleanup.h"

unsigned int host_family(uint8_t family)
{
	return family == NFPROTO_IPV6;
}

number_t address_last(uint8_t family)
{
	return family == NFPROTO_IPV4 ? UINT32_MAX : ~(number_t)0;
}

number_t address_number(uint8_t family, const void *bytes)
{
	const uint8_t *at = bytes;
	number_t number = 0;

	for (unsigned int i = 0; i < (family == NFPROTO_IPV4 ? 4 : 16); i++)
		number = number << 8 | at[i];
	return number;
}

void address_bytes(uint8_t family, number_t number, void *ret_bytes)
{
	uint8_t *bytes = ret_bytes;

	for (unsigned int i = family == NFPROTO_IPV4 ? 4 : 16; i--; number >>= 8)
		bytes[i] = (uint8_t)number;
}

/* ---- reading ---- */

static void *grow(void **list, size_t count, size_t *room, size_t size)
{
	void *grown = *list;

	if (count == *room) {
		grown = reallocarray(*list, *room ? *room * 2 : 16, size);
		if (!grown)
			return NULL;
		*list = grown;
		*room = *room ? *room * 2 : 16;
	}
	return (char *)grown + count * size;
}

static struct host_interface *add_interface(struct host *host)
{
	struct host_interface *interface =
		grow((void **)&host->interfaces, host->count, &host->room, sizeof(*interface));

	if (interface) {
		*interface = (struct host_interface){ 0 };
		host->count++;
	}
	return interface;
}

static bool setting(const char *format, const char *name)
{
	char path[128];
	_cleanup_fclose_ FILE *file = NULL;

	snprintf(path, sizeof(path), format, name);
	file = fopen(path, "re");
	return file && fgetc(file) == '1';
}

static void copy_name(char target[IFNAMSIZ], struct slice name)
{
	size_t length = name.length < IFNAMSIZ ? name.length : IFNAMSIZ - 1;

	memset(target, 0, IFNAMSIZ);
	memcpy(target, name.text, length);
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *part;
	struct host *host = data;
	struct host_interface *interface;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	interface = add_interface(host);
	if (!interface)
		return errno = ENOMEM, MNL_CB_ERROR;
	interface->index = link->ifi_index;
	interface->type = link->ifi_type;
	interface->is_loopback = link->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each (attribute, message, sizeof(*link)) {
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
			copy_name(interface->name, attribute_string(attribute));
		if (mnl_attr_get_type(attribute) == IFLA_GROUP)
			interface->group = mnl_attr_get_u32(attribute);
		if (mnl_attr_get_type(attribute) != IFLA_LINKINFO)
			continue;
		mnl_attr_for_each_nested (part, attribute)
			if (mnl_attr_get_type(part) == IFLA_INFO_KIND)
				copy_name(interface->kind, attribute_string(part));
	}
	interface->is_bridge = !strcmp(interface->kind, "bridge");
	return MNL_CB_OK;
}

static struct host_interface *by_index(struct host *host, uint32_t index)
{
	for (size_t i = 0; i < host->count; i++)
		if (host->interfaces[i].index == index)
			return &host->interfaces[i];
	return NULL;
}

/* The first address of an interface is what `redirect` sends to. */
static int take_own(const struct nlmsghdr *message, void *data)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	struct host_interface *interface = by_index(data, address->ifa_index);
	uint8_t family = address->ifa_family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	unsigned int which = host_family(family);
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWADDR || !interface || interface->has_address[which] ||
	    (address->ifa_family != AF_INET && address->ifa_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each (attribute, message, sizeof(*address)) {
		int type = mnl_attr_get_type(attribute);

		if (type != IFA_LOCAL && (type != IFA_ADDRESS || interface->has_address[which]))
			continue;
		interface->has_address[which] = true;
		interface->address[which] = address_number(family, mnl_attr_get_payload(attribute));
	}
	return MNL_CB_OK;
}

static bool is_link_local(uint8_t family, number_t address)
{
	return family == NFPROTO_IPV6 && address >> 118 == 0xfe80 >> 6;
}

static bool is_loopback(uint8_t family, number_t address)
{
	return family == NFPROTO_IPV4 ? address >> 24 == 127 : address == 1;
}

static int add_route(struct host *host, const struct rtmsg *route, uint8_t kind,
		     const struct nlattr *target, uint32_t index)
{
	struct host_address *address = grow((void **)&host->addresses, host->address_count,
					    &host->address_room, sizeof(*address));
	const struct host_interface *interface = by_index(host, index);
	uint8_t family = route->rtm_family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	unsigned int bits = (family == NFPROTO_IPV4 ? 32 : 128) - route->rtm_dst_len;
	number_t first = address_number(family, mnl_attr_get_payload(target));

	if (!address)
		return errno = ENOMEM, MNL_CB_ERROR;
	*address = (struct host_address){
		.family = family,
		.kind = kind,
		.range = { first,
			   first | (bits == 128 ? ~(number_t)0 : ((number_t)1 << bits) - 1) },
		.interface = interface ? (size_t)(interface - host->interfaces) : host->count,
		.is_loopback = is_loopback(family, first),
		.is_link = is_link_local(family, first),
	};
	host->address_count++;
	return MNL_CB_OK;
}

/* The table "local" says what is the host's own. */
static int take_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *target = NULL;
	uint32_t table = route->rtm_table, index = 0;
	uint8_t kind;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	switch (route->rtm_type) {
	case RTN_LOCAL: kind = ADDRESS_LOCAL; break;
	case RTN_BROADCAST: kind = ADDRESS_BROADCAST; break;
	case RTN_ANYCAST: kind = ADDRESS_ANYCAST; break;
	default: return MNL_CB_OK;
	}
	mnl_attr_for_each (attribute, message, sizeof(*route)) {
		if (mnl_attr_get_type(attribute) == RTA_TABLE)
			table = mnl_attr_get_u32(attribute);
		if (mnl_attr_get_type(attribute) == RTA_DST)
			target = attribute;
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			index = mnl_attr_get_u32(attribute);
	}
	if (table != RT_TABLE_LOCAL || !target)
		return MNL_CB_OK;
	return add_route(data, route, kind, target, index);
}

static int ask(struct netlink *netlink, uint16_t type, uint8_t family, mnl_cb_t callback,
	       struct host *host)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct ifinfomsg) + 64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	/* Each begins with the family. */
	struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->ifi_family = family;
	return netlink_ask(netlink, request, callback, host);
}

static int compare_names(const void *left, const void *right)
{
	const struct host_interface *a = left, *b = right;

	return memcmp(a->name, b->name, sizeof(a->name));
}

static void sort_interfaces(struct host *host)
{
	if (host->count)
		qsort(host->interfaces, host->count, sizeof(*host->interfaces), compare_names);
}

static void read_settings(struct host *host)
{
	bool all = setting("/proc/sys/net/ipv4/conf/%s/route_localnet", "all");

	for (size_t i = 0; i < host->count; i++)
		host->interfaces[i].route_localnet =
			all || setting("/proc/sys/net/ipv4/conf/%s/route_localnet",
				       host->interfaces[i].name);
	host->forwards[0] = setting("/proc/sys/net/ipv4/%s", "ip_forward");
	host->forwards[1] = setting("/proc/sys/net/ipv6/conf/%s/forwarding", "all");
}

int host_read(struct host *ret_host, struct fault *fault)
{
	struct host host = { 0 };
	struct netlink netlink;
	int error = netlink_open(NETLINK_ROUTE, &netlink);

	if (error)
		return fault_set(fault, error, "cannot ask for interfaces: %s", strerror(-error));
	error = ask(&netlink, RTM_GETLINK, AF_UNSPEC, take_link, &host);
	sort_interfaces(&host);
	if (!error)
		error = ask(&netlink, RTM_GETADDR, AF_UNSPEC, take_own, &host);
	if (!error)
		error = ask(&netlink, RTM_GETROUTE, AF_INET, take_route, &host);
	if (!error)
		error = ask(&netlink, RTM_GETROUTE, AF_INET6, take_route, &host);
	/* A kernel without IPv6 has no such routes. */
	if (error == -EOPNOTSUPP || error == -EAFNOSUPPORT)
		error = 0;
	netlink_close(&netlink);
	if (error) {
		host_release(&host);
		return fault_set(fault, error, "cannot read interfaces and addresses: %s",
				 strerror(-error));
	}
	read_settings(&host);
	*ret_host = host;
	return 0;
}

size_t host_interface_find(const struct host *host, const char *name)
{
	for (size_t i = 0; i < host->count; i++)
		if (!strncmp(host->interfaces[i].name, name, IFNAMSIZ))
			return i;
	return host->count;
}

static int assume_interface(struct host *host, struct slice name)
{
	struct host_interface *interface = add_interface(host);

	if (!interface)
		return -ENOMEM;
	/* No number of one that is there. */
	interface->index = UINT32_MAX - host->count;
	interface->type = ARPHRD_ETHER;
	copy_name(interface->name, name);
	return 0;
}

int host_assume(struct host *host, const char (*names)[IFNAMSIZ], size_t count)
{
	int error = 0;

	host->assumed = true;
	host->address_count = 0;
	host->forwards[0] = host->forwards[1] = true;
	for (size_t i = 0; i < count && !error; i++)
		if (host_interface_find(host, names[i]) == host->count)
			error = assume_interface(host, slice_of(names[i]));
	if (!error)
		error = assume_interface(host, slice_of("*"));
	sort_interfaces(host);
	return error;
}

void host_release(struct host *host)
{
	free(host->interfaces);
	free(host->addresses);
	*host = (struct host){ 0 };
}

/* ---- asking ---- */

static uint8_t type_of_kind(uint8_t kind)
{
	static const uint8_t types[] = { RTN_LOCAL, RTN_BROADCAST, RTN_ANYCAST };

	return types[kind];
}

/* As net/ipv4/fib_frontend.c has it, __inet_dev_addr_type(). */
uint8_t host_address_type(const struct host *host, uint8_t family, number_t address)
{
	if (family == NFPROTO_IPV4 && (address >> 24 == 0 || address == UINT32_MAX))
		return RTN_BROADCAST;
	if (family == NFPROTO_IPV4 ? address >> 28 == 0xe : address >> 120 == 0xff)
		return RTN_MULTICAST;
	for (size_t i = 0; i < host->address_count; i++) {
		const struct host_address *own = &host->addresses[i];

		if (own->family == family && own->range.first <= address &&
		    address <= own->range.last)
			return type_of_kind(own->kind);
	}
	if (host->assumed && is_loopback(family, address))
		return RTN_LOCAL;
	return RTN_UNICAST;
}

int host_silent(const struct host *host, uint8_t family, struct interval **ret_list,
		size_t *ret_count)
{
	static const struct interval old[] = { { 0x7f000000, 0x7fffffff },
					       { 0xe0000000, 0xefffffff },
					       { UINT32_MAX, UINT32_MAX } };
	const struct interval new[] = { { 0, 1 }, { (number_t)0xff << 120, ~(number_t)0 } };
	struct interval *list = reallocarray(NULL, host->address_count + 3, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; family == NFPROTO_IPV4 && i < 3; i++)
		list[count++] = old[i];
	for (size_t i = 0; family != NFPROTO_IPV4 && i < 2; i++)
		list[count++] = new[i];
	for (size_t i = 0; i < host->address_count; i++)
		if (host->addresses[i].family == family)
			list[count++] = host->addresses[i].range;
	*ret_list = list;
	*ret_count = intervals_merge(list, count);
	return 0;
}
