/*
 * The policy of what may listen: what is understood and what is refused with its
 * place, which listener a rule allows, and that a policy written for what is there
 * allows it, and nothing beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "invented.h"
#include "listeners/policy.h"

static struct fixture_knowledge fixture;

static int set_up(void **state)
{
	static const struct span ephemeral[] = {
		{ "ephemeral", 32768, 60999, TRANSPORT_TCP, "", "" },
		{ "ephemeral", 32768, 60999, TRANSPORT_UDP, "", "" },
	};

	fixture_knowledge_load(&fixture);
	return span_list_add(&fixture.knowledge.spans, &ephemeral[0]) ||
	       span_list_add(&fixture.knowledge.spans, &ephemeral[1]);
}

static int tear_down(void **state)
{
	fixture_knowledge_release(&fixture);
	return 0;
}

static struct policy *parsed(const char *text)
{
	struct table_error error = {};
	struct policy *policy = NULL;

	if (policy_parse(text, strlen(text), &fixture.knowledge.spans, &policy, &error))
		fail_msg("%u:%u: %s in: %s", error.line, error.column, error.reason, text);
	return policy;
}

/* ---- what is refused, and where ---- */

static const struct {
	const char *text;
	unsigned int line, column;
	const char *reason; /* a part of it */
} refused[] = {
	{ "tcp", 1, 4, "ports are missing" },
	{ "tcp 22", 1, 7, "reach is missing" },
	{ "tcp 22 all", 1, 11, "who may listen is missing" },
	{ "tcp 22 all  # who", 1, 18, "who may listen is missing" },
	{ "icmp 22 all *", 1, 1, "no transport" },
	{ "tcp,icmp 22 all *", 1, 5, "no transport" },
	{ "tcp, 22 all *", 1, 5, "no transport" },
	{ "TCP 22 all *", 1, 1, "no transport" },
	{ "tcp 65536 all *", 1, 5, "no port" },
	{ "tcp 22x all *", 1, 5, "no port" },
	{ "tcp 22-21 all *", 1, 5, "ends before it begins" },
	{ "tcp 22- all *", 1, 5, "no port" },
	{ "tcp 1-2-3 all *", 1, 5, "no port" },
	{ "tcp nosuchspan all *", 1, 5, "no span of that name" },
	{ "tcp framehawk all *", 1, 5, "another transport" },
	{ "tcp 22 any *", 1, 8, "no reach" },
	{ "tcp 22 10.0.0 *", 1, 8, "no reach" },
	{ "tcp 22 10.0.0.0/33 *", 1, 16, "no length" },
	{ "tcp 22 10.0.0.0/ *", 1, 16, "no length" },
	{ "tcp 22 10.0.0.1/24 *", 1, 8, "bits behind" },
	{ "tcp 22 fe80::1/10 *", 1, 8, "bits behind" },
	{ "tcp 22 fe80::/129 *", 1, 14, "no length" },
	{ "tcp 22 all% *", 1, 8, "no interface" },
	{ "tcp 22 all sshd", 1, 12, "nobody" },
	{ "tcp 22 all unit:", 1, 12, "nobody" },
	{ "tcp 22 all container:vmware", 1, 12, "no container" },
	{ "tcp 22 all container:", 1, 12, "no container" },
	{ "tcp 22 all container:docker/", 1, 12, "no container" },
	{ "tcp 22 all /a /b", 1, 15, "twice" },
	{ "tcp 22 all unit:a unit:b", 1, 19, "twice" },
	{ "tcp 22 all * /a", 1, 12, "stand alone" },
	{ "tcp 22 all kernel /a", 1, 12, "stand alone" },
	{ "tcp 22 all kernel *", 1, 12, "stand alone" },
	{ "tcp 22 all /a\"b\"", 1, 14, "a quote within" },
	{ "tcp 22 all \"/a", 1, 12, "without an end" },
	{ "tcp 22 all \"/a\\n\"", 1, 15, "no such escape" },
	{ "tcp 22 all \"/a\\x0\"", 1, 15, "no such escape" },
	{ "tcp 22 all \"/a\\x00\"", 1, 15, "no such escape" },
	{ "tcp 22 all \"/a\"b", 1, 16, "a blank is missing" },
	{ "tcp 22 all /a unit:b container:docker kernel x y", 1, 48, "too many words" },
	{ "tcp 22 all *\n\n# fine\nudp 1 all\n", 4, 10, "who may listen" },
	{ "tcp 22 all /a\x1b[31m", 1, 14, "no text" },
	{ "tcp 22 all /a # \xc3(", 1, 17, "no text" },
	{ "tcp 22 all *\r\n", 1, 13, "no text" },
	{ "tcp 22 all /\xc2\x82", 1, 13, "no text" },
	{ "tcp 22 all * # \xe2\x80\xae", 1, 16, "no text" },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct table_error error = {};
		struct policy *policy = NULL;
		int result = policy_parse(refused[i].text, strlen(refused[i].text),
					  &fixture.knowledge.spans, &policy, &error);

		if (result != -EINVAL || policy || error.line != refused[i].line ||
		    error.column != refused[i].column || !strstr(error.reason, refused[i].reason))
			fail_msg("'%s': %d, %u:%u: %s", refused[i].text, result, error.line,
				 error.column, error.reason ? error.reason : "-");
	}
}

