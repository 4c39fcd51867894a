/* See hooks.h. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/hooks.h"
#include "net/netlink.h"
#include "tcx.h"
#include "util/cleanup.h"

int hook_attach_tcx(int program, uint32_t ifindex, enum direction direction)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = KERNEL_F_BEFORE);
	int link = bpf_link_create(program, ifindex,
				   direction == DIR_IN ? KERNEL_TCX_INGRESS : KERNEL_TCX_EGRESS,
				   &options);

	return link < 0 ? -errno : link;
}

int hook_attach_xdp(int program, uint32_t ifindex, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int link = bpf_link_create(program, ifindex, BPF_XDP, &options);

	return link < 0 ? -errno : link;
}

static enum bpf_tc_attach_point attach_point(enum direction direction)
{
	return direction == DIR_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

struct qdisc_search {
	uint32_t ifindex;
	bool found;
};

static int find_clsact(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct qdisc_search *search = data;

	/* clsact and ingress share this parent. */
	if (message->nlmsg_type == RTM_NEWQDISC && (uint32_t)tc->tcm_ifindex == search->ifindex &&
	    tc->tcm_parent == TC_H_CLSACT)
		search->found = true;
	return MNL_CB_OK;
}

bool hook_has_clsact(uint32_t ifindex)
{
	struct qdisc_search search = { .ifindex = ifindex };
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;

	request->nlmsg_type = RTM_GETQDISC;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	/* Where it cannot be told, as if there were one: then it is not ours to remove. */
	return netlink_talk(NETLINK_ROUTE, request, find_clsact, &search) || search.found;
}

int hook_make_clsact(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error = bpf_tc_hook_create(&hook);

	return error == -EEXIST ? 0 : error ? error : 1;
}

int hook_attach_clsact(int program, uint32_t ifindex, enum direction direction,
		       struct clsact_filter *filter)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(direction));
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = program, .handle = filter->handle,
		    .priority = filter->priority, .flags = filter->priority ? BPF_TC_F_REPLACE : 0);
	int error = bpf_tc_attach(&hook, &options);

	if (!error)
		filter->priority = options.priority;
	return error;
}

uint32_t hook_clsact_program(uint32_t ifindex, enum direction direction,
			     const struct clsact_filter *filter)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(direction));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);
	_cleanup_close_ int program = -1;

	if (!filter->priority || bpf_tc_query(&hook, &options))
		return 0;
	program = bpf_prog_get_fd_by_id(options.prog_id);
	if (program < 0 || bpf_obj_get_info_by_fd(program, &info, &length) ||
	    strncmp(info.name, "portscribe_", strlen("portscribe_")))
		return 0;
	return options.prog_id;
}

int hook_detach_clsact(uint32_t ifindex, enum direction direction,
		       const struct clsact_filter *filter)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = attach_point(direction));
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = filter->handle, .priority = filter->priority);
	int error;

	if (!hook_clsact_program(ifindex, direction, filter))
		return 0;
	error = bpf_tc_detach(&hook, &options);
	return error == -ENOENT || error == -ENODEV ? 0 : error;
}

struct filter_walk {
	uint32_t priority; /* stop counting at this one; 0: count all */
	struct hook_foreign *programs;
	size_t size;
	int count;
};

/* cls_bpf's attributes, linux/pkt_cls.h, spelled out for the two we read. */
enum { CLS_BPF_NAME = 7, CLS_BPF_ID = 11 };

static void describe_filter(const struct nlattr *options, const char *kind,
			    struct hook_foreign *program)
{
	const struct nlattr *attribute;

	snprintf(program->name, sizeof(program->name), "%s", kind);
	if (!options || strcmp(kind, "bpf"))
		return;
	mnl_attr_for_each_nested (attribute, options) {
		if (mnl_attr_get_type(attribute) == CLS_BPF_NAME)
			snprintf(program->name, sizeof(program->name), "%.*s",
				 mnl_attr_get_payload_len(attribute),
				 (const char *)mnl_attr_get_payload(attribute));
		if (mnl_attr_get_type(attribute) == CLS_BPF_ID)
			program->id = mnl_attr_get_u32(attribute);
	}
}

static int read_filter(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute, *options = NULL;
	struct filter_walk *walk = data;
	uint32_t priority = TC_H_MAJ(tc->tcm_info) >> 16;
	const char *kind = "filter";

	/* Each priority is announced once with handle 0, then each of its filters. */
	if (message->nlmsg_type != RTM_NEWTFILTER || !tc->tcm_handle)
		return MNL_CB_OK;
	if (walk->priority && priority >= walk->priority)
		return MNL_CB_OK;
	mnl_attr_for_each (attribute, message, sizeof(*tc)) {
		if (mnl_attr_get_type(attribute) == TCA_KIND)
			kind = mnl_attr_get_str(attribute);
		if (mnl_attr_get_type(attribute) == TCA_OPTIONS)
			options = attribute;
	}
	if ((size_t)walk->count < walk->size) {
		walk->programs[walk->count] = (struct hook_foreign){ .hook = "clsact" };
		describe_filter(options, kind, &walk->programs[walk->count]);
	}
	walk->count++;
	return MNL_CB_OK;
}

