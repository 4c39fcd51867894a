/* See hooks.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "events.skel.h"
#include "util/cleanup.h"
#include "util/system.h"
#include "watch/hooks.h"

#define CAPABILITIES_STATES (CAPABILITY(CAP_BPF) | CAPABILITY(CAP_PERFMON))
#define CAPABILITIES_BINDS  (CAPABILITIES_STATES | CAPABILITY(CAP_NET_ADMIN))

struct hooks {
	struct events_bpf *skeleton;
	struct ring_buffer *ring;
	int (*take)(void *data, const struct socket_event *event);
	void *data;
};

static int receive(void *context, void *record, size_t size)
{
	struct hooks *hooks = context;

	return size < sizeof(struct socket_event) ? 0 : hooks->take(hooks->data, record);
}

/* ---- loading ---- */

static uint32_t ring_size(uint64_t wanted)
{
	uint64_t size = getpagesize();

	if (!wanted)
		wanted = HOOKS_RING_DEFAULT;
	while (size < wanted && size < HOOKS_RING_MAX)
		size *= 2;
	return size;
}

static struct events_bpf *load(const struct hooks_options *options, bool states, bool binds,
			       int *ret_error)
{
	struct events_bpf *skeleton = events_bpf__open();
	int error;

	if (!skeleton) {
		*ret_error = -errno;
		return NULL;
	}
	skeleton->rodata->has_cookies = kernel_at_least(5, 12);
	if (options->quiet_udp)
		memcpy((void *)skeleton->rodata->quiet_udp, options->quiet_udp,
		       sizeof(skeleton->rodata->quiet_udp));
	bpf_program__set_autoload(skeleton->progs.state_changed, states);
	bpf_program__set_autoload(skeleton->progs.bind_4, binds);
	bpf_program__set_autoload(skeleton->progs.bind_6, binds);
	bpf_program__set_autoload(skeleton->progs.released, binds);
	error = bpf_map__set_max_entries(skeleton->maps.events, ring_size(options->ring));
	if (!error)
		error = events_bpf__load(skeleton);
	if (!error)
		return skeleton;
	events_bpf__destroy(skeleton);
	*ret_error = error;
	return NULL;
}

/* ---- attaching ---- */