static void test_understood(void **state)
{
	struct policy *policy = parsed("# a comment\n"
				       "\n"
				       " \ttcp,udp  53\tall   /usr/sbin/named\t# dns\n"
				       "tcp 1-65535 10.0.0.0/8%eth0 \"unit:my app@\\x22.service\"\n"
				       "udp ephemeral all *");
	const struct policy_rule *rule = policy_next(policy, NULL);
	struct slice text = policy_rule_text(rule);

	assert_int_equal(policy_rule_line(rule), 3);
	assert_true(slice_equals(text, "tcp,udp  53\tall   /usr/sbin/named"));
	assert_false(policy_rule_is_ephemeral(rule));
	rule = policy_next(policy, rule);
	assert_int_equal(policy_rule_line(rule), 4);
	rule = policy_next(policy, rule);
	assert_int_equal(policy_rule_line(rule), 5);
	assert_true(policy_rule_is_ephemeral(rule));
	assert_null(policy_next(policy, rule));
	policy_free(policy);
	policy = parsed("");
	assert_null(policy_next(policy, NULL));
	policy_free(policy);
	policy_free(NULL);
}

/* ---- what a rule allows ---- */

static const struct {
	const char *rule;
	enum transport transport;
	const char *address;
	uint16_t port;
	bool allowed;
} places[] = {
	{ "tcp 22 all *", TRANSPORT_TCP, "*", 22, true },
	{ "tcp 22 all *", TRANSPORT_TCP, "127.0.0.1", 22, true },
	{ "tcp 22 all *", TRANSPORT_UDP, "*", 22, false },
	{ "tcp 22 all *", TRANSPORT_TCP, "*", 23, false },
	{ "udp,sctp 22 all *", TRANSPORT_SCTP, "*", 22, true },
	{ "udp,sctp 22 all *", TRANSPORT_TCP, "*", 22, false },
	{ "tcp 22-24 all *", TRANSPORT_TCP, "*", 24, true },
	{ "tcp 22-24 all *", TRANSPORT_TCP, "*", 25, false },
	{ "tcp 0-65535 all *", TRANSPORT_TCP, "*", 65535, true },
	{ "udp framehawk all *", TRANSPORT_UDP, "*", 3324, true },
	{ "udp framehawk all *", TRANSPORT_UDP, "*", 3325, false },
	{ "tcp,udp framehawk all *", TRANSPORT_TCP, "*", 3324, false },
	{ "udp ephemeral all *", TRANSPORT_UDP, "*", 32768, true },
	{ "udp ephemeral all *", TRANSPORT_UDP, "*", 32767, false },
	{ "tcp 22 loopback *", TRANSPORT_TCP, "127.0.0.53", 22, true },
	{ "tcp 22 loopback *", TRANSPORT_TCP, "::1", 22, true },
	{ "tcp 22 loopback *", TRANSPORT_TCP, "0.0.0.0", 22, false },
	{ "tcp 22 loopback *", TRANSPORT_TCP, "10.0.0.1", 22, false },
	{ "tcp 22 10.0.0.1 *", TRANSPORT_TCP, "10.0.0.1", 22, true },
	{ "tcp 22 10.0.0.1 *", TRANSPORT_TCP, "10.0.0.2", 22, false },
	{ "tcp 22 10.0.0.1 *", TRANSPORT_TCP, "::ffff:10.0.0.1", 22, true },
	{ "tcp 22 ::ffff:10.0.0.1 *", TRANSPORT_TCP, "::ffff:10.0.0.1", 22, true },
	{ "tcp 22 ::ffff:10.0.0.1 *", TRANSPORT_TCP, "10.0.0.1", 22, true },
	{ "tcp 22 ::ffff:10.0.0.0/104 *", TRANSPORT_TCP, "10.1.0.1", 22, true },
	{ "tcp 22 ::ffff:10.0.0.0/104 *", TRANSPORT_TCP, "11.1.0.1", 22, false },
	{ "tcp 22 10.0.0.0/9 *", TRANSPORT_TCP, "10.127.255.255", 22, true },
	{ "tcp 22 10.0.0.0/9 *", TRANSPORT_TCP, "10.128.0.0", 22, false },
	{ "tcp 22 10.0.0.0/9 *", TRANSPORT_TCP, "0.0.0.0", 22, false },
	{ "tcp 22 0.0.0.0/0 *", TRANSPORT_TCP, "0.0.0.0", 22, true },
	{ "tcp 22 0.0.0.0/0 *", TRANSPORT_TCP, "127.0.0.1", 22, true },
	{ "tcp 22 0.0.0.0/0 *", TRANSPORT_TCP, "::", 22, false },
	/* "::" that takes IPv4 as well is more than either. */
	{ "tcp 22 0.0.0.0/0 *", TRANSPORT_TCP, "*", 22, false },
	{ "tcp 22 ::/0 *", TRANSPORT_TCP, "*", 22, false },
	{ "tcp 22 ::/0 *", TRANSPORT_TCP, "::", 22, true },
	{ "tcp 22 ::/0 *", TRANSPORT_TCP, "2001:db8::1", 22, true },
	{ "tcp 22 2001:db8::/33 *", TRANSPORT_TCP, "2001:db8:7fff::", 22, true },
	{ "tcp 22 2001:db8::/33 *", TRANSPORT_TCP, "2001:db8:8000::", 22, false },
	{ "tcp 22 all%eth0 *", TRANSPORT_TCP, "*", 22, false },
};