static int walk_filters(uint32_t ifindex, enum direction direction, mnl_cb_t callback, void *data)
{
	char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;

	request->nlmsg_type = RTM_GETTFILTER;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent =
		TC_H_MAKE(TC_H_CLSACT, direction == DIR_IN ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
	return netlink_talk(NETLINK_ROUTE, request, callback, data);
}

struct filter_sweep {
	uint32_t handle;
	uint32_t priorities[16];
	size_t count;
};

static int find_handle(const struct nlmsghdr *message, void *data)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct filter_sweep *sweep = data;

	if (message->nlmsg_type == RTM_NEWTFILTER && tc->tcm_handle == sweep->handle &&
	    sweep->count < sizeof(sweep->priorities) / sizeof(sweep->priorities[0]))
		sweep->priorities[sweep->count++] = TC_H_MAJ(tc->tcm_info) >> 16;
	return MNL_CB_OK;
}

int hook_sweep_clsact(uint32_t ifindex, enum direction direction, uint32_t handle)
{
	struct filter_sweep sweep = { .handle = handle };
	int error = walk_filters(ifindex, direction, find_handle, &sweep), swept = 0;

	for (size_t i = 0; i < sweep.count && !error; i++) {
		struct clsact_filter filter = { handle, sweep.priorities[i] };

		/* The handle may be somebody else's: the program tells. */
		if (!hook_clsact_program(ifindex, direction, &filter))
			continue;
		error = hook_detach_clsact(ifindex, direction, &filter);
		swept += !error;
	}
	return error == -EINVAL || error == -ENOENT ? 0 : error ? error : swept; /* no clsact */
}

int hook_remove_empty_clsact(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error;

	for (int direction = 0; direction < DIR_COUNT; direction++) {
		struct filter_walk walk = {};

		error = walk_filters(ifindex, direction, read_filter, &walk);
		if (error == -ENODEV)
			return 1; /* the device went, and its qdisc with it */
		if (error)
			return error;
		if (walk.count)
			return 0;
	}
	/* libbpf: both attach points at once remove the qdisc itself. */
	error = bpf_tc_hook_destroy(&hook);
	return !error || error == -ENOENT || error == -ENODEV ? 1 : error;
}

static void describe_program(uint32_t id, struct hook_foreign *program)
{
	struct bpf_prog_info info = {};
	__u32 length = sizeof(info);
	_cleanup_close_ int fd = bpf_prog_get_fd_by_id(id);

	program->id = id;
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &length))
		snprintf(program->name, sizeof(program->name), "%s", info.name);
}

static void note(struct hook_foreign *programs, size_t size, size_t at, const char *hook,
		 uint32_t id)
{
	if (at >= size)
		return;
	programs[at] = (struct hook_foreign){ .hook = hook };
	describe_program(id, &programs[at]);
}

int hook_list_before(uint32_t ifindex, enum direction direction, uint32_t ours, uint32_t priority,
		     uint32_t xdp_program, struct hook_foreign *ret_programs, size_t size)
{
	__u32 ids[64], id_count = 64, flags = 0;
	struct filter_walk walk = { .priority = priority };
	size_t count = 0;
	int error;

	if (direction == DIR_IN && xdp_program)
		note(ret_programs, size, count++, "xdp", xdp_program);
	/* tcx runs before clsact. Kernels without tcx say EINVAL: then there is none. */
	if (bpf_prog_query(ifindex, direction == DIR_IN ? KERNEL_TCX_INGRESS : KERNEL_TCX_EGRESS, 0,
			   &flags, ids, &id_count))
		id_count = 0;
	for (__u32 i = 0; i < id_count && (priority || ids[i] != ours); i++)
		note(ret_programs, size, count++, "tcx", ids[i]);
	if (!priority)
		return count;
	walk.programs = ret_programs + (count < size ? count : size);
	walk.size = count < size ? size - count : 0;
	error = walk_filters(ifindex, direction, read_filter, &walk);
	return error ? error : (int)count + walk.count;
}

int hook_link_info(int link, uint32_t *ret_program, uint32_t *ret_ifindex)
{
	struct bpf_link_info info = {};
	__u32 length = sizeof(info);

	if (bpf_obj_get_info_by_fd(link, &info, &length))
		return -errno;
	*ret_program = info.prog_id;
	if (info.type == BPF_LINK_TYPE_XDP) {
		*ret_ifindex = info.xdp.ifindex;
	} else {
		struct kernel_link_info_tcx tcx;

		_Static_assert(sizeof(tcx) <= sizeof(info), "newer than the headers, not longer");
		memcpy(&tcx, &info, sizeof(tcx));
		*ret_ifindex = tcx.ifindex;
	}
	return 0;
}
