/* See watch.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/sockets.h"
#include "watch/callers.h"
#include "watch/watch.h"

/*
 * Where nothing is new, looking for sockets takes at most one part in so many of a
 * processor's time, and looking who holds them another one ...
 */
#define LOOK_SHARE 2000
/* ... and finding the owners of what is new takes one in so many. */
#define NEWS_SHARE 10

/* Events are lost by the thousand where one is: a look for each would lose more. */
#define LOOK_AFTER_LOSS_NS 1000000000ULL

/* What failed is known after microseconds; in a namespace without SOCK_DIAG that must do. */
#define BELIEVE_NS 2000000ULL

struct watch {
	struct watch_options options;
	struct listener_reader *reader;
	struct hooks *hooks;
	struct hooks_missing missing;
	struct callers *callers;
	struct watch_state *state;
	struct listeners *last; /* look */
	uint64_t looked, look_due, owners_due;
	uint64_t lost, lost_taken;
};

uint64_t watch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* The processor time that we took so far. */
static uint64_t spent(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* ---- opening ---- */

static int report(void *data, const struct watch_report *report)
{
	struct watch *watch = data;

	if (watch->hooks && !report->by_event && report->listener->transport == TRANSPORT_UDP &&
	    report->kind != WATCH_DISAPPEARED)
		hooks_follow(watch->hooks, report->listener->cookie);
	return watch->options.report(watch->options.data, report);
}

static int open_hooks(struct watch *watch)
{
	static const char chosen[] = "asked to do without the kernel's events";

	if (!watch->options.poll)
		return hooks_open(&watch->options.hooks, &watch->hooks, &watch->missing);
	fault_set(&watch->missing.states, 0, "%s", chosen);
	fault_set(&watch->missing.binds, 0, "%s", chosen);
	return 0;
}

int watch_open(const struct watch_options *options, struct watch **ret_watch, struct fault *fault)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	int error;

	if (!watch)
		return fault_set(fault, -ENOMEM, "out of memory");
	watch->options = *options;
	error = listener_reader_open(options->all_netns, &watch->reader, fault);
	if (error) {
		watch_close(watch);
		return error;
	}
	/* Before the first look, so that nothing falls between. */
	error = open_hooks(watch);
	if (!error)
		error = callers_new(LISTENER_WANT_ALL, &watch->callers);
	if (!error)
		error = watch_state_new(report, watch, &watch->state);
	if (error) {
		watch_close(watch);
		return fault_set(fault, error, "cannot watch: %s", strerror(-error));
	}
	*ret_watch = watch;
	return 0;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	hooks_close(watch->hooks);
	listener_reader_close(watch->reader);
	callers_free(watch->callers);
	watch_state_free(watch->state);
	listeners_free(watch->last);
	free(watch);
}

const struct hooks_missing *watch_missing(const struct watch *watch)
{
	return &watch->missing;
}

bool watch_is_polling(const struct watch *watch)
{
	return watch->missing.states.text[0] || watch->missing.binds.text[0];
}

uint64_t watch_interval_ns(const struct watch *watch)
{
	return watch->options.interval_ns ? watch->options.interval_ns
	       : watch_is_polling(watch)  ? WATCH_INTERVAL_POLL_NS
					  : WATCH_INTERVAL_NS;
}

const struct listeners *watch_last_look(const struct watch *watch)
{
	return watch->last;
}

uint64_t watch_take_lost(struct watch *watch)
{
	uint64_t lost = watch->lost - watch->lost_taken;

	watch->lost_taken = watch->lost;
	return lost;
}

/* ---- events ---- */

static bool same_netns(const struct netns_id *id, const struct socket_event *event)
{
	return id->cookie && event->netns_cookie ? id->cookie == event->netns_cookie
						 : id->inode == event->netns_inode;
}

/* False where it is none of ours. */
static bool netns_of(const struct watch *watch, const struct socket_event *event,
		     uint32_t *ret_netns)
{
	*ret_netns = WATCH_NETNS_UNKNOWN;
	if (event->kind == SOCKET_RELEASED)
		return true;
	for (size_t i = 0; watch->last && i < watch->last->netns_count; i++) {
		if (!same_netns(&watch->last->netns[i].id, event))
			continue;
		*ret_netns = i;
		return true;
	}
	return watch->options.all_netns;
}

static int take_event(void *data, const struct socket_event *event)
{
	struct watch *watch = data;
	const struct listener_owner *process = NULL;
	uint32_t netns;
	int error = 0;

	if (!netns_of(watch, event, &netns))
		return 0;
	if (event->kind != SOCKET_RELEASED && event->kind != SOCKET_UNHEARD)
		error = callers_find(watch->callers, event, &process);
	return error ? error : watch_event(watch->state, event, netns, process);
}

/* ---- candidates ---- */

