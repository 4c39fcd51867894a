/*
 * What /proc tells of one process that holds a listener. Apart from finding the
 * holders: it is read only of processes that were found.
 */
#ifndef PORTSCRIBE_LISTENER_PROCESS_H
#define PORTSCRIBE_LISTENER_PROCESS_H

#include "listeners/listener.h"

/*
 * Fill what @want asks for (LISTENER_WANT_*) of @owner, whose pid is set; and its
 * start where that is 0. Texts go into @arena. 0; -ESRCH where the process is gone,
 * or its pid is another's already; -EACCES where its executable may not be read: the
 * rest is filled; -ENOMEM. What was not read is "" or 0.
 */
int process_read(struct listener_owner *owner, unsigned int want, struct arena *arena);

/* All texts "", all else 0. */
void process_clear(struct listener_owner *owner);

/* The name and the start time of /proc/@pid/stat. 0, -ESRCH, -ENOMEM. */
int process_read_stat(uint32_t pid, struct arena *arena, struct listener_owner *owner);

/* The parts of process_read(), for who knows which processes have them in common. */
int process_read_exe(struct listener_owner *owner, struct arena *arena);
int process_read_groups(struct listener_owner *owner, struct arena *arena);
int process_read_cmdline(struct listener_owner *owner, struct arena *arena);

/* Whether the process still is the one that @owner was read of. */
bool process_is_same(const struct listener_owner *owner);

/* Inode of a process's PID namespace; 0 where it cannot be read. @pid "self": ours. */
uint64_t process_pidns(const char *pid);

/* Whether all processes of the machine are in sight: ours is the first PID namespace. */
bool process_sees_all(void);

#endif
