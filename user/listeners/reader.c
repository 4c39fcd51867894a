/*
 * The reader: namespaces, sockets, owners, in this order, into one snapshot. See
 * listener.h. The parts know nothing of each other; here they meet.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "listeners/collect.h"
#include "listeners/iterator.h"
#include "listeners/kernel.h"
#include "listeners/listener.h"
#include "listeners/namespaces.h"
#include "listeners/owners.h"
#include "listeners/process.h"
#include "net/devices.h"
#include "net/netlink.h"
#include "net/sockets.h"
#include "util/cleanup.h"
#include "what.h"

/* One network namespace, open. */
struct place {
	struct netlink diag, route, generic;
	struct netns_id id;
	char *name; /* owned */
	char *path; /* owned; it leads there */
};

struct listener_reader {
	struct place *places; /* ours first */
	size_t place_count;
	bool all_netns;
	size_t closed; /* namespaces that could not be entered */
	size_t hidden; /* processes whose namespace could not be read */
	struct owner_iterator *iterator;
	struct fault iterator_fault;
};

/* ---- opening ---- */

static void place_release(struct place *place)
{
	netlink_close(&place->diag);
	netlink_close(&place->route);
	netlink_close(&place->generic);
	free(place->name);
	free(place->path);
}

/* In the namespace we are in. */
static int place_open(const char *name, const char *path, struct place *ret_place)
{
	struct place place = { .name = strdup(name), .path = strdup(path) };
	int error = place.name && place.path ? netns_identify(&place.id) : -ENOMEM;

	if (!error)
		error = netlink_open(NETLINK_SOCK_DIAG, &place.diag);
	if (!error)
		error = netlink_open(NETLINK_ROUTE, &place.route);
	if (!error)
		error = netlink_open(NETLINK_GENERIC, &place.generic);
	if (error) {
		place_release(&place);
		return error;
	}
	*ret_place = place;
	return 0;
}

static int open_other(struct listener_reader *reader, const struct namespace_found *found, int home)
{
	struct place place;
	int error, back;

	/* One that has just ended is none. */
	error = netns_enter(found->path, NULL);
	if (error) {
		reader->closed += error != -ENOENT;
		return 0;
	}
	error = place_open(found->name, found->path, &place);
	back = netns_return(home);
	if (error)
		return error;
	reader->places[reader->place_count++] = place;
	return back;
}

static int open_places(struct listener_reader *reader)
{
	_cleanup_(namespaces_release) struct namespaces namespaces = {};
	_cleanup_close_ int home = -1;
	int error = reader->all_netns ? namespaces_find(&namespaces) : 0;

	if (error)
		return error;
	reader->hidden = namespaces.hidden;
	reader->places = calloc(namespaces.count + 1, sizeof(*reader->places));
	if (!reader->places)
		return -ENOMEM;
	error = place_open("", "/proc/self/ns/net", &reader->places[0]);
	if (error)
		return error;
	reader->place_count = 1;
	home = netns_remember();
	if (home < 0)
		return home;
	for (size_t i = 1; i < namespaces.count && !error; i++)
		error = open_other(reader, &namespaces.items[i], home);
	return error;
}

int listener_reader_open_sockets(bool all_netns, struct listener_reader **ret_reader,
				 struct fault *fault)
{
	struct listener_reader *reader = calloc(1, sizeof(*reader));
	int error = -ENOMEM;

	if (reader) {
		reader->all_netns = all_netns;
		error = open_places(reader);
	}
	if (error) {
		listener_reader_close(reader);
		return fault_set(fault, error, "cannot ask for sockets: %s", strerror(-error));
	}
	*ret_reader = reader;
	return 0;
}

int listener_reader_open(bool all_netns, struct listener_reader **ret_reader, struct fault *fault)
{
	struct listener_reader *reader;
	int error = listener_reader_open_sockets(all_netns, &reader, fault);

	if (error)
		return error;
	/* Without it there is /proc. */
	if (owner_iterator_open(&reader->iterator, &reader->iterator_fault))
		reader->iterator = NULL;
	*ret_reader = reader;
	return 0;
}

void listener_reader_close(struct listener_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->place_count; i++)
		place_release(&reader->places[i]);
	free(reader->places);
	owner_iterator_close(reader->iterator);
	free(reader);
}

struct netlink *listener_reader_diag(struct listener_reader *reader, uint32_t netns)
{
	struct place *place = netns < reader->place_count ? &reader->places[netns] : NULL;

	return place && place->diag.socket ? &place->diag : NULL;
}

/* The way that led there still does. */
static bool is_held(const struct place *place)
{
	struct stat status;

	return !stat(place->path, &status) && status.st_ino == place->id.inode;
}

static int find_other_way(struct place *place, const struct namespaces *namespaces)
{
	for (size_t i = 0; i < namespaces->count; i++) {
		char *path;

		if (namespaces->items[i].inode != place->id.inode)
			continue;
		path = strdup(namespaces->items[i].path);
		if (!path)
			return -ENOMEM;
		free(place->path);
		place->path = path;
		return 0;
	}
	return -ENOENT;
}

