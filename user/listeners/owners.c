/* See owners.h. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "listeners/owners.h"
#include "listeners/process.h"
#include "util/cleanup.h"
#include "util/lookup.h"
#include "util/system.h"

struct holder {
	struct listener_owner owner;
	uint64_t cgroups, exe[2]; /* struct owner_record; 0: not known */
};

struct holding {
	uint32_t listener, pid;
};

struct search {
	struct listeners *listeners;
	struct lookup by_inode, by_pid;
	struct holder *holders; /* owned, like all below */
	size_t holder_count, holder_room;
	struct holding *holdings;
	size_t holding_count, holding_room;
	uint32_t *foreign; /* inodes of namespaces that are not in the snapshot */
	size_t foreign_count;
	size_t denied; /* processes that may not be looked at */
	uint64_t pidns;
};

static void search_release(struct search *search)
{
	lookup_release(&search->by_inode);
	lookup_release(&search->by_pid);
	free(search->holders);
	free(search->holdings);
	free(search->foreign);
}

/* ---- finding ---- */

static int add_holder(struct search *search, const struct owner_record *record)
{
	struct holder *holder;

	if (lookup_find(&search->by_pid, record->pid))
		return 0;
	if (search->holder_count == search->holder_room) {
		size_t room = search->holder_room * 2 + 64;
		struct holder *grown = reallocarray(search->holders, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		search->holders = grown;
		search->holder_room = room;
	}
	holder = &search->holders[search->holder_count];
	*holder = (struct holder){ .cgroups = record->cgroups,
				   .exe = { record->exe[0], record->exe[1] } };
	process_clear(&holder->owner);
	holder->owner.pid = record->pid;
	holder->owner.pidns = record->pidns;
	holder->owner.start = record->start_ns / (1000000000ULL / sysconf(_SC_CLK_TCK));
	holder->owner.name = arena_copy(&search->listeners->arena, record->name,
					strnlen(record->name, sizeof(record->name)));
	if (!holder->owner.name)
		return -ENOMEM;
	return lookup_add(&search->by_pid, record->pid, ++search->holder_count);
}

static int add_holding(struct search *search, uint32_t listener, uint32_t pid)
{
	if (search->holding_count == search->holding_room) {
		size_t room = search->holding_room * 2 + 64;
		struct holding *grown = reallocarray(search->holdings, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		search->holdings = grown;
		search->holding_room = room;
	}
	search->holdings[search->holding_count++] = (struct holding){ listener, pid };
	return 0;
}

static int add_foreign(struct search *search, uint32_t netns)
{
	uint32_t *grown;

	for (size_t i = 0; i < search->listeners->netns_count; i++)
		if (search->listeners->netns[i].id.inode == netns)
			return 0;
	for (size_t i = 0; i < search->foreign_count; i++)
		if (search->foreign[i] == netns)
			return 0;
	grown = reallocarray(search->foreign, search->foreign_count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	search->foreign = grown;
	grown[search->foreign_count++] = netns;
	return 0;
}

static int take_record(const struct owner_record *record, void *data)
{
	struct search *search = data;
	uint32_t index = lookup_find(&search->by_inode, record->inode);
	int error;

	if (!index)
		return record->netns ? add_foreign(search, record->netns) : 0;
	error = add_holder(search, record);
	return error ? error : add_holding(search, index - 1, record->pid);
}

/* ---- through /proc ---- */

/* The name of a descriptor that is a socket is "socket:[INODE]". False: it is none. */
static bool read_descriptor(int directory, const char *name, uint32_t *ret_inode, bool *ret_denied)
{
	char link[64];
	ssize_t length = readlinkat(directory, name, link, sizeof(link) - 1);

	*ret_denied = length < 0 && (errno == EACCES || errno == EPERM);
	if (length < 0)
		return false;
	link[length] = '\0';
	return sscanf(link, "socket:[%u]", ret_inode) == 1;
}

/* Of @pid, which has them under @path. */
static int walk_descriptors(struct search *search, const char *path, uint32_t pid)
{
	_cleanup_closedir_ DIR *descriptors = opendir(path);
	struct dirent *entry;
	int error = 0;

	if (!descriptors) {
		search->denied += errno == EACCES || errno == EPERM;
		return 0;
	}
	while (!error && (entry = readdir(descriptors))) {
		struct owner_record record = { .pid = pid };
		bool denied;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (read_descriptor(dirfd(descriptors), entry->d_name, &record.inode, &denied))
			error = take_record(&record, search);
		search->denied += denied;
		if (denied)
			break;
	}
	return error;
}

static int walk_process(struct search *search, uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	return walk_descriptors(search, path, pid);
}

/* Threads that have descriptors of their own (CLONE_FILES), or whose process's first has ended. */
static int walk_threads(struct search *search, uint32_t pid)
{
	_cleanup_closedir_ DIR *threads = NULL;
	char path[64];
	struct dirent *entry;
	int error = 0;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	threads = opendir(path);
	while (threads && !error && (entry = readdir(threads))) {
		uint32_t thread = strtoul(entry->d_name, NULL, 10);

		if (!thread || thread == pid || !syscall(SYS_kcmp, pid, thread, KCMP_FILES, 0, 0))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%u/fd", pid, thread);
		error = walk_descriptors(search, path, pid);
	}
	return error;
}

static int walk_proc(struct search *search, int (*walk)(struct search *search, uint32_t pid))
{
	_cleanup_closedir_ DIR *proc = opendir("/proc");
	struct dirent *entry;
	int error = proc ? 0 : -EIO;

	while (!error && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			error = walk(search, strtoul(entry->d_name, NULL, 10));
	return error;
}

static bool all_held(const struct search *search)
{
	size_t count = search->listeners->count, held = 0;
	_cleanup_free_ bool *is_held = calloc(count + 1, sizeof(*is_held));

	for (size_t i = 0; is_held && i < search->holding_count; i++) {
		held += !is_held[search->holdings[i].listener];
		is_held[search->holdings[i].listener] = true;
	}
	return held == count;
}

/* Threads seldom hold what their process does not: only where somebody is missing. */
static int walk_all(struct search *search)
{
	int error = walk_proc(search, walk_process);

	return error || all_held(search) ? error : walk_proc(search, walk_threads);
}

/*
 * A process that is hidden (hidepid of proc(5)) does not even show that it cannot be
 * read; who may trace is not hidden from.
 */
static bool saw_all(const struct search *search, bool iterated)
{
	char missing[64];

	if (!process_sees_all())
		return false;
	return iterated || (!search->denied && !capabilities_missing(CAPABILITY(CAP_SYS_PTRACE),
								     missing, sizeof(missing)));
}

/* ---- the facts of the processes ---- */

static int by_exe(const void *a, const void *b)
{
	const struct holder *x = *(struct holder *const *)a, *y = *(struct holder *const *)b;

	if (x->exe[0] != y->exe[0])
		return x->exe[0] > y->exe[0] ? 1 : -1;
	return (x->exe[1] > y->exe[1]) - (x->exe[1] < y->exe[1]);
}

static int by_cgroups(const void *a, const void *b)
{
	const struct holder *x = *(struct holder *const *)a, *y = *(struct holder *const *)b;

	return (x->cgroups > y->cgroups) - (x->cgroups < y->cgroups);
}

/* A fact that processes with equal keys have in common: read of one, copied to the rest. */
struct shared_fact {
	int (*compare)(const void *a, const void *b);
	bool (*has_key)(const struct holder *holder);
	int (*read)(struct listener_owner *owner, struct arena *arena);
	void (*copy)(struct listener_owner *to, const struct listener_owner *from);
};

static bool has_exe(const struct holder *holder)
{
	return holder->exe[0];
}

static bool has_cgroups(const struct holder *holder)
{
	return holder->cgroups;
}

static void copy_exe(struct listener_owner *to, const struct listener_owner *from)
{
	to->exe = from->exe;
	to->exe_deleted = from->exe_deleted;
	to->exe_foreign = from->exe_foreign;
}

static void copy_groups(struct listener_owner *to, const struct listener_owner *from)
{
	to->unit = from->unit;
	to->container = from->container;
	to->container_kind = from->container_kind;
	to->container_named = from->container_named;
}

static const struct shared_fact executable = { by_exe, has_exe, process_read_exe, copy_exe };
static const struct shared_fact groups = { by_cgroups, has_cgroups, process_read_groups,
					   copy_groups };

/* 0, -EACCES, -ENOMEM; a process that is gone, or is another already, has no facts. */
static int read_fact(const struct shared_fact *fact, struct holder *holder, struct arena *arena,
		     bool *ret_good)
{
	struct listener_owner nothing;
	int error = fact->read(&holder->owner, arena);

	*ret_good = !error && process_is_same(&holder->owner);
	if (!error && !*ret_good) {
		process_clear(&nothing);
		fact->copy(&holder->owner, &nothing);
	}
	return error == -ESRCH ? 0 : error;
}

static int read_shared(struct search *search, const struct shared_fact *fact, size_t *ret_denied)
{
	_cleanup_free_ struct holder **order = calloc(search->holder_count + 1, sizeof(*order));
	const struct holder *good = NULL;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < search->holder_count; i++)
		order[i] = &search->holders[i];
	qsort(order, search->holder_count, sizeof(*order), fact->compare);
	for (size_t i = 0; i < search->holder_count; i++) {
		bool is_good = true;
		int error = 0;

		if (good && fact->has_key(order[i]) && !fact->compare(&order[i], &good))
			fact->copy(&order[i]->owner, &good->owner);
		else
			error = read_fact(fact, order[i], &search->listeners->arena, &is_good);
		if (error == -ENOMEM)
			return error;
		*ret_denied += error != 0;
		if (is_good)
			good = order[i];
	}
	return 0;
}

/* Of what the walk through /proc has found only the number is known. */
static int read_rest(struct search *search, unsigned int want)
{
	struct arena *arena = &search->listeners->arena;

	for (size_t i = 0; i < search->holder_count; i++) {
		struct listener_owner *owner = &search->holders[i].owner;
		char pid[16];
		int error = 0;

		snprintf(pid, sizeof(pid), "%u", owner->pid);
		if (!owner->start)
			error = process_read_stat(owner->pid, arena, owner);
		if (!owner->pidns)
			owner->pidns = process_pidns(pid);
		owner->pidns_foreign =
			owner->pidns && search->pidns && owner->pidns != search->pidns;
		if (error != -ENOMEM && want & LISTENER_WANT_CMDLINE)
			error = process_read_cmdline(owner, arena);
		if (error == -ENOMEM)
			return error;
	}
	return 0;
}

static int read_facts(struct search *search, unsigned int want)
{
	size_t *denied = &search->listeners->gaps.executables, ignored = 0;
	int error = read_rest(search, want);

	if (!error && want & LISTENER_WANT_EXE)
		error = read_shared(search, &executable, denied);
	if (!error && want & LISTENER_WANT_UNIT)
		error = read_shared(search, &groups, &ignored);
	return error;
}

/* ---- giving the listeners their owners ---- */

static int by_pid(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	return (x->owner.pid > y->owner.pid) - (x->owner.pid < y->owner.pid);
}

static int by_listener(const void *a, const void *b)
{
	const struct holding *x = a, *y = b;

	if (x->listener != y->listener)
		return x->listener > y->listener ? 1 : -1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Sorted and each once: a process may hold a socket by several descriptors. */
static void sort_holdings(struct search *search)
{
	struct holding *holdings = search->holdings;
	size_t kept = 0;

	if (search->holding_count)
		qsort(holdings, search->holding_count, sizeof(*holdings), by_listener);
	for (size_t i = 0; i < search->holding_count; i++)
		if (!kept || by_listener(&holdings[kept - 1], &holdings[i]))
			holdings[kept++] = holdings[i];
	search->holding_count = kept;
}

/* The snapshot takes over the processes, in the order of their numbers. */
static int hand_over(struct search *search)
{
	struct listeners *listeners = search->listeners;
	size_t count = search->holder_count;

	listeners->processes = calloc(count + 1, sizeof(*listeners->processes));
	listeners->lists = calloc(search->holding_count + 1, sizeof(*listeners->lists));
	if (!listeners->processes || !listeners->lists)
		return -ENOMEM;
	if (count)
		qsort(search->holders, count, sizeof(*search->holders), by_pid);
	for (size_t i = 0; i < count; i++) {
		listeners->processes[i] = search->holders[i].owner;
		lookup_add(&search->by_pid, search->holders[i].owner.pid, i + 1);
	}
	listeners->process_count = count;
	for (size_t i = 0; i < search->holding_count; i++) {
		const struct holding *holding = &search->holdings[i];
		struct listener *listener = &listeners->items[holding->listener];
		uint32_t process = lookup_find(&search->by_pid, holding->pid);

		if (!listener->owner_count++)
			listener->owners = &listeners->lists[i];
		listeners->lists[i] = &listeners->processes[process - 1];
	}
	return 0;
}

static void set_known(struct listeners *listeners, bool all)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->items[i];

		listener->known = listener->owner_count ? OWNERS_KNOWN
				  : all			? OWNERS_KERNEL
							: OWNERS_UNREADABLE;
		listeners->gaps.owners += listener->known == OWNERS_UNREADABLE;
	}
}

static int find(struct search *search, struct owner_iterator *iterator, unsigned int want)
{
	struct listeners *listeners = search->listeners;
	int error = 0;

	for (size_t i = 0; i < listeners->count && !error; i++)
		error = lookup_add(&search->by_inode, listeners->items[i].inode, i + 1);
	if (!error)
		error = iterator ? owner_iterator_walk(iterator, take_record, search)
				 : walk_all(search);
	if (!error)
		error = read_facts(search, want);
	if (error)
		return error;
	sort_holdings(search);
	error = hand_over(search);
	set_known(listeners, saw_all(search, iterator));
	listeners->gaps.unreached = search->foreign_count;
	return error;
}

int owners_find(struct listeners *listeners, struct owner_iterator *iterator, unsigned int want)
{
	_cleanup_(search_release) struct search search = { .listeners = listeners,
							   .pidns = process_pidns("self") };

	return find(&search, iterator, want);
}
