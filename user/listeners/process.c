/* See process.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listeners/cgroup.h"
#include "listeners/container.h"
#include "listeners/process.h"
#include "util/cleanup.h"

/* include/linux/proc_ns.h: PROC_PID_INIT_INO, an interface since Linux 3.8. */
#define FIRST_PIDNS 0xEFFFFFFCU

/* A command line may be megabytes; who it is shows at its beginning. */
#define CMDLINE_MAX 4096
#define CUT	    " ..."

void process_clear(struct listener_owner *owner)
{
	*owner = (struct listener_owner){
		.name = "", .exe = "", .cmdline = "", .unit = "", .container = ""
	};
}

/* Of a file of /proc/PID at most @size bytes. How many, -ESRCH, -EACCES or -EIO. */
static ssize_t read_proc(uint32_t pid, const char *name, char *target, size_t size)
{
	_cleanup_close_ int fd = -1;
	char path[64];
	size_t used = 0;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? -ESRCH : -EACCES;
	while (used < size) {
		ssize_t got = read(fd, target + used, size - used);

		if (got < 0)
			return errno == ESRCH ? -ESRCH : -EIO;
		if (!got)
			break;
		used += got;
	}
	return used;
}

static int keep(struct arena *arena, const char *text, size_t length, const char **ret_copy)
{
	const char *copy = arena_copy(arena, text, length);

	if (!copy)
		return -ENOMEM;
	*ret_copy = copy;
	return 0;
}

/* PID (NAME) STATE ...: a name may hold blanks and ')', so the last one ends it. */
static int parse_stat(const char *text, size_t length, struct slice *ret_name, uint64_t *ret_start)
{
	const char *open = memchr(text, '(', length), *close = memrchr(text, ')', length);
	const char *at = close;
	char *end;

	if (!open || !close || close < open)
		return -EINVAL;
	/* The start is field 22 of proc(5), the state behind the name field 3. */
	for (int field = 2; field < 22; field++) {
		at = strchr(at + 1, ' ');
		if (!at)
			return -EINVAL;
	}
	*ret_start = strtoull(at + 1, &end, 10);
	*ret_name = (struct slice){ open + 1, close - open - 1 };
	return end == at + 1 ? -EINVAL : 0;
}

static int read_stat(uint32_t pid, char *text, size_t size, struct slice *ret_name,
		     uint64_t *ret_start)
{
	ssize_t length = read_proc(pid, "stat", text, size - 1);

	if (length < 0)
		return -ESRCH;
	text[length] = '\0';
	return parse_stat(text, length, ret_name, ret_start) ? -ESRCH : 0;
}

int process_read_stat(uint32_t pid, struct arena *arena, struct listener_owner *owner)
{
	char text[1024];
	struct slice name;
	uint64_t start;
	int error = read_stat(pid, text, sizeof(text), &name, &start);

	if (!error)
		error = keep(arena, name.text, name.length, &owner->name);
	if (!error)
		owner->start = start;
	return error;
}

bool process_is_same(const struct listener_owner *owner)
{
	char text[1024];
	struct slice name;
	uint64_t start;

	return !read_stat(owner->pid, text, sizeof(text), &name, &start) && start == owner->start;
}

/*
 * A path is as its process's mounts have it. It is ours where the same file is there
 * for us; of a file that is gone, where the directory is on the same file system.
 */
static bool is_foreign(const char *link, const char *path, bool deleted)
{
	char directory[PATH_MAX];
	struct stat running, ours;
	const char *slash = strrchr(path, '/');

	if (!slash || stat(link, &running))
		return true;
	if (!deleted)
		return stat(path, &ours) || ours.st_dev != running.st_dev ||
		       ours.st_ino != running.st_ino;
	snprintf(directory, sizeof(directory), "%.*s", (int)(slash == path ? 1 : slash - path),
		 path);
	return stat(directory, &ours) || ours.st_dev != running.st_dev;
}

int process_read_exe(struct listener_owner *owner, struct arena *arena)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%u/exe", owner->pid);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < 0)
		return errno == EACCES || errno == EPERM ? -EACCES : -ESRCH;
	path[length] = '\0';
	owner->exe_deleted = (size_t)length > tail && !strcmp(path + length - tail, deleted);
	if (owner->exe_deleted)
		path[length -= tail] = '\0';
	owner->exe_foreign = is_foreign(link, path, owner->exe_deleted);
	return keep(arena, path, length, &owner->exe);
}

