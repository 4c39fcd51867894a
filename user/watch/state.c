/* See state.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "listeners/collect.h"
#include "watch/known.h"
#include "watch/state.h"

/* A socket is looked for at once, then after 1, 4, 16 ... ms, and no more after 1 s. */
#define FIRST_DELAY_NS 1000000ULL
#define PATIENCE_NS    1000000000ULL

struct watch_state {
	struct known_table table;
	struct known *newest, *oldest; /* candidates */
	int (*report)(void *data, const struct watch_report *report);
	void *data;
	unsigned int looks;
	uint64_t look_began_ns; /* 0: none is under way */
	/* Sockets that events ended since then: a look may have seen them alive. */
	uint64_t *ended;
	size_t ended_count, ended_room;
};

int watch_state_new(int (*report)(void *data, const struct watch_report *report), void *data,
		    struct watch_state **ret_state)
{
	struct watch_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	state->report = report;
	state->data = data;
	*ret_state = state;
	return 0;
}

void watch_state_free(struct watch_state *state)
{
	if (!state)
		return;
	known_release(&state->table);
	free(state->ended);
	free(state);
}

/* ---- candidates, the oldest first ---- */

static void candidate_add(struct watch_state *state, struct known *known)
{
	known->candidate = true;
	known->older = state->newest;
	known->newer = NULL;
	*(state->newest ? &state->newest->newer : &state->oldest) = known;
	state->newest = known;
}

static void candidate_remove(struct watch_state *state, struct known *known)
{
	*(known->older ? &known->older->newer : &state->oldest) = known->newer;
	*(known->newer ? &known->newer->older : &state->newest) = known->older;
	known->candidate = false;
}

static void forget(struct watch_state *state, struct known *known)
{
	if (known->candidate)
		candidate_remove(state, known);
	known_remove(&state->table, known);
	known_free(known);
}

bool watch_next_candidate(struct watch_state *state, uint64_t now,
			  struct watch_candidate *ret_candidate)
{
	struct known *known = state->oldest, *newer;

	for (; known; known = newer) {
		uint64_t waited = now > known->since_ns ? now - known->since_ns : 0;

		newer = known->newer;
		if (known->due_ns > now)
			continue;
		if (known->due_ns > known->since_ns + PATIENCE_NS) {
			forget(state, known);
			continue;
		}
		known->due_ns = now + (waited > FIRST_DELAY_NS ? 3 * waited : FIRST_DELAY_NS);
		*ret_candidate = (struct watch_candidate){ known->socket, known->since_ns,
							   &known->listener };
		return true;
	}
	return false;
}

uint64_t watch_next_due(const struct watch_state *state)
{
	uint64_t due = UINT64_MAX;

	for (const struct known *known = state->oldest; known; known = known->newer)
		if (known->due_ns < due)
			due = known->due_ns;
	return due;
}

/* ---- reports ---- */

static int report_begin(struct watch_state *state, struct known *known, enum watch_kind kind,
			bool by_event)
{
	if (known->candidate)
		candidate_remove(state, known);
	return state->report(state->data, &(struct watch_report){
						  .kind = kind,
						  .by_event = by_event,
						  .time_ns = known->since_ns,
						  .listener = &known->listener,
						  .netns_inode = known->netns_inode,
					  });
}

static int report_end(struct watch_state *state, struct known *known, uint64_t now, bool by_event)
{
	struct watch_report report = {
		.kind = WATCH_DISAPPEARED,
		.by_event = by_event,
		.time_ns = now,
		.lived_ns = by_event && known->since_event ? now - known->since_ns : 0,
		.listener = &known->listener,
		.netns_inode = known->netns_inode,
	};
	int error = state->report(state->data, &report);

	forget(state, known);
	return error;
}

/* ---- who holds it ---- */

static bool same_process(const struct listener_owner *a, const struct listener_owner *b)
{
	return a->pid == b->pid && a->start == b->start;
}

static bool same_program(const struct listener_owner *a, const struct listener_owner *b)
{
	bool paths = a->exe[0] && b->exe[0];

	return !strcmp(paths ? a->exe : a->name, paths ? b->exe : b->name) &&
	       !strcmp(a->container, b->container);
}

static bool any(const struct listener *listener, const struct listener_owner *owner,
		bool (*same)(const struct listener_owner *a, const struct listener_owner *b))
{
	for (size_t i = 0; i < listener->owner_count; i++)
		if (same(listener->owners[i], owner))
			return true;
	return false;
}

/*
 * Another worker of the same program is no news as long as one of those before is
 * left; a program that was not there is.
 */
static bool changed_hands(const struct listener *before, const struct listener *after)
{
	bool left = false;

	if (before->known != OWNERS_KNOWN || after->known == OWNERS_UNREADABLE)
		return false;
	for (size_t i = 0; i < after->owner_count; i++) {
		if (!any(before, after->owners[i], same_program))
			return true;
		left |= any(before, after->owners[i], same_process);
	}
	return !left;
}