static int let_go(struct place *places, size_t count, size_t hidden)
{
	_cleanup_(namespaces_release) struct namespaces namespaces = {};
	int error = namespaces_find(&namespaces);

	/* Who hides now, and did not when they were found, may be in one of them. */
	if (error || namespaces.hidden > hidden)
		return error;
	for (size_t i = 0; i < count && error != -ENOMEM; i++) {
		if (!places[i].diag.socket || is_held(&places[i]))
			continue;
		error = find_other_way(&places[i], &namespaces);
		if (error != -ENOENT)
			continue;
		netlink_close(&places[i].diag);
		netlink_close(&places[i].route);
		netlink_close(&places[i].generic);
	}
	return error == -ENOMEM ? error : 0;
}

int listener_reader_let_go(struct listener_reader *reader)
{
	for (size_t i = 1; i < reader->place_count; i++)
		if (reader->places[i].diag.socket && !is_held(&reader->places[i]))
			return let_go(&reader->places[1], reader->place_count - 1, reader->hidden);
	return 0;
}

/* ---- what else belongs to a namespace ---- */

static int name_namespaces(const struct listener_reader *reader, struct listeners *listeners)
{
	listeners->netns = calloc(reader->place_count, sizeof(*listeners->netns));
	if (!listeners->netns)
		return -ENOMEM;
	listeners->netns_count = reader->place_count;
	for (size_t i = 0; i < reader->place_count; i++) {
		const struct place *place = &reader->places[i];

		listeners->netns[i].id = place->id;
		listeners->netns[i].name =
			arena_copy(&listeners->arena, place->name, strlen(place->name));
		if (!listeners->netns[i].name)
			return -ENOMEM;
	}
	return 0;
}

static bool needs_devices(const struct listener *first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (first[i].ifindex || first[i].known == OWNERS_KERNEL)
			return true;
	return false;
}

static int name_interfaces(struct listener *first, size_t count, const struct device_list *devices,
			   struct arena *arena)
{
	for (size_t i = 0; i < count; i++) {
		const struct device *device = device_by_index(devices, first[i].ifindex);

		if (!first[i].ifindex || !device)
			continue;
		first[i].interface = arena_copy(arena, device->name, strlen(device->name));
		if (!first[i].interface)
			return -ENOMEM;
	}
	return 0;
}

/* Interfaces that listeners are bound to, and what the kernel's own sockets are for. */
static int read_links(struct listener_reader *reader, struct listeners *listeners)
{
	int error = 0;

	for (size_t i = 0, end; i < listeners->count && !error; i = end) {
		struct listener *first = &listeners->items[i];
		struct place *place = &reader->places[first->netns];
		struct device_list devices = {};

		for (end = i + 1; end < listeners->count; end++)
			if (listeners->items[end].netns != first->netns)
				break;
		/* Names are for display: without them there are still the numbers. */
		if (!needs_devices(first, end - i) ||
		    device_list_read_by(&place->route, &devices, NULL))
			continue;
		error = name_interfaces(first, end - i, &devices, &listeners->arena);
		if (!error)
			error = kernel_explain(first, end - i, &devices, &place->generic,
					       first->netns == 0, &listeners->arena);
		device_list_release(&devices);
	}
	return error;
}

/* ---- owners, and whether they are gone ---- */

static int by_cookie(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

struct cookies {
	uint64_t *items; /* owned */
	size_t count;
	bool failed;
};

static void collect_cookie(const struct socket_found *socket, void *data)
{
	struct cookies *cookies = data;
	uint64_t *grown = reallocarray(cookies->items, cookies->count + 1, sizeof(*cookies->items));

	if (!grown) {
		cookies->failed = true;
		return;
	}
	cookies->items = grown;
	grown[cookies->count++] = socket->cookie;
}

/* Ownerless, and nothing of the kernel's is known for sure that it is for. */
static bool any_unexplained(const struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->items[i].known == OWNERS_KERNEL &&
		    !listener_is_of_kernel(&listeners->items[i]))
			return true;
	return false;
}

/*
 * A socket that was closed before its process was looked at has no owner either, and
 * is not the kernel's: it does not listen any more, so it leaves the snapshot.
 */
static int drop_closed(struct listener_reader *reader, struct listeners *listeners)
{
	const struct socket_question question = { .transports = TRANSPORTS_ALL };
	struct cookies cookies = {};
	size_t kept = 0;
	int error = 0;

	for (size_t i = 0; i < reader->place_count && !error; i++) {
		struct netlink *diag = listener_reader_diag(reader, i);

		error = diag ? sockets_listening(diag, &question, collect_cookie, &cookies) : 0;
	}
	if (!error && cookies.failed)
		error = -ENOMEM;
	if (!error && cookies.count)
		qsort(cookies.items, cookies.count, sizeof(*cookies.items), by_cookie);
	for (size_t i = 0; i < listeners->count && !error; i++) {
		const struct listener *listener = &listeners->items[i];

		if (listener->known != OWNERS_KERNEL ||
		    (cookies.count && bsearch(&listener->cookie, cookies.items, cookies.count,
					      sizeof(*cookies.items), by_cookie)))
			listeners->items[kept++] = *listener;
	}
	if (!error)
		listeners->count = kept;
	free(cookies.items);
	return error;
}