static void test_places(void **state)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct listener listener =
			invented(places[i].transport, places[i].address, places[i].port);
		struct policy *policy = parsed(places[i].rule);
		bool allowed = policy_match(policy, &listener);

		if (allowed != places[i].allowed)
			fail_msg("'%s' and %s port %u: %d", places[i].rule, places[i].address,
				 places[i].port, allowed);
		assert_int_equal(policy_might_match(policy, &listener), allowed);
		policy_free(policy);
	}
}

static void test_interface(void **state)
{
	struct listener listener = invented(TRANSPORT_TCP, "*", 22);
	struct policy *bound = parsed("tcp 22 all%eth0 *"), *any = parsed("tcp 22 all *");

	listener.interface = "eth0";
	listener.ifindex = 2;
	assert_non_null(policy_match(bound, &listener));
	assert_non_null(policy_match(any, &listener));
	listener.interface = "eth1";
	assert_null(policy_match(bound, &listener));
	policy_free(bound);
	policy_free(any);
}

static const struct {
	const char *who;
	const char *exe, *unit, *container;
	enum container_kind kind;
	bool foreign, allowed;
} people[] = {
	{ "*", "/x", "", "", CONTAINER_NONE, false, true },
	{ "*", "", "", "", CONTAINER_NONE, false, true },
	{ "kernel", "/x", "", "", CONTAINER_NONE, false, false },
	{ "/usr/sbin/sshd", "/usr/sbin/sshd", "", "", CONTAINER_NONE, false, true },
	{ "/usr/sbin/sshd", "/usr/sbin/sshd", "", "", CONTAINER_NONE, true, false },
	{ "/usr/sbin/sshd", "/usr/sbin/sshd2", "", "", CONTAINER_NONE, false, false },
	{ "/usr/sbin/sshd", "", "", "", CONTAINER_NONE, false, false },
	{ "/usr/lib/*/bin/postgres", "/usr/lib/15/bin/postgres", "", "", CONTAINER_NONE, false,
	  true },
	{ "/usr/lib/*/bin/postgres", "/usr/lib/a/b/bin/postgres", "", "", CONTAINER_NONE, false,
	  false },
	{ "\"/a\\\\*b\"", "/a*b", "", "", CONTAINER_NONE, false, true },
	{ "\"/a\\\\*b\"", "/axb", "", "", CONTAINER_NONE, false, false },
	{ "unit:ssh.service", "/x", "ssh.service", "", CONTAINER_NONE, false, true },
	{ "unit:ssh.service", "/x", "", "", CONTAINER_NONE, false, false },
	{ "unit:getty@*.service", "/x", "getty@tty1.service", "", CONTAINER_NONE, true, true },
	{ "/x unit:a.service", "/x", "a.service", "", CONTAINER_NONE, false, true },
	{ "/x unit:a.service", "/x", "b.service", "", CONTAINER_NONE, false, false },
	{ "/x unit:a.service", "/y", "a.service", "", CONTAINER_NONE, false, false },
	{ "container:docker", "/x", "", "abc", CONTAINER_DOCKER, true, true },
	{ "container:docker", "/x", "", "abc", CONTAINER_PODMAN, true, false },
	{ "container:docker", "/x", "", "", CONTAINER_NONE, false, false },
	{ "container:lxc/web*", "/x", "", "web1", CONTAINER_LXC, true, true },
	{ "container:lxc/web*", "/x", "", "db1", CONTAINER_LXC, true, false },
	{ "container:docker /x", "/x", "", "abc", CONTAINER_DOCKER, true, true },
	{ "container:docker /x", "/y", "", "abc", CONTAINER_DOCKER, true, false },
};

