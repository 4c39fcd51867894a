/* What watch makes of events and looks, told with sockets that never were. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/cleanup.h"
#include "watch/state.h"

#define MS 1000000ULL

/* Each report as a line; what a test compares. */
struct told {
	struct watch_state *state;
	char text[4096];
	int answer; /* to the next report */
};

static const char *const words[] = { "present", "new", "gone", "hands" };

static int write_down(void *data, const struct watch_report *report)
{
	const struct listener *listener = report->listener;
	struct told *told = data;
	size_t used = strlen(told->text);

	used += snprintf(told->text + used, sizeof(told->text) - used, "%s %s %u",
			 words[report->kind], report->by_event ? "event" : "look", listener->port);
	for (size_t i = 0; i < listener->owner_count; i++)
		used += snprintf(told->text + used, sizeof(told->text) - used, " %s[%u]",
				 listener->owners[i]->name, listener->owners[i]->pid);
	for (size_t i = 0; i < report->before_count; i++)
		used += snprintf(told->text + used, sizeof(told->text) - used, " <%s[%u]",
				 report->before[i]->name, report->before[i]->pid);
	if (report->lived_ns)
		used += snprintf(told->text + used, sizeof(told->text) - used, " %llums",
				 (unsigned long long)(report->lived_ns / MS));
	snprintf(told->text + used, sizeof(told->text) - used, "\n");
	return told->answer;
}

static int set_up(void **state)
{
	struct told *told = calloc(1, sizeof(*told));

	*state = told;
	return told ? watch_state_new(write_down, told, &told->state) : -1;
}

static int tear_down(void **state)
{
	struct told *told = *state;

	watch_state_free(told->state);
	free(told);
	return 0;
}

static void expect(struct told *told, const char *text)
{
	assert_string_equal(told->text, text);
	told->text[0] = '\0';
}

static struct listener_owner process(uint32_t pid, const char *name)
{
	return (struct listener_owner){ .pid = pid,
					.start = pid * 10,
					.name = name,
					.exe = "",
					.cmdline = "",
					.unit = "",
					.container = "" };
}

/* As a kernel before 5.12 has it: with the inode. */
static int happens_to(struct told *told, enum socket_event_kind kind, uint64_t socket,
		      uint32_t inode, uint16_t port, uint64_t at, uint32_t pid)
{
	struct socket_event event = {
		.time_ns = at * MS,
		.socket = socket,
		.kind = kind,
		.transport = kind == SOCKET_BOUND || kind == SOCKET_RELEASED ? TRANSPORT_UDP
									     : TRANSPORT_TCP,
		.port = port,
		.family = AF_INET,
		.inode = inode,
		.pid = pid,
	};
	struct listener_owner owner = process(pid, "caller");

	return watch_event(told->state, &event, 0, pid ? &owner : NULL);
}

/* @at in ms; pid 0: not known. */
static int happens(struct told *told, enum socket_event_kind kind, uint64_t socket, uint16_t port,
		   uint64_t at, uint32_t pid)
{
	return happens_to(told, kind, socket, 0, port, at, pid);
}

static struct socket_found shown(uint64_t cookie, uint16_t port)
{
	return (struct socket_found){ .transport = TRANSPORT_TCP,
				      .family = AF_INET,
				      .port = port,
				      .inode = 1000 + cookie,
				      .cookie = cookie };
}

/* A look: sockets, each with its port and up to two owners; ends with socket 0. */
struct seen {
	uint64_t socket;
	uint16_t port;
	struct listener_owner owners[2];
};

/* Of a port from 1000 on owners were looked for: from 2000 on in vain. */
static enum owners_known known_of(const struct seen *seen)
{
	if (seen->owners[0].pid)
		return OWNERS_KNOWN;
	return seen->port >= 2000   ? OWNERS_UNREADABLE
	       : seen->port >= 1000 ? OWNERS_KERNEL
				    : OWNERS_NOT_ASKED;
}

