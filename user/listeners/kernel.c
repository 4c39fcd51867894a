/* See kernel.h. */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listeners/kernel.h"
#include "util/cleanup.h"

/* ---- WireGuard: by its own family of generic netlink (linux/wireguard.h) ---- */

static int read_family(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each (attribute, message, GENL_HDRLEN)
		if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static int read_listen_port(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *attribute;

	mnl_attr_for_each (attribute, message, GENL_HDRLEN)
		if (mnl_attr_get_type(attribute) == WGDEVICE_A_LISTEN_PORT)
			*(uint16_t *)data = mnl_attr_get_u16(attribute);
	return MNL_CB_OK;
}

static struct nlmsghdr *put_generic(char *buffer, uint16_t family, uint16_t flags, uint8_t command)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *header;

	request->nlmsg_type = family;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->cmd = command;
	header->version = 1;
	return request;
}

/* The port the device listens at; 0 where it cannot be had (needs CAP_NET_ADMIN). */
static uint16_t wireguard_port(struct netlink *generic, uint32_t ifindex)
{
	char buffer[256];
	uint16_t family = 0, port = 0;
	struct nlmsghdr *request = put_generic(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	if (netlink_ask(generic, request, read_family, &family) || !family)
		return 0;
	request = put_generic(buffer, family, NLM_F_DUMP, WG_CMD_GET_DEVICE);
	mnl_attr_put_u32(request, WGDEVICE_A_IFINDEX, ifindex);
	return netlink_ask(generic, request, read_listen_port, &port) ? 0 : port;
}

/* ---- what is known of a namespace ---- */

struct explaining {
	struct listener *first;
	size_t count;
	struct arena *arena;
};

static bool is_open(const struct listener *listener, enum transport transport, uint16_t port)
{
	return listener->known == OWNERS_KERNEL && !listener->kernel[0] &&
	       listener->transport == transport && listener->port == port;
}

/* "vxlan vxlan0"; of several on one port the first, which made the socket. */
static int explain_port(struct explaining *explaining, enum transport transport, uint16_t port,
			const char *what, const char *name)
{
	char text[128];
	const char *copy = NULL;

	snprintf(text, sizeof(text), "%s%s%s", what, name[0] ? " " : "", name);
	for (size_t i = 0; i < explaining->count; i++) {
		if (!is_open(&explaining->first[i], transport, port))
			continue;
		if (!copy)
			copy = arena_copy(explaining->arena, text, strlen(text));
		if (!copy)
			return -ENOMEM;
		explaining->first[i].kernel = copy;
	}
	return 0;
}

static int explain_tunnels(struct explaining *explaining, const struct device_list *devices,
			   struct netlink *generic)
{
	int error = 0;

	for (size_t i = 0; i < devices->count && !error; i++) {
		const struct device *device = &devices->devices[i];
		uint16_t port = device->tunnel_port;

		if (!strcmp(device->kind, "wireguard"))
			port = wireguard_port(generic, device->ifindex);
		if (port)
			error = explain_port(explaining, TRANSPORT_UDP, port, device->kind,
					     device->name);
	}
	return error;
}

/* "tcp 2049" a line: what nfsd was told to listen at (nfsd(7)). */
static int explain_nfs(struct explaining *explaining)
{
	_cleanup_fclose_ FILE *list = fopen("/proc/fs/nfsd/portlist", "re");
	char line[128], transport[8];
	unsigned int port;
	int error = 0;

	while (list && !error && fgets(line, sizeof(line), list)) {
		if (sscanf(line, "%7s %u", transport, &port) != 2 || port >= PORT_COUNT)
			continue;
		error = explain_port(explaining,
				     !strcmp(transport, "udp") ? TRANSPORT_UDP : TRANSPORT_TCP,
				     port, "nfsd", "");
	}
	return error;
}

/* ---- kernel threads ---- */

/* Names are as in /proc/PID/comm; a port of 0 is any. */
static const struct {
	const char *thread, *service;
	uint16_t port;
	uint8_t transports; /* bits by enum transport */
} services[] = {
	{ "nfsd", "nfsd", 2049, 1 << TRANSPORT_TCP | 1 << TRANSPORT_UDP },
	{ "iscsi_np", "iscsi target", 3260, 1 << TRANSPORT_TCP },
	{ "ksmbd", "ksmbd", 445, 1 << TRANSPORT_TCP },
	{ "nvmet_tcp_wq", "nvme target", 4420, 1 << TRANSPORT_TCP },
	{ "dlm_recv", "dlm", 21064, 1 << TRANSPORT_TCP | 1 << TRANSPORT_SCTP },
	{ "socknal_cd", "lustre", 988, 1 << TRANSPORT_TCP },
	{ "lockd", LISTENER_PERHAPS "lockd", 0, 1 << TRANSPORT_TCP | 1 << TRANSPORT_UDP },
	{ "NFSv4 callback", LISTENER_PERHAPS "nfs callback", 0, 1 << TRANSPORT_TCP },
};

const char *kernel_thread_service(const char *thread, enum transport transport, uint16_t port)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (!strncmp(thread, services[i].thread, strlen(services[i].thread)) &&
		    services[i].transports >> transport & 1 &&
		    (!services[i].port || services[i].port == port))
			return services[i].service;
	return NULL;
}

static void explain_by_thread(struct explaining *explaining, const char *thread)
{
	for (size_t i = 0; i < explaining->count; i++) {
		struct listener *listener = &explaining->first[i];
		const char *service =
			kernel_thread_service(thread, listener->transport, listener->port);

		if (service && is_open(listener, listener->transport, listener->port))
			listener->kernel = service;
	}
}

/* All kernel threads are children of kthreadd, which is process 2 of the first PID namespace. */
static void explain_threads(struct explaining *explaining)
{
	_cleanup_fclose_ FILE *children = fopen("/proc/2/task/2/children", "re");
	unsigned int pid;

	while (children && fscanf(children, "%u", &pid) == 1) {
		_cleanup_fclose_ FILE *comm = NULL;
		char path[64], name[64];

		snprintf(path, sizeof(path), "/proc/%u/comm", pid);
		comm = fopen(path, "re");
		if (!comm || !fgets(name, sizeof(name), comm))
			continue;
		name[strcspn(name, "\n")] = '\0';
		explain_by_thread(explaining, name);
	}
}

static bool any_open(const struct explaining *explaining)
{
	for (size_t i = 0; i < explaining->count; i++)
		if (explaining->first[i].known == OWNERS_KERNEL && !explaining->first[i].kernel[0])
			return true;
	return false;
}

int kernel_explain(struct listener *first, size_t count, const struct device_list *devices,
		   struct netlink *generic, bool ours, struct arena *arena)
{
	struct explaining explaining = { first, count, arena };
	int error = 0;

	if (any_open(&explaining))
		error = explain_tunnels(&explaining, devices, generic);
	if (!error && ours && any_open(&explaining))
		error = explain_nfs(&explaining);
	if (!error && any_open(&explaining))
		explain_threads(&explaining);
	return error;
}