static int take_owners(struct watch_state *state, struct known *known, const struct listener *seen,
		       uint64_t now)
{
	const struct listener before = known->listener;
	void *owned = known->owned;
	int error;

	if (seen->known == OWNERS_NOT_ASKED)
		return 0;
	/* Those that an event named are more than none. */
	known->stale = before.known == OWNERS_KNOWN && seen->known == OWNERS_UNREADABLE;
	if (known->stale)
		return 0;
	known->owned = NULL; /* until the report was made */
	error = known_set_owners(known, seen);
	if (error) {
		known->owned = owned;
		return error;
	}
	if (changed_hands(&before, &known->listener))
		error = state->report(
			state->data,
			&(struct watch_report){
				.kind = WATCH_CHANGED_HANDS,
				.time_ns = now,
				.listener = &known->listener,
				.before = (const struct listener_owner *const *)before.owners,
				.before_count = before.owner_count,
			});
	free(owned);
	return error;
}

/* ---- events ---- */

/*
 * Before 5.12 an event names a socket by its inode until somebody asks SOCK_DIAG about
 * any, which gives all of them their cookies: it may be known by the other name.
 */
static struct known *find(const struct watch_state *state, const struct socket_event *event)
{
	struct known *known = known_find(&state->table, event->socket);

	if (known || !event->inode)
		return known;
	if (!(event->socket & SOCKET_BY_INODE))
		return known_find(&state->table, SOCKET_BY_INODE | event->inode);
	while ((known = known_next(&state->table, known)))
		if (known->listener.inode == event->inode)
			break;
	return known;
}

static int add_candidate(struct watch_state *state, const struct socket_event *event,
			 uint32_t netns, const struct listener_owner *process,
			 struct known **ret_known)
{
	struct socket_found hinted = {
		.transport = event->transport,
		.family = event->family,
		.v6only = event->v6only,
		.port = event->port,
		.ifindex = event->ifindex,
		.uid = event->uid,
		.inode = event->inode,
	};
	struct listener listener = {
		.known = process ? OWNERS_KNOWN : OWNERS_NOT_ASKED,
		.netns = netns,
		.group = 1,
		.owners = &process,
		.owner_count = process != NULL,
	};
	struct known *known;
	int error;

	if (!(event->socket & SOCKET_BY_INODE))
		hinted.cookie = event->socket;
	memcpy(hinted.address, event->address, sizeof(hinted.address));
	listener_set_socket(&listener, &hinted);
	error = known_add(&state->table, event->socket, &listener, &known);
	if (error)
		return error;
	known->since_ns = known->due_ns = event->time_ns;
	known->since_event = true;
	known->netns_inode = event->netns_inode;
	candidate_add(state, known);
	*ret_known = known;
	return 0;
}

static int begin(struct watch_state *state, const struct socket_event *event, uint32_t netns,
		 const struct listener_owner *process)
{
	struct known *known = find(state, event);
	struct listener owners = { .known = OWNERS_KNOWN, .owners = &process, .owner_count = 1 };

	if (!known)
		return add_candidate(state, event, netns, process, &known);
	/* A look came first; who did it is known only now. */
	if (process && known->listener.known != OWNERS_KNOWN)
		return known_set_owners(known, &owners);
	return 0;
}

static int note_ended(struct watch_state *state, uint64_t socket)
{
	if (!state->look_began_ns)
		return 0;
	if (state->ended_count == state->ended_room) {
		size_t room = state->ended_room ? 2 * state->ended_room : 64;
		uint64_t *ended = reallocarray(state->ended, room, sizeof(*ended));

		if (!ended)
			return -ENOMEM;
		state->ended = ended;
		state->ended_room = room;
	}
	state->ended[state->ended_count++] = socket;
	return 0;
}

static int end(struct watch_state *state, const struct socket_event *event, uint32_t netns,
	       const struct listener_owner *process)
{
	struct known *known = find(state, event);
	int error = note_ended(state, event->socket);

	if (error)
		return error;
	/* Its beginning was lost. Of a UDP socket nothing but the number is known then. */
	if (!known && event->kind == SOCKET_RELEASED)
		return 0;
	if (!known) {
		error = add_candidate(state, event, netns, process, &known);
		if (error)
			return error;
		known->since_event = false;
		candidate_remove(state, known);
	}
	if (known->candidate) {
		if (!known->listener.port)
			known->listener.port = event->port;
		error = report_begin(state, known, WATCH_APPEARED, true);
	}
	return error ? error : report_end(state, known, event->time_ns, true);
}

int watch_event(struct watch_state *state, const struct socket_event *event, uint32_t netns,
		const struct listener_owner *process)
{
	struct known *known;

	switch (event->kind) {
	case SOCKET_LISTENS:
	case SOCKET_BOUND: return begin(state, event, netns, process);
	case SOCKET_UNHEARD:
		known = find(state, event);
		if (known && known->candidate)
			forget(state, known);
		return 0;
	case SOCKET_STOPPED:
	case SOCKET_RELEASED: return end(state, event, netns, process);
	}
	return 0;
}