static int look_ends(struct told *told, const struct seen *seen, uint64_t at)
{
	const struct listener_owner *owners[16][2];
	struct listener items[16] = {};
	struct listeners listeners = { .items = items };

	for (; seen->socket; seen++) {
		struct listener *item = &items[listeners.count];
		size_t count = 0;

		for (; count < 2 && seen->owners[count].pid; count++)
			owners[listeners.count][count] = &seen->owners[count];
		*item = (struct listener){
			.transport = TRANSPORT_TCP,
			.family = AF_INET,
			.known = known_of(seen),
			.port = seen->port,
			.inode = 1000 + seen->socket,
			.cookie = seen->socket,
			.interface = "",
			.kernel = "",
			.owners = count ? owners[listeners.count] : NULL,
			.owner_count = count,
		};
		listeners.count++;
	}
	return watch_look_end(told->state, &listeners, at * MS);
}

static int look(struct told *told, const struct seen *seen, uint64_t at)
{
	watch_look_begin(told->state, at * MS);
	return look_ends(told, seen, at);
}

static void test_first_look(void **state)
{
	struct told *told = *state;
	const struct seen seen[] = { { 1, 22, { process(7, "sshd") } }, { 2, 80, {} }, {} };

	assert_int_equal(look(told, seen, 1), 0);
	expect(told, "present look 22 sshd[7]\npresent look 80\n");
	assert_int_equal(look(told, seen, 2), 0);
	expect(told, "");
	assert_int_equal(watch_count(told->state), 2);
}

static void test_confirmed(void **state)
{
	struct told *told = *state;
	struct watch_candidate candidate;
	struct socket_found found = shown(5, 8080);

	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 8080, 10, 33), 0);
	expect(told, "");
	assert_true(watch_next_candidate(told->state, 10 * MS, &candidate));
	assert_int_equal(candidate.socket, 5);
	assert_false(watch_next_candidate(told->state, 10 * MS, &candidate));
	assert_int_equal(watch_confirm(told->state, 5, &found), 0);
	expect(told, "new event 8080 caller[33]\n");
	/* Twice is once. */
	assert_int_equal(watch_confirm(told->state, 5, &found), 0);
	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 8080, 11, 33), 0);
	expect(told, "");
	assert_int_equal(happens(told, SOCKET_STOPPED, 5, 8080, 30, 33), 0);
	expect(told, "gone event 8080 caller[33] 20ms\n");
	assert_int_equal(watch_count(told->state), 0);
}

/* Over before anybody could look: both ends are told, and the port that listen() chose. */
static void test_short_lived(void **state)
{
	struct told *told = *state;

	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 0, 10, 33), 0);
	assert_int_equal(happens(told, SOCKET_STOPPED, 5, 40123, 11, 33), 0);
	expect(told, "new event 40123 caller[33]\ngone event 40123 caller[33] 1ms\n");
	assert_int_equal(watch_next_due(told->state), UINT64_MAX);
}

static void test_failed(void **state)
{
	struct told *told = *state;
	const struct seen seen[] = { { 6, 80, {} }, {} };

	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 80, 10, 33), 0);
	assert_int_equal(happens(told, SOCKET_UNHEARD, 5, 80, 10, 33), 0);
	expect(told, "");
	assert_int_equal(watch_count(told->state), 0);
	/* Of a socket that nobody knows. */
	assert_int_equal(happens(told, SOCKET_UNHEARD, 7, 80, 11, 33), 0);
	/* It does not end a listener that was seen. */
	assert_int_equal(look(told, seen, 12), 0);
	expect(told, "present look 80\n");
	assert_int_equal(happens(told, SOCKET_UNHEARD, 6, 80, 13, 33), 0);
	expect(told, "");
	assert_int_equal(watch_count(told->state), 1);
}