static void test_people(void **state)
{
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		struct listener_owner owner = invented_owner(7, "name", people[i].exe);
		const struct listener_owner *owners[] = { &owner };
		struct listener listener = invented(TRANSPORT_TCP, "*", 22);
		struct policy *policy;
		char text[128];

		owner.unit = people[i].unit;
		owner.container = people[i].container;
		owner.container_kind = people[i].kind;
		owner.exe_foreign = people[i].foreign;
		invented_hold(&listener, owners, 1);
		snprintf(text, sizeof(text), "tcp 22 all %s", people[i].who);
		policy = parsed(text);
		if (!policy_match(policy, &listener) == people[i].allowed)
			fail_msg("'%s' and %s: %d", text, people[i].exe, !people[i].allowed);
		assert_int_equal(policy_rule_is_for(policy_next(policy, NULL), &listener),
				 people[i].allowed);
		policy_free(policy);
	}
}

static void test_kernel(void **state)
{
	struct listener listener = invented(TRANSPORT_TCP, "*", 2049);
	struct policy *kernel = parsed("tcp 2049 all kernel"), *path = parsed("tcp 2049 all /x");

	/* Unreadable is not the kernel, but may be anybody. */
	assert_null(policy_match(kernel, &listener));
	assert_true(policy_might_match(kernel, &listener));
	assert_true(policy_might_match(path, &listener));
	invented_kernel(&listener, "nfsd");
	assert_non_null(policy_match(kernel, &listener));
	assert_null(policy_match(path, &listener));
	assert_false(policy_might_match(path, &listener));
	policy_free(kernel);
	policy_free(path);
}