/* The unified hierarchy's root, wherever it is mounted. */
static int cgroup_root_open(void)
{
	_cleanup_fclose_ FILE *mounts = fopen("/proc/self/mounts", "re");
	char path[4096], type[64], line[8192];

	while (mounts && fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*s %4095s %63s", path, type) == 2 && !strcmp(type, "cgroup2"))
			return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	errno = ENOENT;
	return -1;
}

static int attach_states(struct hooks *hooks)
{
	struct events_bpf *skeleton = hooks->skeleton;

	skeleton->links.state_changed = bpf_program__attach(skeleton->progs.state_changed);
	return skeleton->links.state_changed ? 0 : -errno;
}

static int attach_binds(struct hooks *hooks, int cgroup)
{
	struct events_bpf *skeleton = hooks->skeleton;
	const struct {
		struct bpf_program *program;
		struct bpf_link **link;
	} parts[] = {
		{ skeleton->progs.released, &skeleton->links.released },
		{ skeleton->progs.bind_4, &skeleton->links.bind_4 },
		{ skeleton->progs.bind_6, &skeleton->links.bind_6 },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		*parts[i].link = bpf_program__attach_cgroup(parts[i].program, cgroup);
		if (!*parts[i].link)
			return -errno;
	}
	return 0;
}

/* ---- what is missing ---- */

static bool lacks(uint64_t capabilities, const char *what, struct fault *fault)
{
	char missing[128];

	if (!capabilities_missing(capabilities, missing, sizeof(missing)))
		return false;
	fault_set(fault, -EPERM, "%s: needs %s (try sudo)", what, missing);
	return true;
}

static void refused(int error, const char *what, struct fault *fault)
{
	if (!fault->text[0])
		fault_set(fault, error, "%s: the kernel refuses the program: %s", what,
			  strerror(-error));
}

static const char states_are[] = "TCP and SCTP listeners cannot be told of by the kernel";
static const char binds_are[] = "UDP sockets cannot be told of by the kernel";

static void check(struct hooks_missing *missing, int cgroup)
{
	bool typed = !access("/sys/kernel/btf/vmlinux", R_OK);
	static const char no_types[] =
		"%s: it does not describe itself (/sys/kernel/btf/vmlinux; CONFIG_DEBUG_INFO_BTF)";

	if (!lacks(CAPABILITIES_STATES, states_are, &missing->states) && !typed)
		fault_set(&missing->states, -ENOENT, no_types, states_are);
	if (lacks(CAPABILITIES_BINDS, binds_are, &missing->binds))
		return;
	if (!typed)
		fault_set(&missing->binds, -ENOENT, no_types, binds_are);
	else if (cgroup < 0)
		fault_set(&missing->binds, -ENOENT,
			  "%s: no unified cgroup hierarchy is mounted here (mount -t cgroup2 "
			  "cgroup2 /sys/fs/cgroup)",
			  binds_are);
}

/* All, or what of it the kernel takes; none is no error but a want of memory. */
static int load_parts(const struct hooks_options *options, struct hooks *hooks,
		      struct hooks_missing *missing)
{
	bool states = !missing->states.text[0], binds = !missing->binds.text[0];
	int error = 0;

	if (!states && !binds)
		return 0;
	hooks->skeleton = load(options, states, binds, &error);
	if (!hooks->skeleton && states && binds) {
		int alone = 0;

		hooks->skeleton = load(options, true, false, &alone);
		if (hooks->skeleton)
			refused(error, binds_are, &missing->binds);
		else
			refused(alone, states_are, &missing->states);
		if (!hooks->skeleton)
			hooks->skeleton = load(options, false, true, &error);
	}
	if (!hooks->skeleton) {
		refused(error, states_are, &missing->states);
		refused(error, binds_are, &missing->binds);
	}
	return error == -ENOMEM ? error : 0;
}

static int attach_parts(struct hooks *hooks, struct hooks_missing *missing, int cgroup)
{
	int error;

	if (!hooks->skeleton)
		return 0;
	hooks->ring =
		ring_buffer__new(bpf_map__fd(hooks->skeleton->maps.events), receive, hooks, NULL);
	if (!hooks->ring)
		return -errno;
	error = missing->states.text[0] ? 0 : attach_states(hooks);
	if (error)
		refused(error, states_are, &missing->states);
	error = missing->binds.text[0] ? 0 : attach_binds(hooks, cgroup);
	if (error)
		refused(error, binds_are, &missing->binds);
	return 0;
}

int hooks_open(const struct hooks_options *options, struct hooks **ret_hooks,
	       struct hooks_missing *ret_missing)
{
	_cleanup_close_ int cgroup = cgroup_root_open();
	struct hooks *hooks = calloc(1, sizeof(*hooks));
	struct hooks_missing missing = {};
	int error;

	if (!hooks)
		return -ENOMEM;
	libbpf_set_print(NULL);
	check(&missing, cgroup);
	error = load_parts(options, hooks, &missing);
	if (!error)
		error = attach_parts(hooks, &missing, cgroup);
	if (error) {
		hooks_close(hooks);
		return error;
	}
	*ret_hooks = hooks;
	*ret_missing = missing;
	return 0;
}

void hooks_close(struct hooks *hooks)
{
	if (!hooks)
		return;
	ring_buffer__free(hooks->ring);
	events_bpf__destroy(hooks->skeleton);
	free(hooks);
}

/* ---- reading ---- */

int hooks_fd(const struct hooks *hooks)
{
	return hooks->ring ? ring_buffer__epoll_fd(hooks->ring) : -1;
}

int hooks_drain(struct hooks *hooks, int (*take)(void *data, const struct socket_event *event),
		void *data)
{
	int result;

	if (!hooks->ring)
		return 0;
	hooks->take = take;
	hooks->data = data;
	result = ring_buffer__consume(hooks->ring);
	return result < 0 ? result : 0;
}

uint64_t hooks_lost(const struct hooks *hooks)
{
	return hooks->skeleton ? __atomic_load_n(&hooks->skeleton->bss->lost, __ATOMIC_RELAXED) : 0;
}

bool hooks_follow(struct hooks *hooks, uint64_t cookie)
{
	uint8_t value = 1;

	return hooks->skeleton && !bpf_map_update_elem(bpf_map__fd(hooks->skeleton->maps.bound),
						       &cookie, &value, BPF_ANY);
}