/* A hint that SOCK_DIAG never confirms is asked about less and less, and forgotten. */
static void test_unconfirmed(void **state)
{
	struct told *told = *state;
	struct watch_candidate candidate;
	unsigned int asked = 0;

	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 80, 10, 33), 0);
	for (uint64_t due; asked < 100 && (due = watch_next_due(told->state)) != UINT64_MAX;)
		asked += watch_next_candidate(told->state, due, &candidate);
	assert_in_range(asked, 5, 8);
	assert_int_equal(watch_count(told->state), 0);
	expect(told, "");
}

static void test_believed(void **state)
{
	struct told *told = *state;
	const struct seen nothing[] = { {} };
	struct socket_event event = { .time_ns = 10 * MS,
				      .socket = 5,
				      .kind = SOCKET_LISTENS,
				      .port = 80,
				      .family = AF_INET };

	assert_int_equal(watch_event(told->state, &event, WATCH_NETNS_UNKNOWN, NULL), 0);
	assert_int_equal(watch_believe(told->state, 5), 0);
	expect(told, "new event 80\n");
	/* No look reaches it, so none may end it. */
	assert_int_equal(look(told, nothing, 20), 0);
	expect(told, "");
	event.kind = SOCKET_STOPPED;
	event.time_ns = 30 * MS;
	assert_int_equal(watch_event(told->state, &event, WATCH_NETNS_UNKNOWN, NULL), 0);
	expect(told, "gone event 80 20ms\n");
}

/* Its beginning was lost. */
static void test_only_the_end(void **state)
{
	struct told *told = *state;

	assert_int_equal(happens(told, SOCKET_STOPPED, 5, 80, 10, 33), 0);
	expect(told, "gone event 80 caller[33]\n");
	assert_int_equal(happens(told, SOCKET_RELEASED, 6, 0, 10, 0), 0);
	expect(told, "");
	assert_int_equal(watch_count(told->state), 0);
}

static void test_udp(void **state)
{
	struct told *told = *state;

	assert_int_equal(happens(told, SOCKET_BOUND, 5, 53, 10, 33), 0);
	assert_int_equal(happens(told, SOCKET_RELEASED, 5, 0, 15, 0), 0);
	expect(told, "new event 53 caller[33]\ngone event 53 caller[33] 5ms\n");
}

static void test_look_finds(void **state)
{
	struct told *told = *state;
	const struct seen first[] = { { 1, 22, {} }, {} };
	const struct seen second[] = { { 2, 80, { process(9, "web") } }, {} };

	assert_int_equal(look(told, first, 1), 0);
	assert_int_equal(look(told, second, 100), 0);
	expect(told, "present look 22\nnew look 80 web[9]\ngone look 22\n");
}

/* What an event says while a look is under way is newer than what the look saw. */
static void test_look_is_late(void **state)
{
	struct told *told = *state;
	const struct seen first[] = { { 1, 22, {} }, {} };
	const struct seen second[] = { { 1, 22, {} }, { 2, 80, {} }, {} };
	struct socket_found found = shown(3, 443);

	assert_int_equal(look(told, first, 1), 0);
	expect(told, "present look 22\n");
	watch_look_begin(told->state, 100 * MS);
	/* 1 and 2 were seen alive, and ended meanwhile; 3 began too late to be seen. */
	assert_int_equal(happens(told, SOCKET_LISTENS, 2, 80, 101, 33), 0);
	assert_int_equal(happens(told, SOCKET_STOPPED, 2, 80, 102, 33), 0);
	assert_int_equal(happens(told, SOCKET_STOPPED, 1, 22, 102, 33), 0);
	assert_int_equal(happens(told, SOCKET_LISTENS, 3, 443, 103, 33), 0);
	assert_int_equal(watch_confirm(told->state, 3, &found), 0);
	told->text[0] = '\0';
	assert_int_equal(look_ends(told, second, 104), 0);
	expect(told, "");
	assert_int_equal(watch_count(told->state), 1);
}

