/* See beside.h. Sources: linux/bpf.h, 6.12; linux/netfilter_ipv4/ip_tables.h. */
#include "reach/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

#include "datapath/hooks.h"
#include "net/devices.h"
#include "net/netns.h"
#include "util/cleanup.h"

#define LINK_TYPE_NETFILTER 10 /* BPF_LINK_TYPE_NETFILTER, of 6.4 */
#define ALL_INTERFACES	    SIZE_MAX
#define CGROUPS		    "/sys/fs/cgroup"

static int add(struct beside *beside, const struct beside_item *item, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int add(struct beside *beside, const struct beside_item *item, const char *format, ...)
{
	struct beside_item *grown =
		reallocarray(beside->items, beside->count + 1, sizeof(*beside->items));
	va_list arguments;

	if (!grown)
		return -ENOMEM;
	beside->items = grown;
	grown[beside->count] = *item;
	va_start(arguments, format);
	vsnprintf(grown[beside->count].text, sizeof(grown[beside->count].text), format, arguments);
	va_end(arguments);
	beside->count++;
	return 0;
}

/* ---- the older tables ---- */

/* A table that has only its policies' entries has no rules. */
static bool has_rules(bool six, const char *table)
{
	_cleanup_close_ int fd =
		socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct ipt_getinfo info = { 0 }; /* ip6t_getinfo is the same */
	socklen_t length = sizeof(info);
	unsigned int own;

	_Static_assert(sizeof(info) == sizeof(struct ip6t_getinfo), "one structure for both");
	memcpy(info.name, table, strnlen(table, sizeof(info.name) - 1));
	if (fd < 0 || getsockopt(fd, six ? IPPROTO_IPV6 : IPPROTO_IP,
				 six ? IP6T_SO_GET_INFO : IPT_SO_GET_INFO, &info, &length))
		return true;
	own = (unsigned int)__builtin_popcount(info.valid_hooks) + 1;
	return info.num_entries > own;
}

static int read_tables(bool six, struct beside *beside)
{
	static const char *const paths[] = { "/proc/thread-self/net/ip_tables_names",
					     "/proc/thread-self/net/ip6_tables_names" };
	_cleanup_fclose_ FILE *file = fopen(paths[six], "re");
	const struct beside_item item = { .families = { !six, six }, .interface = ALL_INTERFACES };
	char line[XT_TABLE_MAXNAMELEN];
	int error = 0;

	while (file && !error && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && has_rules(six, line))
			error = add(beside, &item,
				    "the table %s of %siptables-legacy, which has rules", line,
				    six ? "ip6" : "");
	}
	return error;
}

/* ---- IPVS ---- */

static int read_ipvs(struct beside *beside)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/thread-self/net/ip_vs", "re");
	const struct beside_item item = { .families = { true, true }, .interface = ALL_INTERFACES };
	char line[256];
	bool has_services = false;

	while (file && fgets(line, sizeof(line), file))
		has_services |= !strncmp(line, "TCP ", 4) || !strncmp(line, "UDP ", 4) ||
				!strncmp(line, "SCTP", 4) || !strncmp(line, "FWM ", 4);
	return has_services ? add(beside, &item, "IPVS, which has virtual services") : 0;
}

/* ---- BPF ---- */

static int read_link(uint32_t id, uint64_t netns, struct beside *beside)
{
	const struct beside_item all = { .families = { true, true }, .interface = ALL_INTERFACES };
	_cleanup_close_ int fd = bpf_link_get_fd_by_id(id);
	struct bpf_link_info info = { 0 };
	__u32 length = sizeof(info), netfilter[2]; /* family, hook */

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &length))
		return 0;
	if (info.type == BPF_LINK_TYPE_NETNS && info.netns.netns_ino == netns &&
	    info.netns.attach_type == BPF_SK_LOOKUP)
		return add(beside, &all, "the sk_lookup program %u, which chooses sockets",
			   info.prog_id);
	if (info.type != LINK_TYPE_NETFILTER)
		return 0;
	memcpy(netfilter, &info.netns, sizeof(netfilter));
	if (netfilter[1] > NF_INET_LOCAL_IN)
		return 0;
	/* The kernel does not tell in which network namespace it is. */
	return add(beside, &all, "the netfilter program %u", info.prog_id);
}

static int read_links(struct beside *beside, struct fault *fault)
{
	struct netns_id netns = { 0 };
	uint32_t id = 0;
	int error = 0;

	netns_identify(&netns);
	while (!error && !bpf_link_get_next_id(id, &id))
		error = read_link(id, netns.inode, beside);
	/* Kernels without links have none. */
	if (!error && errno == EPERM)
		return fault_set(fault, -EPERM,
				 "cannot see which BPF programs decide about packets: %s (needs "
				 "CAP_SYS_ADMIN; try sudo)",
				 strerror(EPERM));
	return error;
}

/* nftw() hands nothing on. */
static struct beside *found_beside;

static int take_cgroup(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	struct beside_item item = { .families = { true, true }, .interface = ALL_INTERFACES };
	__u32 flags = 0, count = 8, ids[8];
	_cleanup_close_ int fd = -1;

	if (type != FTW_D)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || bpf_prog_query(fd, BPF_CGROUP_INET_INGRESS, 0, &flags, ids, &count) || !count)
		return 0;
	item.partial = walk->level > 0;
	path += strlen(CGROUPS);
	return add(found_beside, &item, "the cgroup_skb program %u of the cgroup %s", ids[0],
		   *path ? path : "/");
}

static int read_cgroups(struct beside *beside)
{
	int error;

	found_beside = beside;
	error = nftw(CGROUPS, take_cgroup, 16, FTW_PHYS | FTW_MOUNT);
	return error == -ENOMEM ? error : 0;
}

/* ---- before netfilter ---- */

static int read_device(const struct host *host, const struct device *device, struct beside *beside)
{
	struct beside_item item = { .families = { true, true } };
	struct hook_foreign programs[16];
	int count = hook_list_before(device->ifindex, DIR_IN, 0, UINT32_MAX, device->xdp_program,
				     programs, sizeof(programs) / sizeof(programs[0]));

	item.interface = host_interface_find(host, device->name);
	for (int i = 0; i < count && i < 16; i++) {
		int error;

		/* Ours count, and pass every packet. */
		if (!strncmp(programs[i].name, "portscribe_", strlen("portscribe_")))
			continue;
		error = add(beside, &item, "the %s program %u '%s' on %s", programs[i].hook,
			    programs[i].id, programs[i].name, device->name);
		if (error)
			return error;
	}
	return 0;
}

static int read_devices(const struct host *host, struct beside *beside, struct fault *fault)
{
	struct device_list list;
	int error = device_list_read(&list, fault);

	if (error)
		return error;
	for (size_t i = 0; i < list.count && !error; i++)
		error = read_device(host, &list.devices[i], beside);
	device_list_release(&list);
	return error;
}

int beside_read(const struct host *host, struct beside *ret_beside, struct fault *fault)
{
	struct beside beside = { 0 };
	int error = read_tables(false, &beside);

	if (!error)
		error = read_tables(true, &beside);
	if (!error)
		error = read_ipvs(&beside);
	if (!error)
		error = read_links(&beside, fault);
	if (!error)
		error = read_cgroups(&beside);
	if (!error)
		error = read_devices(host, &beside, fault);
	if (error) {
		beside_release(&beside);
		return error == -ENOMEM ? fault_set(fault, error, "out of memory") : error;
	}
	*ret_beside = beside;
	return 0;
}

void beside_release(struct beside *beside)
{
	free(beside->items);
	*beside = (struct beside){ 0 };
}
