/*
 * The guard of unpinned clsact filters: a process that outlives ours by a
 * moment. Needed only where the kernel has no tcx (before 6.6), since links end
 * with the process that holds them and filters do not.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datapath/internal.h"
#include "util/cleanup.h"

/* Descriptors of links would keep them attached: close all but the pipe. */
static void close_others(int keep)
{
	long limit = sysconf(_SC_OPEN_MAX);

#ifdef SYS_close_range
	if (!syscall(SYS_close_range, 0, keep - 1, 0) &&
	    !syscall(SYS_close_range, keep + 1, ~0U, 0))
		return;
#endif
	for (int fd = 0; fd < limit; fd++)
		if (fd != keep)
			close(fd);
}

static void clean_up(const struct datapath *datapath)
{
	/* meta is shared memory: what our late parent recorded is there. */
	for (int slot = 1; slot < IFACE_SLOTS; slot++) {
		const struct meta_iface *iface = &datapath->meta->ifaces[slot];

		if (!iface->ifindex)
			continue;
		for (int direction = 0; direction < DIR_COUNT; direction++)
			hook_sweep_clsact(iface->ifindex, direction, datapath->filter_handle);
		if (iface->made_qdisc)
			hook_remove_empty_clsact(iface->ifindex);
	}
}

static _Noreturn void guard(const struct datapath *datapath, int pipe)
{
	sigset_t all;
	char byte;

	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "portscribe-tidy");
	close_others(pipe);
	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
	clean_up(datapath);
	_exit(0);
}

int datapath_guard(struct datapath *datapath)
{
	int ends[2];

	if (datapath->guard_pipe >= 0)
		return 0;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	datapath->guard = fork();
	if (datapath->guard < 0) {
		int error = -errno;

		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (!datapath->guard) {
		close(ends[1]);
		guard(datapath, ends[0]);
	}
	close(ends[0]);
	datapath->guard_pipe = ends[1];
	return 0;
}

void datapath_unguard(struct datapath *datapath)
{
	if (datapath->guard_pipe < 0)
		return;
	close(datapath->guard_pipe);
	datapath->guard_pipe = -1;
	while (waitpid(datapath->guard, NULL, 0) < 0 && errno == EINTR)
		;
}