static void test_look_confirms(void **state)
{
	struct told *told = *state;
	const struct seen seen[] = { { 5, 8080, { process(33, "caller"), process(34, "caller") } },
				     {} };
	const struct seen nothing[] = { {} };

	assert_int_equal(look(told, nothing, 1), 0);
	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 0, 10, 33), 0);
	assert_int_equal(look(told, seen, 11), 0);
	expect(told, "new event 8080 caller[33] caller[34]\n");
	assert_int_equal(watch_next_due(told->state), UINT64_MAX);
	/* Gone, and no event said so. */
	assert_int_equal(look(told, nothing, 20), 0);
	expect(told, "gone look 8080 caller[33] caller[34]\n");
}

/* A kernel before 5.12 knows no cookie of a socket that nobody has asked about. */
static void test_by_inode(void **state)
{
	struct told *told = *state;
	const struct seen seen[] = { { 7, 99, {} }, {} };
	struct socket_found found = shown(5, 8080);
	uint64_t name = SOCKET_BY_INODE | found.inode;

	assert_int_equal(happens_to(told, SOCKET_LISTENS, name, found.inode, 0, 10, 33), 0);
	assert_int_equal(watch_confirm(told->state, name, &found), 0);
	expect(told, "new event 8080 caller[33]\n");
	assert_int_equal(happens_to(told, SOCKET_STOPPED, 5, found.inode, 8080, 30, 33), 0);
	expect(told, "gone event 8080 caller[33] 20ms\n");
	/* It gets its cookie when another is asked about, and ends before it is. */
	assert_int_equal(happens_to(told, SOCKET_LISTENS, name, found.inode, 0, 40, 33), 0);
	assert_int_equal(happens_to(told, SOCKET_STOPPED, 5, found.inode, 8080, 41, 33), 0);
	expect(told, "new event 8080 caller[33]\ngone event 8080 caller[33] 1ms\n");
	/* The look comes before the event. */
	assert_int_equal(look(told, seen, 50), 0);
	expect(told, "present look 99\n");
	name = SOCKET_BY_INODE | 1007;
	assert_int_equal(happens_to(told, SOCKET_LISTENS, name, 1007, 99, 49, 33), 0);
	assert_int_equal(watch_next_due(told->state), UINT64_MAX);
	assert_int_equal(happens_to(told, SOCKET_STOPPED, name, 1007, 99, 60, 33), 0);
	expect(told, "gone event 99 caller[33]\n");
	assert_int_equal(watch_count(told->state), 0);
}

static void test_hands(void **state)
{
	struct told *told = *state;
	const struct seen parent[] = { { 1, 80, { process(10, "web") } }, {} };
	const struct seen both[] = { { 1, 80, { process(10, "web"), process(11, "web") } }, {} };
	const struct seen child[] = { { 1, 80, { process(11, "web") } }, {} };
	const struct seen later[] = { { 1, 80, { process(12, "web") } }, {} };
	const struct seen thief[] = { { 1, 80, { process(12, "web"), process(13, "thief") } }, {} };
	const struct seen unasked[] = { { 1, 80, {} }, {} };

	assert_int_equal(look(told, parent, 1), 0);
	expect(told, "present look 80 web[10]\n");
	/* A worker comes, the first process goes: one of those before is left each time. */
	assert_int_equal(look(told, both, 2), 0);
	assert_int_equal(look(told, unasked, 3), 0);
	assert_int_equal(look(told, child, 4), 0);
	expect(told, "");
	assert_int_equal(look(told, later, 5), 0);
	expect(told, "hands look 80 web[12] <web[11]\n");
	assert_int_equal(look(told, thief, 6), 0);
	expect(told, "hands look 80 web[12] thief[13] <web[12]\n");
}

static bool nobody_lives(uint32_t pid)
{
	return false;
}

static bool all_but_7(uint32_t pid)
{
	return pid != 7;
}