struct search {
	struct watch *watch;
	uint64_t socket;
	int error;
};

static void compare_found(const struct socket_found *found, void *data)
{
	struct search *search = data;

	if (!search->error &&
	    (found->cookie == search->socket || (SOCKET_BY_INODE | found->inode) == search->socket))
		search->error = watch_confirm(search->watch->state, search->socket, found);
}

static int confirm(struct watch *watch, const struct watch_candidate *candidate, uint64_t now)
{
	const struct listener *listener = candidate->listener;
	struct search search = { watch, candidate->socket, 0 };
	struct socket_found wanted = {
		.transport = listener->transport,
		.family = listener->family,
		.port = listener->port,
		.ifindex = listener->ifindex,
		.cookie = listener->cookie,
	};
	struct netlink *diag = listener_reader_diag(watch->reader, listener->netns);
	int error;

	if (!diag)
		return now < candidate->since_ns + BELIEVE_NS
			       ? 0
			       : watch_believe(watch->state, candidate->socket);
	memcpy(wanted.address, listener->address.bytes, sizeof(wanted.address));
	error = socket_look_up(diag, &wanted, compare_found, &search);
	/* Nothing there is no error: it may be on its way still, or gone. */
	return error && error != -ENOENT ? error : search.error;
}

static int confirm_candidates(struct watch *watch)
{
	struct watch_candidate candidate;
	uint64_t now = watch_now();
	int error = 0;

	while (!error && watch_next_candidate(watch->state, now, &candidate))
		error = confirm(watch, &candidate, now);
	return error;
}

static int take_events(struct watch *watch)
{
	int error = watch->hooks ? hooks_drain(watch->hooks, take_event, watch) : 0;

	return error ? error : confirm_candidates(watch);
}

/* ---- looks ---- */

static int read_sockets(struct watch *watch, unsigned int want, struct fault *fault)
{
	struct listener_wish wish = { .want = want };
	struct listeners *seen;
	int error = listeners_read(watch->reader, &wish, &seen, fault);

	if (error)
		return error;
	listeners_free(watch->last);
	watch->last = seen;
	return 0;
}

static uint64_t latest(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool lives(uint32_t pid)
{
	return !kill(pid, 0) || errno != ESRCH;
}

/* With owners where they may be others than before, as finding them takes longest. */
static int look(struct watch *watch, bool owners, struct fault *fault)
{
	uint64_t interval = watch_interval_ns(watch), began = spent(), sockets = 0, all = 0;
	int error;

	watch_look_begin(watch->state, watch_now());
	error = listener_reader_let_go(watch->reader);
	if (!error && !owners) {
		error = read_sockets(watch, 0, fault);
		sockets = spent() - began;
	}
	if (!error && (owners || watch_is_news(watch->state, watch->last, lives))) {
		error = read_sockets(watch, LISTENER_WANT_ALL, fault);
		all = spent() - began;
	}
	if (!error)
		error = take_events(watch);
	if (!error)
		error = watch_look_end(watch->state, watch->last, watch_now());
	watch->looked = watch_now();
	watch->look_due =
		watch->looked + latest(interval, latest(sockets * LOOK_SHARE, all * NEWS_SHARE));
	if (all)
		watch->owners_due = watch->looked + latest(interval, all * LOOK_SHARE);
	return error;
}

int watch_begin(struct watch *watch, struct fault *fault)
{
	return look(watch, true, fault);
}

/* ---- what is due when ---- */

static void wait_for_events(const struct watch *watch, uint64_t until, const sigset_t *signals,
			    int *ret_error)
{
	struct pollfd ring = { .fd = watch->hooks ? hooks_fd(watch->hooks) : -1, .events = POLLIN };
	uint64_t now = watch_now(), rest = until > now ? until - now : 0;
	struct timespec timeout = { rest / 1000000000, rest % 1000000000 };

	*ret_error = ppoll(&ring, 1, &timeout, signals) < 0 ? -errno : 0;
}

static uint64_t earliest(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

int watch_turn(struct watch *watch, uint64_t until, const sigset_t *signals, struct fault *fault)
{
	uint64_t lost, now;
	int error;

	until = earliest(until, earliest(watch->look_due, watch_next_due(watch->state)));
	wait_for_events(watch, until, signals, &error);
	if (error && error != -EINTR)
		return fault_set(fault, error, "cannot wait for events: %s", strerror(-error));
	if (!error)
		error = take_events(watch);
	lost = watch->hooks ? hooks_lost(watch->hooks) : 0;
	if (lost > watch->lost)
		watch->look_due = earliest(watch->look_due, watch->looked + LOOK_AFTER_LOSS_NS);
	watch->lost = lost;
	now = watch_now();
	if (!error && now >= watch->look_due)
		error = look(watch, now >= watch->owners_due, fault);
	return error;
}