#define LOOKS_AGAIN 5

/*
 * A process that ends loses its descriptors some time before its sockets are closed,
 * and in between they look like the kernel's: look again, waiting longer each time.
 */
static int settle_ownerless(struct listener_reader *reader, struct listeners *listeners)
{
	int error = 0;

	for (int look = 0; look < LOOKS_AGAIN && !error && any_unexplained(listeners); look++) {
		if (look)
			nanosleep(&(struct timespec){ .tv_nsec = 500000L << look }, NULL);
		error = drop_closed(reader, listeners);
	}
	listeners_count_groups(listeners, 0);
	return error;
}

/* ---- what could not be had ---- */

static void __attribute__((format(printf, 2, 3)))
add_gap(struct listener_gaps *gaps, const char *format, ...)
{
	size_t used = strlen(gaps->needed.text), size = sizeof(gaps->needed.text);
	va_list arguments;

	if (used)
		used += snprintf(gaps->needed.text + used, size - used, "; ");
	va_start(arguments, format);
	if (used < size)
		vsnprintf(gaps->needed.text + used, size - used, format, arguments);
	va_end(arguments);
}

static const char *plural(size_t count, const char *ending)
{
	return count == 1 ? "" : ending;
}

static void describe_owner_gaps(struct listener_gaps *gaps)
{
	if (gaps->owners && !process_sees_all())
		add_gap(gaps,
			"the owners of %zu listener%s cannot be seen from within this PID "
			"namespace; run it on the host",
			gaps->owners, plural(gaps->owners, "s"));
	else if (gaps->owners)
		add_gap(gaps,
			"the owners of %zu listener%s cannot be read (needs CAP_BPF and "
			"CAP_PERFMON, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; try sudo)",
			gaps->owners, plural(gaps->owners, "s"));
	if (gaps->executables)
		add_gap(gaps, "the programs of %zu process%s cannot be read (needs CAP_SYS_PTRACE)",
			gaps->executables, plural(gaps->executables, "es"));
}

static void describe_netns_gaps(struct listener_gaps *gaps)
{
	if (gaps->netns)
		add_gap(gaps, "%zu network namespace%s cannot be entered (needs CAP_SYS_ADMIN)",
			gaps->netns, plural(gaps->netns, "s"));
	if (gaps->unreached)
		add_gap(gaps,
			"somebody listens in %zu network namespace%s that nothing in sight leads "
			"to",
			gaps->unreached, plural(gaps->unreached, "s"));
	/* Without the iterator nothing tells whether somebody listens there. */
	if (gaps->hidden)
		add_gap(gaps,
			"the network namespaces of %zu process%s cannot be read (needs "
			"CAP_SYS_PTRACE)",
			gaps->hidden, plural(gaps->hidden, "es"));
}

static void fill_gaps(const struct listener_reader *reader, unsigned int want,
		      struct listeners *listeners)
{
	struct listener_gaps *gaps = &listeners->gaps;
	bool iterated = want & LISTENER_WANT_OWNERS && reader->iterator;

	gaps->netns = reader->closed;
	gaps->hidden = iterated ? 0 : reader->hidden;
	gaps->fallback = want & LISTENER_WANT_OWNERS && !reader->iterator;
	gaps->iterator = reader->iterator_fault;
	if (!reader->all_netns)
		gaps->unreached = 0;
	describe_owner_gaps(gaps);
	describe_netns_gaps(gaps);
}

int listeners_read(struct listener_reader *reader, const struct listener_wish *wish,
		   struct listeners **ret_listeners, struct fault *fault)
{
	struct listeners *listeners = calloc(1, sizeof(*listeners));
	int error = listeners ? name_namespaces(reader, listeners) : -ENOMEM;

	for (size_t i = 0; i < reader->place_count && !error; i++) {
		struct netlink *diag = listener_reader_diag(reader, i);

		error = diag ? listeners_collect(diag, i, wish, listeners) : 0;
	}
	if (!error && wish->want & LISTENER_WANT_OWNERS)
		error = owners_find(listeners, reader->iterator, wish->want);
	if (!error)
		error = read_links(reader, listeners);
	if (!error)
		error = settle_ownerless(reader, listeners);
	if (error) {
		listeners_free(listeners);
		return fault_set(fault, error, "cannot list sockets: %s", strerror(-error));
	}
	clock_gettime(CLOCK_REALTIME, &listeners->taken);
	fill_gaps(reader, wish->want, listeners);
	*ret_listeners = listeners;
	return 0;
}

void listeners_free(struct listeners *listeners)
{
	if (!listeners)
		return;
	free(listeners->items);
	free(listeners->netns);
	free(listeners->processes);
	free(listeners->lists);
	arena_release(&listeners->arena);
	free(listeners);
}