static void test_no_owner_is_left(void **state)
{
	struct told *told = *state;
	const struct seen owned[] = { { 1, 1000, { process(7, "a") } },
				      { 2, 2000, { process(8, "b") } },
				      {} };
	const struct seen ownerless[] = { { 1, 1000, {} }, { 2, 2000, {} }, {} };
	struct listener items[2] = { { .cookie = 1 }, { .cookie = 2 } };
	struct listeners same = { .items = items, .count = 2 };

	assert_int_equal(look(told, owned, 1), 0);
	expect(told, "present look 1000 a[7]\npresent look 2000 b[8]\n");
	assert_true(watch_is_news(told->state, &same, nobody_lives));
	/* Nobody has the one; who has the other cannot be read, now or with the next look. */
	assert_int_equal(look(told, ownerless, 2), 0);
	expect(told, "hands look 1000 <a[7]\n");
	assert_false(watch_is_news(told->state, &same, nobody_lives));
	assert_int_equal(look(told, ownerless, 3), 0);
	expect(told, "");
	assert_int_equal(look(told, owned, 4), 0);
	expect(told, "");
	assert_true(watch_is_news(told->state, &same, nobody_lives));
}

static void test_news(void **state)
{
	struct told *told = *state;
	const struct seen seen[] = { { 1, 22, { process(7, "a"), process(8, "b") } },
				     { 2, 80, {} },
				     {} };
	struct listener items[2] = { { .cookie = 1 }, { .cookie = 2 } };
	struct listeners same = { .items = items, .count = 2 };
	struct listeners fewer = { .items = items, .count = 1 };

	assert_int_equal(look(told, seen, 1), 0);
	assert_false(watch_is_news(told->state, &same, NULL));
	assert_false(watch_is_news(told->state, &same, all_but_7));
	assert_true(watch_is_news(told->state, &same, nobody_lives));
	assert_true(watch_is_news(told->state, &fewer, NULL));
	items[1].cookie = 3;
	assert_true(watch_is_news(told->state, &same, NULL));
}

/* A report may end it all, and nothing is lost or freed twice. */
static void test_report_refuses(void **state)
{
	struct told *told = *state;
	const struct seen seen[] = { { 1, 22, {} }, { 2, 80, {} }, {} };

	told->answer = -ECANCELED;
	assert_int_equal(look(told, seen, 1), -ECANCELED);
	expect(told, "present look 22\n");
	assert_int_equal(happens(told, SOCKET_LISTENS, 5, 80, 10, 33), 0);
	assert_int_equal(happens(told, SOCKET_STOPPED, 5, 80, 11, 33), -ECANCELED);
}

/* Many at once, in any order: each begins and ends once, and nothing is kept. */
static void test_many(void **state)
{
	enum { COUNT = 20000 };
	struct told *told = *state;

	for (uint64_t socket = 1; socket <= COUNT; socket++) {
		struct socket_found found = shown(socket, socket % 65536);

		assert_int_equal(happens(told, SOCKET_LISTENS, socket, socket % 65536, socket, 33),
				 0);
		assert_int_equal(watch_confirm(told->state, socket, &found), 0);
		told->text[0] = '\0';
	}
	assert_int_equal(watch_count(told->state), COUNT);
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t socket = 1 + i * 7919 % COUNT;

		assert_int_equal(happens(told, SOCKET_STOPPED, socket, 1, COUNT + i, 33), 0);
		assert_true(!strncmp(told->text, "gone event ", 11));
		assert_non_null(strchr(told->text, '\n'));
		assert_null(strchr(strchr(told->text, '\n') + 1, '\n'));
		told->text[0] = '\0';
	}
	assert_int_equal(watch_count(told->state), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_look),	  TEST(test_confirmed),
		TEST(test_short_lived),	  TEST(test_failed),
		TEST(test_unconfirmed),	  TEST(test_believed),
		TEST(test_only_the_end),  TEST(test_udp),
		TEST(test_look_finds),	  TEST(test_look_is_late),
		TEST(test_look_confirms), TEST(test_by_inode),
		TEST(test_hands),	  TEST(test_no_owner_is_left),
		TEST(test_news),	  TEST(test_report_refuses),
		TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