int watch_confirm(struct watch_state *state, uint64_t socket, const struct socket_found *found)
{
	struct known *known = known_find(&state->table, socket);

	if (!known || !known->candidate)
		return 0;
	if (known->socket != found->cookie)
		known_rename(&state->table, known, found->cookie);
	listener_set_socket(&known->listener, found);
	return report_begin(state, known, WATCH_APPEARED, true);
}

int watch_believe(struct watch_state *state, uint64_t socket)
{
	struct known *known = known_find(&state->table, socket);

	return known && known->candidate ? report_begin(state, known, WATCH_APPEARED, true) : 0;
}

/* ---- looks ---- */

void watch_look_begin(struct watch_state *state, uint64_t now)
{
	state->looks++;
	state->look_began_ns = now;
	state->ended_count = 0;
}

static bool ended_meanwhile(const struct watch_state *state, uint64_t cookie)
{
	for (size_t i = 0; i < state->ended_count; i++)
		if (state->ended[i] == cookie)
			return true;
	return false;
}

static struct socket_found facts_of(const struct listener *seen)
{
	struct socket_found found = {
		.transport = seen->transport,
		.family = seen->family,
		.v6only = seen->v6only,
		.mptcp = seen->mptcp,
		.port = seen->port,
		.ifindex = seen->ifindex,
		.queued = seen->queued,
		.limit = seen->backlog,
		.uid = seen->uid,
		.inode = seen->inode,
		.cookie = seen->cookie,
	};

	memcpy(found.address, seen->address.bytes, sizeof(found.address));
	return found;
}

static int see(struct watch_state *state, const struct listener *seen, uint64_t now)
{
	struct known *known = known_find(&state->table, seen->cookie);
	struct socket_found found;
	int error;

	if (!known) /* a candidate that is known by its inode alone */
		known = known_find(&state->table, SOCKET_BY_INODE | seen->inode);
	if (!known && ended_meanwhile(state, seen->cookie))
		return 0;
	if (known && !known->candidate) {
		known->looks = state->looks;
		return take_owners(state, known, seen, now);
	}
	if (!known) {
		error = known_add(&state->table, seen->cookie, seen, &known);
		if (error)
			return error;
		known->since_ns = now;
		known->looks = state->looks;
		return report_begin(state, known,
				    state->looks == 1 ? WATCH_PRESENT : WATCH_APPEARED, false);
	}
	/* The caller of listen() may be one of several that hold it. */
	if (seen->known == OWNERS_KNOWN || known->listener.known != OWNERS_KNOWN) {
		error = known_set_owners(known, seen);
		if (error)
			return error;
	}
	known->looks = state->looks;
	found = facts_of(seen);
	return watch_confirm(state, known->socket, &found);
}

static int drop_unseen(struct watch_state *state, uint64_t now)
{
	struct known *known = known_next(&state->table, NULL), *next;
	int error = 0;

	for (; known && !error; known = next) {
		next = known_next(&state->table, known);
		/* What began meanwhile may have been too late to be seen. */
		if (!known->candidate && known->looks != state->looks &&
		    known->listener.netns != WATCH_NETNS_UNKNOWN &&
		    known->since_ns < state->look_began_ns)
			error = report_end(state, known, now, false);
	}
	return error;
}

int watch_look_end(struct watch_state *state, const struct listeners *seen, uint64_t now)
{
	int error = 0;

	for (size_t i = 0; i < seen->count && !error; i++)
		error = see(state, &seen->items[i], now);
	if (!error)
		error = drop_unseen(state, now);
	state->look_began_ns = 0;
	return error;
}

static bool is_orphan(const struct known *known, bool (*lives)(uint32_t pid))
{
	const struct listener *listener = &known->listener;

	if (!lives || listener->known != OWNERS_KNOWN || known->stale)
		return false;
	for (size_t i = 0; i < listener->owner_count; i++)
		if (lives(listener->owners[i]->pid))
			return false;
	return true;
}

bool watch_is_news(const struct watch_state *state, const struct listeners *seen,
		   bool (*lives)(uint32_t pid))
{
	size_t expected = 0;

	for (size_t i = 0; i < seen->count; i++) {
		const struct known *known = known_find(&state->table, seen->items[i].cookie);

		if (!known || known->candidate || is_orphan(known, lives))
			return true;
	}
	for (const struct known *known = NULL; (known = known_next(&state->table, known));)
		expected += !known->candidate && known->listener.netns != WATCH_NETNS_UNKNOWN;
	return seen->count != expected;
}

size_t watch_count(const struct watch_state *state)
{
	return state->table.count;
}

int watch_each(struct watch_state *state, int (*each)(void *data, const struct listener *listener),
	       void *data)
{
	struct known *known = NULL;
	int error = 0;

	while (!error && (known = known_next(&state->table, known)))
		if (!known->candidate)
			error = each(data, &known->listener);
	return error < 0 ? error : 0;
}