/* A socket that two share is allowed only if both are. */
static void test_all_owners(void **state)
{
	struct listener_owner systemd = invented_owner(1, "systemd", "/usr/lib/systemd/systemd");
	struct listener_owner cupsd = invented_owner(9, "cupsd", "/usr/sbin/cupsd");
	const struct listener_owner *owners[] = { &systemd, &cupsd };
	struct listener listener = invented(TRANSPORT_TCP, "*", 631);
	struct policy *one = parsed("tcp 631 all /usr/sbin/cupsd");
	struct policy *both = parsed("tcp 631 all /usr/sbin/cupsd\n"
				     "tcp 631 all /usr/lib/systemd/systemd");

	invented_hold(&listener, owners, 2);
	assert_null(policy_match(one, &listener));
	assert_false(policy_might_match(one, &listener));
	assert_true(policy_rule_is_for(policy_next(one, NULL), &listener));
	assert_int_equal(policy_rule_line(policy_match(both, &listener)), 2);
	/* An executable that could not be read is no breach, but a gap. */
	systemd.exe = "";
	assert_null(policy_match(one, &listener));
	assert_true(policy_might_match(one, &listener));
	policy_free(one);
	policy_free(both);
}

/* A breach stays one beside an owner that cannot be read. */
static void test_known_breach(void **state)
{
	struct listener_owner sshd = invented_owner(1, "sshd", "/usr/sbin/sshd");
	struct listener_owner evil = invented_owner(9, "sshd", "/tmp/sshd");
	struct listener_owner hidden = invented_owner(10, "sshd", "");
	const struct listener_owner *owners[] = { &sshd, &evil, &hidden };
	struct listener listener = invented(TRANSPORT_TCP, "*", 22);
	struct policy *policy = parsed("tcp 22 all /usr/sbin/sshd");

	invented_hold(&listener, owners, 3);
	assert_false(policy_might_match(policy, &listener));
	policy_free(policy);
}

/* ---- writing ---- */

static char *written(const struct listener *items, size_t count, size_t *ret_unknown)
{
	const struct listeners listeners = { .items = (struct listener *)items, .count = count };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(policy_write(out, &listeners, &fixture.knowledge, ret_unknown), 0);
	fclose(out);
	return text;
}

static void test_written(void **state)
{
	struct listener_owner sshd = invented_owner(1, "sshd", "/usr/sbin/sshd");
	struct listener_owner dig = invented_owner(2, "dig", "/usr/bin/dig");
	struct listener_owner web = invented_owner(3, "python3", "/usr/bin/python3.11");
	struct listener_owner boxed = invented_owner(4, "nginx", "/usr/sbin/nginx");
	const struct listener_owner *owners[] = { &sshd, &dig, &web, &boxed };
	struct listener items[] = {
		invented(TRANSPORT_TCP, "0.0.0.0", 22),	  invented(TRANSPORT_TCP, "::", 22),
		invented(TRANSPORT_TCP, "0.0.0.0", 8080), invented(TRANSPORT_TCP, "127.0.0.1", 80),
		invented(TRANSPORT_TCP, "::1", 80),	  invented(TRANSPORT_UDP, "*", 40000),
		invented(TRANSPORT_UDP, "*", 50000),	  invented(TRANSPORT_TCP, "*", 2049),
		invented(TRANSPORT_TCP, "*", 5000),	  invented(TRANSPORT_UDP, "fe80::1", 546),
		invented(TRANSPORT_TCP, "10.0.0.1", 445),
	};
	size_t unknown = 99;
	char *text;

	web.unit = "web.service";
	boxed.container_kind = CONTAINER_DOCKER;
	boxed.container = "web";
	boxed.container_named = true;
	boxed.exe_foreign = true;
	invented_hold(&items[0], &owners[0], 1);
	invented_hold(&items[1], &owners[0], 1);
	invented_hold(&items[2], &owners[2], 1);
	invented_hold(&items[3], &owners[3], 1);
	invented_hold(&items[4], &owners[3], 1);
	invented_hold(&items[5], &owners[1], 1);
	invented_hold(&items[6], &owners[1], 1);
	invented_kernel(&items[7], "nfsd");
	invented_hold(&items[9], &owners[1], 1);
	items[9].ifindex = 2;
	items[9].interface = "eth0";
	invented_hold(&items[10], owners, 2);
	text = written(items, sizeof(items) / sizeof(items[0]), &unknown);
	assert_int_equal(unknown, 1);
	assert_string_equal(
		text,
		"# What may listen on this host; portscribe(8), listeners, explains it.\n"
		"# transport, ports, reach, who  # comment\n"
		"tcp   22         all          /usr/sbin/sshd  # ssh\n"
		"tcp   80         loopback     container:docker/web /usr/sbin/nginx  # http\n"
		"tcp   445        10.0.0.1     /usr/bin/dig  # microsoft-ds\n"
		"tcp   445        10.0.0.1     /usr/sbin/sshd  # microsoft-ds\n"
		"udp   546        fe80::/10%eth0 /usr/bin/dig  # dhcpv6-client\n"
		"tcp   2049       all          kernel  # nfs\n"
		"# not known: tcp   5000       all          ?\n"
		"tcp   8080       0.0.0.0/0    /usr/bin/python3.11 unit:web.service  # http-alt\n"
		"udp   ephemeral  all          /usr/bin/dig\n");
	free(text);
}

