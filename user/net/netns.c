/* See netns.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net/netns.h"
#include "util/cleanup.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* asm-generic/socket.h, since 5.14 */
#endif

int netns_enter(const char *name, struct fault *fault)
{
	_cleanup_close_ int fd = -1;
	char path[4096];

	if (!name[0] || snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : "/run/netns/",
				 name) >= (int)sizeof(path))
		return fault_set(fault, -EINVAL, "'%.80s' is no name of a network namespace", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fault_set(fault, -errno,
				 "cannot open network namespace '%.200s': %s (names: ip netns "
				 "list; a path holds a '/')",
				 path, strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		return fault_set(fault, -errno, "cannot enter network namespace '%.200s': %s%s",
				 path, strerror(errno),
				 errno == EPERM	   ? " (needs CAP_SYS_ADMIN; try sudo)"
				 : errno == EINVAL ? " (the file is not a network namespace)"
						   : "");
	return 0;
}

int netns_remember(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -EIO : fd; /* not -ENOENT: that would read as "nothing there" */
}

int netns_return(int fd)
{
	return setns(fd, CLONE_NEWNET) ? -errno : 0;
}

int netns_identify(struct netns_id *ret_id)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct netns_id id = {};
	socklen_t length = sizeof(id.cookie);
	struct stat status;

	if (stat("/proc/self/ns/net", &status))
		return -EIO;
	id.inode = status.st_ino;
	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &id.cookie, &length))
		id.cookie = 0;
	*ret_id = id;
	return 0;
}

static bool enter_if_same(const char *path, const struct netns_id *id)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct netns_id here;

	if (fd < 0 || setns(fd, CLONE_NEWNET) || netns_identify(&here))
		return false;
	return id->cookie ? here.cookie == id->cookie : here.inode == id->inode;
}

static int search_directory(const char *format, const char *directory, bool numbers,
			    const struct netns_id *id)
{
	_cleanup_closedir_ DIR *stream = opendir(directory);
	struct dirent *entry;
	char path[512];

	while (stream && (entry = readdir(stream))) {
		if (entry->d_name[0] == '.' || (numbers && !isdigit(entry->d_name[0])))
			continue;
		snprintf(path, sizeof(path), format, entry->d_name);
		if (enter_if_same(path, id))
			return 0;
	}
	return -ENOENT;
}

int netns_enter_id(const struct netns_id *id)
{
	_cleanup_close_ int back = netns_remember();

	if (back < 0)
		return back;
	if (enter_if_same("/proc/self/ns/net", id) ||
	    !search_directory("/run/netns/%s", "/run/netns", false, id) ||
	    !search_directory("/proc/%s/ns/net", "/proc", true, id))
		return 0;
	netns_return(back);
	return -ENOENT;
}
