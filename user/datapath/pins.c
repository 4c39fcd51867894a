/* See pins.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "datapath/pins.h"
#include "util/cleanup.h"

bool bpffs_mounted(void)
{
	struct statfs fs;

	return !statfs(BPFFS_DIRECTORY, &fs) && fs.f_type == (__typeof__(fs.f_type))BPF_FS_MAGIC;
}

enum sameness { SAME, OTHER, UNKNOWN };

static enum sameness same_mounts_as(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (stat("/proc/self/ns/mnt", &ours) || stat(path, &theirs))
		return UNKNOWN;
	return ours.st_ino == theirs.st_ino ? SAME : OTHER;
}

/*
 * A bpffs mounted in a mount namespace of its own ends with that namespace, and
 * all pins with it. `ip netns exec` makes such a namespace, with a new /sys that
 * hides bpffs, for the program it runs: then our parent lives in another one.
 */
static int mount_bpffs(struct fault *fault)
{
	if (same_mounts_as(1) != SAME && same_mounts_as(getppid()) != SAME)
		return fault_set(
			fault, -ENODEV,
			"no bpffs at %s in this mount namespace, which ends with this "
			"command, and everything pinned with it; with `ip netns exec NAME`, "
			"use `portscribe attach -N NAME` from outside instead",
			BPFFS_DIRECTORY);
	if (mount("bpf", BPFFS_DIRECTORY, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700"))
		return fault_set(fault, -errno,
				 "no bpffs at %s and it cannot be mounted: %s (try: mount -t bpf "
				 "bpf %s)",
				 BPFFS_DIRECTORY, strerror(errno), BPFFS_DIRECTORY);
	return 0;
}

/* Open @path without following links; it must be ours, ours alone, and in bpffs. */
static int open_own_directory(const char *path, struct fault *fault)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;
	struct stat status;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return fault_set(fault, -errno, "cannot open '%s': %s%s", path,
				 errno == ELOOP || errno == ENOTDIR ? "not a directory"
								    : strerror(errno),
				 errno == EACCES ? " (needs root; try sudo)"
				 : errno == ELOOP || errno == ENOTDIR
					 ? " (portscribe did not make it: look at it, "
					   "then remove it)"
					 : "");
	if (fstat(fd, &status) || fstatfs(fd, &fs))
		return fault_set(fault, -errno, "cannot examine '%s': %s", path, strerror(errno));
	if (fs.f_type != (__typeof__(fs.f_type))BPF_FS_MAGIC)
		return fault_set(fault, -ENODEV, "'%s' is not in bpffs", path);
	if (status.st_uid != geteuid() || (status.st_mode & 077))
		return fault_set(fault, -EPERM,
				 "'%s' belongs to uid %u with mode %04o, not to us alone: another "
				 "user may have made it; look at it, then remove it",
				 path, status.st_uid, status.st_mode & 07777);
	return TAKE_FD(fd);
}

static int make_directory(const char *path, struct fault *fault)
{
	if (mkdir(path, 0700) && errno != EEXIST)
		return fault_set(fault, -errno, "cannot create '%s': %s", path, strerror(errno));
	return 0;
}

/*
 * Without bpffs nothing is pinned here; but where it is only hidden, as for a
 * program of `ip netns exec`, "nothing" would be a lie.
 */
static int check_bpffs(enum pins_mode mode, struct fault *fault)
{
	enum sameness first = same_mounts_as(1);

	if (bpffs_mounted())
		return 0;
	if (mode == PINS_CREATE)
		return mount_bpffs(fault);
	if (first == SAME || (first == UNKNOWN && same_mounts_as(getppid()) == SAME))
		return -ENOENT;
	return fault_set(
		fault, -ENODEV,
		"cannot tell: this mount namespace has no bpffs at %s; inside `ip netns exec "
		"NAME` it is hidden: use `portscribe ... -N NAME` from outside",
		BPFFS_DIRECTORY);
}

static int lock_parent(enum pins_mode mode, struct fault *fault)
{
	_cleanup_close_ int fd = -1;
	int error = check_bpffs(mode, fault);

	if (error)
		return error;
	/* The directory may be removed by a detach between opening and locking it. */
	for (;;) {
		struct stat locked, named;

		if (mode == PINS_CREATE) {
			error = make_directory(PINS_DIRECTORY, fault);
			if (error)
				return error;
		}
		if (fd >= 0)
			close(fd);
		fd = open_own_directory(PINS_DIRECTORY, fault);
		if (fd < 0)
			return TAKE_FD(fd);
		/* Readers need not wait: what they open is whole or absent, see pins_clear(). */
		if (flock(fd, mode == PINS_READ ? LOCK_SH | LOCK_NB : LOCK_EX) && mode != PINS_READ)
			return fault_set(fault, -errno, "cannot lock '%s': %s", PINS_DIRECTORY,
					 strerror(errno));
		if (!fstat(fd, &locked) && !lstat(PINS_DIRECTORY, &named) &&
		    locked.st_ino == named.st_ino)
			return TAKE_FD(fd);
		if (mode != PINS_CREATE)
			return -ENOENT;
	}
}

int pins_open(const struct netns_id *id, enum pins_mode mode, struct pins *ret_pins,
	      struct fault *fault)
{
	_cleanup_close_ int directory = -1;
	struct pins pins = { .lock = -1 };
	int error;

	if (id->cookie)
		snprintf(pins.path, sizeof(pins.path), PINS_DIRECTORY "/netns-%" PRIu64,
			 id->cookie);
	else
		snprintf(pins.path, sizeof(pins.path), PINS_DIRECTORY "/netns-ino-%" PRIu64,
			 id->inode);
	pins.lock = lock_parent(mode, fault);
	if (pins.lock < 0)
		return pins.lock;
	if (mode == PINS_CREATE) {
		error = make_directory(pins.path, fault);
		if (error)
			goto failed;
	}
	directory = open_own_directory(pins.path, fault);
	if (directory < 0) {
		error = TAKE_FD(directory);
		goto failed;
	}
	*ret_pins = pins;
	return 0;

failed:
	/* A detach killed at its last step leaves the empty parent. */
	if (mode == PINS_CHANGE && error == -ENOENT)
		rmdir(PINS_DIRECTORY);
	pins_close(&pins);
	return error;
}

void pins_close(struct pins *pins)
{
	if (pins->lock >= 0)
		close(pins->lock);
	pins->lock = -1;
}

struct pin_path pins_path(const struct pins *pins, const char *format, ...)
{
	struct pin_path path;
	int length = snprintf(path.text, sizeof(path.text), "%s/", pins->path);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(path.text + length, sizeof(path.text) - length, format, arguments);
	va_end(arguments);
	return path;
}

int pins_clear(const struct pins *pins, struct fault *fault)
{
	_cleanup_closedir_ DIR *stream = opendir(pins->path);
	struct dirent *entry;

	if (!stream)
		return fault_set(fault, -errno, "cannot read '%s': %s", pins->path,
				 strerror(errno));
	/* Without meta the rest is void: a kill from here on leaves nothing that looks whole. */
	unlinkat(dirfd(stream), "meta", 0);
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.')
			continue;
		if (unlinkat(dirfd(stream), entry->d_name, 0) && errno != ENOENT)
			return fault_set(fault, -errno, "cannot remove '%s/%s': %s", pins->path,
					 entry->d_name, strerror(errno));
	}
	return 0;
}