static int keep_pod(const struct cgroup_meaning *meaning, struct arena *arena, const char **ret)
{
	char text[160];

	/* systemd's driver cannot have '-' in the names of slices. */
	snprintf(text, sizeof(text), "%.*s/%.12s", SLICE_ARGS(meaning->pod),
		 meaning->container.text);
	for (char *at = strchr(text, '_'); at; at = strchr(at, '_'))
		*at = '-';
	return keep(arena, text, strlen(text), ret);
}

#define ID_SHORT  12 /* digits of a container's id that its tools show */
#define ID_LENGTH 64

/* By name where it has one, else by the start of its id. */
static int keep_container(const struct cgroup_meaning *meaning, struct listener_owner *owner,
			  struct arena *arena)
{
	_cleanup_free_ char *name = NULL;
	struct slice id = meaning->container;

	if (meaning->kind == CONTAINER_KUBERNETES)
		return keep_pod(meaning, arena, &owner->container);
	name = container_name(meaning->kind, id);
	owner->container_named =
		name || meaning->kind == CONTAINER_LXC || meaning->kind == CONTAINER_NSPAWN;
	if (name)
		return keep(arena, name, strlen(name), &owner->container);
	if (!owner->container_named && id.length == ID_LENGTH)
		id.length = ID_SHORT;
	return keep(arena, id.text, id.length, &owner->container);
}

static int keep_groups(const struct cgroup_meaning *meaning, struct listener_owner *owner,
		       struct arena *arena)
{
	char unit[512];
	int length = snprintf(unit, sizeof(unit), "%.*s%s%.*s", SLICE_ARGS(meaning->unit),
			      meaning->user_unit.length ? "/" : "", SLICE_ARGS(meaning->user_unit));
	int error = 0;

	if (length > 0)
		error = keep(arena, unit, strlen(unit), &owner->unit);
	owner->container_kind = meaning->kind;
	if (error || meaning->kind == CONTAINER_NONE)
		return error;
	return keep_container(meaning, owner, arena);
}

int process_read_groups(struct listener_owner *owner, struct arena *arena)
{
	struct cgroup_meaning meaning;
	char text[8192];
	ssize_t length = read_proc(owner->pid, "cgroup", text, sizeof(text));

	if (length < 0)
		return -ESRCH;
	cgroup_understand(text, length, &meaning);
	return keep_groups(&meaning, owner, arena);
}

int process_read_cmdline(struct listener_owner *owner, struct arena *arena)
{
	char text[CMDLINE_MAX + sizeof(CUT)];
	ssize_t length = read_proc(owner->pid, "cmdline", text, CMDLINE_MAX);
	bool cut = length == CMDLINE_MAX;

	if (length < 0)
		return -ESRCH;
	while (length && !text[length - 1])
		length--;
	for (ssize_t i = 0; i < length; i++)
		if (!text[i])
			text[i] = ' ';
	if (cut) {
		memcpy(text + length, CUT, strlen(CUT));
		length += strlen(CUT);
	}
	return keep(arena, text, length, &owner->cmdline);
}

uint64_t process_pidns(const char *pid)
{
	char path[64], text[64];
	unsigned long long inode;
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/pid", pid);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 0)
		return 0;
	text[length] = '\0';
	return sscanf(text, "pid:[%llu]", &inode) == 1 ? inode : 0;
}

bool process_sees_all(void)
{
	return process_pidns("self") == FIRST_PIDNS;
}

int process_read(struct listener_owner *owner, unsigned int want, struct arena *arena)
{
	char pid[16];
	int error = 0, denied = 0;

	snprintf(pid, sizeof(pid), "%u", owner->pid);
	if (!owner->start)
		error = process_read_stat(owner->pid, arena, owner);
	if (!error && want & LISTENER_WANT_EXE)
		error = process_read_exe(owner, arena);
	/* Of a kernel thread there is none. */
	if (error == -EACCES || (error == -ESRCH && process_is_same(owner))) {
		denied = error == -EACCES ? error : 0;
		error = 0;
	}
	if (!error && want & LISTENER_WANT_UNIT)
		error = process_read_groups(owner, arena);
	if (!error && want & LISTENER_WANT_CMDLINE)
		error = process_read_cmdline(owner, arena);
	if (!error && !owner->pidns)
		owner->pidns = process_pidns(pid);
	owner->pidns_foreign = owner->pidns && owner->pidns != process_pidns("self");
	if (!error && !process_is_same(owner))
		error = -ESRCH;
	return error ? error : denied;
}