/* What was written allows what was there, whatever the names, and not their look-alikes. */
static void test_round_trip(void **state)
{
	static const char *const names[] = {
		"/usr/sbin/sshd",
		"/opt/my app/x",
		"/a\"b",
		"/a\\b",
		"/a*b",
		"/a[b]c?",
		"/a#b",
		"/a\nb\tc",
		"/\x1b[31m",
		"/\xff\xfe",
		"/tr\xc3\xbc",
		"/e\xe2\x80\xae",
		"/\\x41",
		"/\\*",
		"/a b # tcp 1 all *",
		"/\"",
		"/\\",
		"/a\\\\[!b]\"\n",
		"/end\\",
		"/*",
		"/c\xc2\x82",
	};
	const size_t count = sizeof(names) / sizeof(names[0]);

	for (size_t i = 0; i < count; i++) {
		struct listener_owner owner = invented_owner(7, "x", names[i]);
		struct listener_owner other = invented_owner(8, "x", "/another");
		const struct listener_owner *owners[] = { &owner }, *others[] = { &other };
		struct listener listener = invented(TRANSPORT_TCP, "*", 22);
		struct policy *policy;
		size_t unknown;
		char *text;

		invented_hold(&listener, owners, 1);
		text = written(&listener, 1, &unknown);
		assert_int_equal(unknown, 0);
		for (const char *at = text; *at; at++)
			assert_true((*at >= ' ' && *at < 0x7f) || *at == '\n' || (*at & 0x80));
		policy = parsed(text);
		if (!policy_match(policy, &listener))
			fail_msg("does not allow what it was written for: %s", text);
		invented_hold(&listener, others, 1);
		assert_null(policy_match(policy, &listener));
		for (size_t k = 0; k < count; k++) {
			other.exe = names[k];
			if (k != i && policy_match(policy, &listener))
				fail_msg("allows '%s', too: %s", names[k], text);
		}
		policy_free(policy);
		free(text);
	}
}

static void test_read(void **state)
{
	static const char path[] = "listeners-test.conf";
	struct policy *policy = NULL;
	struct fault fault = {};
	FILE *file;

	remove(path);
	assert_int_equal(policy_read(path, &fixture.knowledge.spans, &policy, &fault), -ENOENT);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("tcp 22 all *\ntcp 23 al *\n", file);
	fclose(file);
	assert_int_equal(policy_read(path, &fixture.knowledge.spans, &policy, &fault), -EINVAL);
	assert_null(policy);
	assert_non_null(strstr(fault.text, "listeners-test.conf:2:8: no reach"));
	assert_int_equal(remove(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_understood),
		cmocka_unit_test(test_places),	   cmocka_unit_test(test_interface),
		cmocka_unit_test(test_people),	   cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_all_owners), cmocka_unit_test(test_known_breach),
		cmocka_unit_test(test_written),	   cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
