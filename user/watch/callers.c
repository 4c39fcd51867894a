/* See callers.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "listeners/process.h"
#include "util/arena.h"
#include "watch/callers.h"

#define CALLERS	       32
#define REMEMBERED_NS  1000000000ULL /* it may change its name */
#define NS_OF_A_SECOND 1000000000ULL

struct caller {
	uint64_t started, read_ns, cgroup;
	uint32_t pid, execs;
	struct listener_owner owner;
	struct arena arena;
};

struct callers {
	struct caller known[CALLERS]; /* by pid; a second one of the same place replaces it */
	struct caller gone;
	unsigned int want;
	uint64_t tick_ns; /* of the start in /proc/PID/stat */
	bool in_sight;	  /* the numbers in events are ours */
};

int callers_new(unsigned int want, struct callers **ret_callers)
{
	struct callers *callers = calloc(1, sizeof(*callers));
	long ticks = sysconf(_SC_CLK_TCK);

	if (!callers)
		return -ENOMEM;
	callers->want = want;
	callers->tick_ns = NS_OF_A_SECOND / (ticks > 0 ? ticks : 100);
	callers->in_sight = process_sees_all();
	*ret_callers = callers;
	return 0;
}

void callers_free(struct callers *callers)
{
	if (!callers)
		return;
	for (size_t i = 0; i < CALLERS; i++)
		arena_release(&callers->known[i].arena);
	arena_release(&callers->gone.arena);
	free(callers);
}

static bool remembers(const struct caller *caller, const struct socket_event *event)
{
	return caller->pid == event->pid && caller->started == event->started &&
	       caller->execs == event->execs && caller->cgroup == event->cgroup &&
	       event->time_ns < caller->read_ns + REMEMBERED_NS;
}

static void begin(struct caller *caller, const struct socket_event *event)
{
	arena_release(&caller->arena);
	process_clear(&caller->owner);
	caller->owner.pid = event->pid;
	caller->pid = event->pid;
	caller->started = event->started;
	caller->execs = event->execs;
	caller->cgroup = event->cgroup;
	caller->read_ns = event->time_ns;
}

/* 0, -ESRCH or -ENOMEM. */
static int read_now(const struct callers *callers, struct caller *caller,
		    const struct socket_event *event)
{
	int error;

	begin(caller, event);
	error = process_read(&caller->owner, callers->want, &caller->arena);
	if (error == -EACCES) /* the rest is there */
		error = 0;
	if (!error && caller->owner.start != event->started / callers->tick_ns)
		error = -ESRCH; /* another of the same number */
	if (error)
		caller->pid = 0;
	return error;
}

static int tell_from_event(struct callers *callers, const struct socket_event *event)
{
	struct caller *gone = &callers->gone;
	const char *name;

	begin(gone, event);
	name = arena_copy(&gone->arena, event->comm, strnlen(event->comm, sizeof(event->comm)));
	if (!name)
		return -ENOMEM;
	gone->owner.name = name;
	gone->owner.start = event->started / callers->tick_ns;
	gone->owner.pidns_foreign = !callers->in_sight;
	return 0;
}

int callers_find(struct callers *callers, const struct socket_event *event,
		 const struct listener_owner **ret_owner)
{
	struct caller *caller = &callers->known[event->pid % CALLERS];
	int error = -ESRCH;

	if (callers->in_sight)
		error = remembers(caller, event) ? 0 : read_now(callers, caller, event);
	if (error == -ESRCH) {
		caller = &callers->gone;
		error = tell_from_event(callers, event);
	}
	if (!error)
		*ret_owner = &caller->owner;
	return error;
}