int pins_remove(const struct pins *pins, struct fault *fault)
{
	int error = pins_clear(pins, fault);

	if (error)
		return error == -ENOENT ? 0 : error;
	if (rmdir(pins->path) && errno != ENOENT)
		return fault_set(fault, -errno, "cannot remove '%s': %s", pins->path,
				 strerror(errno));
	rmdir(PINS_DIRECTORY); /* stays while another namespace counts */
	return 0;
}

int pins_list_read(struct pins_list *ret_list, struct fault *fault)
{
	_cleanup_closedir_ DIR *stream = NULL;
	struct pins_list list = {};
	struct dirent *entry;
	struct netns_id id;
	int fd;

	if (!bpffs_mounted()) {
		*ret_list = list;
		return 0;
	}
	fd = open_own_directory(PINS_DIRECTORY, fault);
	if (fd == -ENOENT) {
		*ret_list = list;
		return 0;
	}
	if (fd < 0)
		return fd;
	stream = fdopendir(fd);
	if (!stream) {
		close(fd);
		return -ENOMEM;
	}
	while ((entry = readdir(stream))) {
		char **grown;

		if (pins_parse_name(entry->d_name, &id))
			continue;
		grown = reallocarray(list.names, list.count + 1, sizeof(*grown));
		if (!grown)
			goto no_memory;
		list.names = grown;
		list.names[list.count] = strdup(entry->d_name);
		if (!list.names[list.count])
			goto no_memory;
		list.count++;
	}
	*ret_list = list;
	return 0;

no_memory:
	pins_list_release(&list);
	return -ENOMEM;
}

void pins_list_release(struct pins_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct pins_list){};
}

int pins_parse_name(const char *name, struct netns_id *ret_id)
{
	struct netns_id id = {};
	char rest;

	if (sscanf(name, "netns-ino-%" SCNu64 "%c", &id.inode, &rest) != 1 &&
	    sscanf(name, "netns-%" SCNu64 "%c", &id.cookie, &rest) != 1)
		return -EINVAL;
	*ret_id = id;
	return 0;
}
