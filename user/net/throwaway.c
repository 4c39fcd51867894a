/* See throwaway.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/netlink.h"
#include "net/netns.h"
#include "net/throwaway.h"
#include "util/cleanup.h"
#include "util/file.h"

#define STATUS_NO_NAMESPACE 101
#define STATUS_BROKEN	    102

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
}

/* In the new user namespace we are root, and nobody else is anybody. */
static int become_root(uid_t uid, gid_t gid)
{
	char map[32];
	int error = write_file("/proc/self/setgroups", "deny");

	if (error && error != -ENOENT)
		return error;
	snprintf(map, sizeof(map), "0 %u 1", uid);
	error = write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	return error ? error : write_file("/proc/self/gid_map", map);
}

/* Whether this is another namespace than @before, which nothing here may touch. */
static bool has_left(const struct netns_id *before)
{
	struct netns_id now;

	return !netns_identify(&now) && now.inode != before->inode;
}

static bool leave(const struct netns_id *before)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWNET)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET) || become_root(uid, gid))
			return false;
	}
	return has_left(before);
}

static _Noreturn void child_run(int (*work)(void *data, FILE *report), void *data, int report_fd,
				const struct netns_id *before)
{
	FILE *report;
	int status;

	/* Whoever waits for us may be killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!leave(before))
		_exit(STATUS_NO_NAMESPACE);
	report = fdopen(report_fd, "w");
	if (!report)
		_exit(STATUS_BROKEN);
	status = work(data, report);
	_exit(fflush(report) ? STATUS_BROKEN : status);
}

static int wait_for(pid_t child, struct fault *fault)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return fault_set(fault, -errno, "cannot wait for a process: %s",
					 strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) == STATUS_BROKEN)
		return fault_set(fault, -EIO, "the process that tried it did not end well");
	if (WEXITSTATUS(status) == STATUS_NO_NAMESPACE)
		return fault_set(fault, -EPERM, "no throwaway network namespace can be made here");
	return WEXITSTATUS(status);
}

static int report_read(int fd, char **ret_report, size_t *ret_length)
{
	_cleanup_fclose_ FILE *stream = lseek(fd, 0, SEEK_SET) ? NULL : fdopen(fd, "r");

	if (!stream) {
		int error = -errno;

		close(fd);
		return error;
	}
	return file_read_stream(stream, ret_report, ret_length);
}

int throwaway_run(int (*work)(void *data, FILE *report), void *data, char **ret_report,
		  size_t *ret_length, struct fault *fault)
{
	_cleanup_close_ int report = memfd_create("report", MFD_CLOEXEC);
	struct netns_id before;
	int error, status;
	pid_t child;

	if (report < 0)
		return fault_set(fault, -errno, "cannot make a file in memory: %s",
				 strerror(errno));
	error = netns_identify(&before);
	if (error)
		return fault_set(fault, error, "/proc does not tell the network namespace");
	fflush(NULL);
	child = fork();
	if (!child)
		child_run(work, data, report, &before);
	status = child < 0 ? fault_set(fault, -errno, "cannot make a process: %s", strerror(errno))
			   : wait_for(child, fault);
	if (status < 0)
		return status;
	error = report_read(TAKE_FD(report), ret_report, ret_length);
	return error ? fault_set(fault, error, "cannot read what was tried: %s", strerror(-error))
		     : status;
}

static int interface_make(const char *name, const char *kind)
{
	char buffer[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct nlattr *info;

	header->nlmsg_type = RTM_NEWLINK;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	mnl_nlmsg_put_extra_header(header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_str(header, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(header, info);
	return netlink_talk(NETLINK_ROUTE, header, NULL, NULL);
}

int throwaway_interface(const char *name)
{
	/* The first that this kernel has: dummy is often a module, and not always there. */
	static const char *const kinds[] = { "dummy", "bridge", "ifb", "veth" };
	int error = -EOPNOTSUPP;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		error = interface_make(name, kinds[i]);
		if (!error || error == -EEXIST)
			return 0;
	}
	return error;
}
