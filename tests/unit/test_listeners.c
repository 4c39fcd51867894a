/*
 * Listeners that never were: what is thought of them and why, what is a change, how
 * they look as text and JSON, whatever their processes call themselves; and what
 * control groups tell of units and containers.
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
#include <sys/prctl.h>
#include <unistd.h>

#include "fixture.h"
#include "invented.h"
#include "listeners/cgroup.h"
#include "listeners/container.h"
#include "listeners/kernel.h"
#include "listeners/process.h"
#include "listeners/rows.h"
#include "util/lookup.h"

static struct fixture_knowledge fixture;
static struct verdict_facts facts = { .ephemeral_first = 32768, .ephemeral_last = 60999 };

/* Rows that the small fixture has none of. */
static const char more_practice[] =
	"53\ttcp,udp\trisk\tdns\tDNS\tNames\tnamed dnsmasq\tlimited\tyes\n"
	"23\ttcp\tlegacy\ttelnet\tTelnet\tClear text\tin.telnetd\tnever\tyes\n"
	"953\ttcp\tuse\trndc\tBIND control\tControl\tnamed\tlocal\tyes\n"
	"2049\ttcp\tuse\tnfs\tNFS\tFiles\tnfsd\tinternal\tyes\n"
	"80\ttcp\tuse\thttp\tHTTP\tWeb\tnginx apache2 httpd caddy\topen\tyes\n"
	"31337\ttcp\tabuse\tback-orifice\tBack Orifice\tA back door\t-\tnever\tno\n"
	"5000-5010\ttcp\tspan\twide\tWide thing\tMany\twided\tinternal\tno\n";

static int set_up(void **state)
{
	fixture_knowledge_load(&fixture);
	facts.knowledge = &fixture.knowledge;
	return overlay_list_add_local(&fixture.knowledge.overlays, strdup(more_practice),
				      strlen(more_practice), strdup("test.conf"), NULL);
}

static int tear_down(void **state)
{
	fixture_knowledge_release(&fixture);
	return 0;
}

/* ---- verdicts ---- */

#define KERNEL "kernel:" /* instead of a name: what the kernel's socket is for */

static const struct {
	enum transport transport;
	const char *address;
	uint16_t port;
	const char *name, *exe; /* NULL: unreadable */
	enum listener_verdict verdict;
	const char *reason;
} opinions[] = {
	{ TRANSPORT_TCP, "*", 22, "sshd", "/usr/sbin/sshd", VERDICT_EXPECTED,
	  "sshd is usual for SSH" },
	{ TRANSPORT_TCP, "*", 22, "python3", "/usr/bin/python3", VERDICT_MISMATCH,
	  "python3, where sshd is usual for SSH" },
	/* It may call itself what it likes: its file counts, too. */
	{ TRANSPORT_TCP, "*", 22, "weird", "/usr/sbin/sshd", VERDICT_EXPECTED,
	  "sshd is usual for SSH" },
	{ TRANSPORT_TCP, "*", 22, NULL, NULL, VERDICT_REGISTERED,
	  "SSH; which program listens is not known" },
	{ TRANSPORT_TCP, "*", 22, "systemd", "", VERDICT_REGISTERED,
	  "SSH; held by a program that listens for others" },
	{ TRANSPORT_TCP, "*", 22, KERNEL, "", VERDICT_REGISTERED,
	  "SSH; the kernel itself listens" },
	{ TRANSPORT_TCP, "*", 80, "python3", "", VERDICT_MISMATCH,
	  "python3, where nginx, apache2, httpd or others are usual for HTTP" },
	/* Risk: by reach, and by who should have it. */
	{ TRANSPORT_TCP, "*", 445, "smbd", "", VERDICT_RISKY,
	  "SMB file sharing is for nobody from outside, and whoever reaches any address of this "
	  "host reaches it" },
	{ TRANSPORT_TCP, "203.0.113.5", 445, "smbd", "", VERDICT_RISKY,
	  "SMB file sharing is for nobody from outside, and whoever reaches 203.0.113.5 reaches "
	  "it" },
	{ TRANSPORT_TCP, "192.168.7.1", 445, "smbd", "", VERDICT_EXPECTED,
	  "smbd is usual for SMB file sharing" },
	{ TRANSPORT_TCP, "127.0.0.1", 445, "smbd", "", VERDICT_EXPECTED,
	  "smbd is usual for SMB file sharing" },
	{ TRANSPORT_TCP, "*", 445, NULL, NULL, VERDICT_RISKY, NULL },
	{ TRANSPORT_TCP, "*", 445, "nc", "", VERDICT_MISMATCH, NULL },
	{ TRANSPORT_UDP, "*", 53, "named", "", VERDICT_RISKY, NULL },
	{ TRANSPORT_UDP, "fd00::1", 53, "named", "", VERDICT_EXPECTED, NULL },
	{ TRANSPORT_UDP, "fe80::1", 53, "named", "", VERDICT_EXPECTED, NULL },
	{ TRANSPORT_UDP, "::ffff:10.0.0.1", 53, "named", "", VERDICT_EXPECTED, NULL },
	{ TRANSPORT_UDP, "2001:db8::1", 53, "named", "", VERDICT_RISKY, NULL },
	{ TRANSPORT_UDP, "100.64.0.1", 53, "named", "", VERDICT_EXPECTED, NULL },
	{ TRANSPORT_UDP, "172.32.0.1", 53, "named", "", VERDICT_RISKY, NULL },
	{ TRANSPORT_TCP, "*", 23, "in.telnetd", "", VERDICT_RISKY, NULL },
	{ TRANSPORT_TCP, "*", 953, "named", "", VERDICT_RISKY,
	  "BIND control is for this host only, and whoever reaches any address of this host "
	  "reaches it" },
	{ TRANSPORT_TCP, "10.0.0.1", 953, "named", "", VERDICT_RISKY, NULL },
	{ TRANSPORT_TCP, "::1", 953, "named", "", VERDICT_EXPECTED, NULL },
	/* Dead, and legacy that nobody names a program of. */
	{ TRANSPORT_TCP, "*", 3409, "x", "", VERDICT_DORMANT,
	  "registered for NetworkLens, which is dead" },
	{ TRANSPORT_TCP, "*", 3069, "x", "", VERDICT_DORMANT,
	  "registered for Powerware UPS mgmt, which is hardly met any more" },
	/* A name without practice, practice without programs, neither. */
	{ TRANSPORT_TCP, "*", 8080, "java", "", VERDICT_REGISTERED,
	  "registered for http-alt; which program is usual is not known" },
	{ TRANSPORT_TCP, "*", 31337, "x", "", VERDICT_UNASSIGNED,
	  "no service has 31337/tcp; Back Orifice used it" },
	{ TRANSPORT_TCP, "*", 4, "x", "", VERDICT_UNASSIGNED, "no service has 4/tcp" },
	{ TRANSPORT_TCP, "*", 45678, "x", "", VERDICT_UNASSIGNED,
	  "no service has 45678/tcp; of the ephemeral range, perhaps by chance" },
	/* Spans tell who is usual, and nothing of who is not. */
	{ TRANSPORT_TCP, "*", 5005, "wided", "", VERDICT_EXPECTED,
	  "wided is usual for Wide thing" },
	{ TRANSPORT_TCP, "*", 5005, "x", "", VERDICT_UNASSIGNED, NULL },
	/* UDP of the ephemeral range is a client's, unless something says otherwise. */
	{ TRANSPORT_UDP, "*", 40000, "dig", "", VERDICT_EPHEMERAL,
	  "a UDP port of the ephemeral range, as clients have them" },
	{ TRANSPORT_UDP, "*", 40000, NULL, NULL, VERDICT_EPHEMERAL, NULL },
	{ TRANSPORT_UDP, "*", 32767, "dig", "", VERDICT_UNASSIGNED, NULL },
	{ TRANSPORT_UDP, "*", 51820, KERNEL "wireguard wg0", "", VERDICT_EXPECTED,
	  "the kernel itself: wireguard wg0" },
	{ TRANSPORT_UDP, "*", 51820, KERNEL, "", VERDICT_EPHEMERAL, NULL },
	{ TRANSPORT_TCP, "*", 2049, KERNEL "nfsd", "", VERDICT_EXPECTED, "nfsd is usual for NFS" },
	/* A guess is none to go by. */
	{ TRANSPORT_TCP, "*", 45678, KERNEL "perhaps lockd", "", VERDICT_UNASSIGNED, NULL },
	{ TRANSPORT_UDP, "*", 45678, KERNEL "perhaps lockd", "", VERDICT_EPHEMERAL, NULL },
	{ TRANSPORT_TCP, "*", 9100, "node_exporter", "", VERDICT_EXPECTED, NULL },
};

static void give(struct listener *listener, struct listener_owner *owner,
		 const struct listener_owner **owners, const char *name, const char *exe)
{
	if (!name)
		return;
	if (!strncmp(name, KERNEL, strlen(KERNEL))) {
		invented_kernel(listener, name + strlen(KERNEL));
		return;
	}
	*owner = invented_owner(7, name, exe);
	owners[0] = owner;
	invented_hold(listener, owners, 1);
}

static void test_verdicts(void **state)
{
	for (size_t i = 0; i < sizeof(opinions) / sizeof(opinions[0]); i++) {
		struct listener listener =
			invented(opinions[i].transport, opinions[i].address, opinions[i].port);
		const struct listener_owner *owners[1];
		struct listener_opinion opinion;
		struct listener_owner owner;

		give(&listener, &owner, owners, opinions[i].name, opinions[i].exe);
		listener_judge(&listener, &facts, &opinion);
		if (opinion.verdict != opinions[i].verdict ||
		    (opinions[i].reason && strcmp(opinion.reason, opinions[i].reason)))
			fail_msg("%u by %s: %s: %s", opinions[i].port,
				 opinions[i].name ? opinions[i].name : "?",
				 listener_verdict_word(opinion.verdict), opinion.reason);
		assert_true(opinion.reason[0]);
	}
}

static void test_known(void **state)
{
	static const char text[] = "tcp 22 all *\n\ntcp 445 all *\n";
	struct verdict_facts with = facts;
	struct listener listener = invented(TRANSPORT_TCP, "*", 445);
	struct listener_opinion opinion;
	struct policy *policy;

	assert_int_equal(policy_parse(text, strlen(text), &fixture.knowledge.spans, &policy, NULL),
			 0);
	with.policy = policy;
	listener_judge(&listener, &with, &opinion);
	assert_int_equal(opinion.verdict, VERDICT_KNOWN);
	assert_string_equal(opinion.reason, "allowed by line 3 of the policy, though risky");
	assert_int_equal(policy_rule_line(opinion.rule), 3);
	listener.port = 23;
	listener_judge(&listener, &with, &opinion);
	assert_null(opinion.rule);
	assert_int_equal(opinion.verdict, VERDICT_RISKY);
	policy_free(policy);
}

static void test_loopback_device(void **state)
{
	struct listener listener = invented(TRANSPORT_TCP, "*", 445);
	struct listener_opinion opinion;

	listener.ifindex = 1;
	listener.interface = "lo";
	listener_judge(&listener, &facts, &opinion);
	assert_int_equal(opinion.verdict, VERDICT_REGISTERED);
}

/* The longest words that may be in a reason fit, or are cut, and end. */
static void test_long_words(void **state)
{
	char name[4000];
	struct listener_owner owner = invented_owner(1, name, "");
	const struct listener_owner *owners[] = { &owner };
	struct listener listener = invented(TRANSPORT_TCP, "*", 22);
	struct listener_opinion opinion;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	invented_hold(&listener, owners, 1);
	listener_judge(&listener, &facts, &opinion);
	assert_int_equal(opinion.verdict, VERDICT_MISMATCH);
	assert_non_null(memchr(opinion.reason, '\0', sizeof(opinion.reason)));
	invented_kernel(&listener, name);
	listener.owner_count = 0;
	listener_judge(&listener, &facts, &opinion);
	assert_non_null(memchr(opinion.reason, '\0', sizeof(opinion.reason)));
}

/* ---- changes ---- */

static void test_compare(void **state)
{
	struct listener_owner a = invented_owner(1, "a", ""), b = invented_owner(2, "b", "");
	struct listener_owner later = a;
	const struct listener_owner *of_a[] = { &a }, *of_b[] = { &b }, *of_both[] = { &a, &b };
	const struct listener_owner *of_later[] = { &later };
	struct listener old[] = {
		invented(TRANSPORT_TCP, "*", 1), invented(TRANSPORT_TCP, "*", 2),
		invented(TRANSPORT_TCP, "*", 3), invented(TRANSPORT_TCP, "*", 4),
		invented(TRANSPORT_TCP, "*", 5), invented(TRANSPORT_TCP, "*", 6),
	};
	struct listener new[sizeof(old) / sizeof(old[0])];
	struct listeners before = { .items = old, .count = 6 },
			 after = { .items = new, .count = 6 };
	struct listener_change *changes;
	size_t count;

	later.start++;
	for (int i = 0; i < 6; i++)
		invented_hold(&old[i], of_a, 1);
	memcpy(new, old, sizeof(old));
	new[1].cookie = 99;		     /* another socket on the same port */
	invented_hold(&new[2], of_both, 2);  /* shared: not another's */
	invented_hold(&new[3], of_b, 1);     /* passed on */
	invented_hold(&new[4], of_later, 1); /* the same number, another process */
	new[5].known = OWNERS_UNREADABLE;    /* nothing can be said */
	new[5].owner_count = 0;
	assert_int_equal(listeners_compare(&before, &after, &changes, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(changes[0].kind, LISTENER_APPEARED);
	assert_ptr_equal(changes[0].after, &new[1]);
	assert_null(changes[0].before);
	assert_int_equal(changes[1].kind, LISTENER_CHANGED_HANDS);
	assert_ptr_equal(changes[1].after, &new[3]);
	assert_ptr_equal(changes[1].before, &old[3]);
	assert_int_equal(changes[2].kind, LISTENER_CHANGED_HANDS);
	assert_ptr_equal(changes[2].after, &new[4]);
	assert_int_equal(changes[3].kind, LISTENER_DISAPPEARED);
	assert_ptr_equal(changes[3].before, &old[1]);
	assert_null(changes[3].after);
	free(changes);
	assert_int_equal(listeners_compare(&before, &before, &changes, &count), 0);
	assert_int_equal(count, 0);
	free(changes);
	before.count = after.count = 0;
	assert_int_equal(listeners_compare(&before, &after, &changes, &count), 0);
	assert_int_equal(count, 0);
	free(changes);
}

/* ---- words ---- */

static const char *address_of(const char *address, uint32_t ifindex, const char *interface)
{
	static char text[LISTENER_ADDRESS_MAX];
	struct listener listener = invented(TRANSPORT_TCP, address, 1);

	listener.ifindex = ifindex;
	listener.interface = interface;
	return listener_address_text(&listener, text);
}

static void test_addresses(void **state)
{
	assert_string_equal(address_of("*", 0, ""), "*");
	assert_string_equal(address_of("::", 0, ""), "::");
	assert_string_equal(address_of("0.0.0.0", 0, ""), "0.0.0.0");
	assert_string_equal(address_of("0.0.0.0", 7, "eth0"), "0.0.0.0%eth0");
	assert_string_equal(address_of("fe80::1", 7, ""), "fe80::1%7");
	assert_string_equal(
		address_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0", 7, "fifteen-letters"),
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0%fifteen-letters");
}

/* ---- rows ---- */

struct scene_of {
	struct listener items[16];
	struct listener_netns netns[2];
	struct listeners listeners;
	struct listener_rows rows;
};

static void make_rows(struct scene_of *scene, size_t count, const struct what *what)
{
	const struct listener_choice choice = { what, what ? 1 : 0 };

	scene->netns[0].name = "";
	scene->netns[1].name = "other";
	scene->listeners.items = scene->items;
	scene->listeners.count = count;
	scene->listeners.netns = scene->netns;
	scene->listeners.netns_count = 2;
	assert_int_equal(listener_rows_make(&scene->listeners, &choice, &facts, &scene->rows), 0);
}

static char *printed(struct scene_of *scene, struct listener_style style)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(listener_rows_print(out, &scene->rows, &style), 0);
	fclose(out);
	return text;
}

static void test_table(void **state)
{
	struct listener_owner sshd = invented_owner(812, "sshd", "/usr/sbin/sshd");
	struct listener_owner workers[] = { invented_owner(901, "nginx", "/usr/sbin/nginx"),
					    invented_owner(902, "nginx", "/usr/sbin/nginx") };
	struct listener_owner boxed = invented_owner(950, "smbd", "/usr/sbin/smbd");
	struct listener_owner dig = invented_owner(960, "dig", "/usr/bin/dig");
	const struct listener_owner *of[] = { &sshd, &workers[0], &workers[1], &boxed, &dig };
	struct scene_of scene = { .items = {
					  invented(TRANSPORT_TCP, "0.0.0.0", 22),
					  invented(TRANSPORT_TCP, "::", 22),
					  invented(TRANSPORT_TCP, "10.0.0.1", 80),
					  invented(TRANSPORT_TCP, "10.0.0.2", 80),
					  invented(TRANSPORT_TCP, "10.0.0.3", 80),
					  invented(TRANSPORT_TCP, "*", 445),
					  invented(TRANSPORT_TCP, "*", 2049),
					  invented(TRANSPORT_UDP, "*", 40000),
					  invented(TRANSPORT_UDP, "*", 40001),
					  invented(TRANSPORT_TCP, "::1", 22),
				  } };
	struct what what;
	char *text;

	sshd.unit = "ssh.service";
	boxed.container_kind = CONTAINER_DOCKER;
	boxed.container = "3f2a91d04c55";
	invented_hold(&scene.items[0], of, 1);
	invented_hold(&scene.items[1], of, 1);
	for (int i = 2; i < 5; i++)
		invented_hold(&scene.items[i], &of[1], 2);
	invented_hold(&scene.items[5], &of[3], 1);
	invented_kernel(&scene.items[6], "nfsd");
	invented_hold(&scene.items[7], &of[4], 1);
	invented_hold(&scene.items[8], &of[4], 1);
	scene.items[9].netns = 1;
	make_rows(&scene, 10, NULL);
	text = printed(&scene, (struct listener_style){});
	assert_string_equal(text,
			    "PORT      NAME          ADDRESS                PROCESS                "
			    "         VERDICT\n"
			    "22/tcp    ssh           *                      sshd 812 (ssh.service) "
			    "         expected\n"
			    "80/tcp    http          10.0.0.1, 10.0.0.2 +1  nginx x2               "
			    "         expected\n"
			    "445/tcp   microsoft-ds  *                      smbd 950 (docker "
			    "3f2a91d04c55)  risky\n"
			    "2049/tcp  nfs           *                      kernel (nfsd)          "
			    "         expected\n"
			    "and 2 UDP ports of clients, in the ephemeral range (-a shows them)\n"
			    "\n"
			    "445/tcp risky: SMB file sharing is for nobody from outside, and "
			    "whoever reaches any address of this host reaches it\n"
			    "\n"
			    "network namespace other:\n"
			    "PORT    NAME  ADDRESS  PROCESS  VERDICT\n"
			    "22/tcp  ssh   ::1      ?        registered\n");
	free(text);
	listener_rows_release(&scene.rows);

	assert_int_equal(what_parse("22", &fixture.knowledge, &what, NULL), 0);
	make_rows(&scene, 10, &what);
	assert_int_equal(scene.rows.count, 3);
	text = printed(&scene, (struct listener_style){ .no_owner = true });
	assert_string_equal(text, "PORT    NAME  ADDRESS  VERDICT\n"
				  "22/tcp  ssh   *        expected\n"
				  "\n"
				  "network namespace other:\n"
				  "PORT    NAME  ADDRESS  VERDICT\n"
				  "22/tcp  ssh   ::1      registered\n");
	free(text);
	listener_rows_release(&scene.rows);
	what_release(&what);
}

/* ---- hostile names ---- */

static const char hostile[] = "\x1b[31m\"\\)\n\t\x01\xff\xe2\x80\xae(";

static void assert_harmless(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		assert_true(*at == '\n' || (*at >= ' ' && *at < 0x7f));
}

static void test_hostile_names(void **state)
{
	struct listener_owner owner = invented_owner(7, hostile, hostile);
	const struct listener_owner *owners[] = { &owner };
	struct scene_of scene = { .items = { invented(TRANSPORT_TCP, "*", 22) } };
	char *text = NULL;
	size_t size, lines = 0;
	json_t *json, *read;
	FILE *out;

	owner.cmdline = owner.unit = owner.container = hostile;
	owner.container_kind = CONTAINER_LXC;
	invented_hold(&scene.items[0], owners, 1);
	scene.items[0].interface = hostile;
	scene.items[0].ifindex = 3;
	scene.netns[0].name = hostile;
	make_rows(&scene, 1, NULL);
	text = printed(&scene, (struct listener_style){});
	assert_harmless(text);
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 4); /* head, row, blank, reason: none more by a name */
	free(text);
	out = open_memstream(&text, &size);
	listener_rows_print_evidence(out, &scene.rows);
	fclose(out);
	assert_harmless(text);
	free(text);
	json = listener_rows_json(&scene.rows);
	text = json_dumps(json, JSON_COMPACT);
	assert_non_null(text);
	assert_null(strchr(text, '\x1b'));
	assert_null(strchr(text, '\n'));
	read = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(read);
	json_decref(read);
	json_decref(json);
	free(text);
	listener_rows_release(&scene.rows);
}

static void test_json(void **state)
{
	struct listener_owner sshd = invented_owner(812, "sshd", "/usr/sbin/sshd");
	const struct listener_owner *owners[] = { &sshd };
	struct scene_of scene = { .items = { invented(TRANSPORT_TCP, "::1", 22),
					     invented(TRANSPORT_UDP, "*", 4) } };
	json_t *json, *first, *owner;

	sshd.unit = "ssh.service";
	invented_hold(&scene.items[0], owners, 1);
	scene.items[0].backlog = 128;
	make_rows(&scene, 2, NULL);
	json = listener_rows_json(&scene.rows);
	assert_string_equal(json_string_value(json_object_get(json, "schema")),
			    "portscribe.listeners.v1");
	assert_int_equal(json_array_size(json_object_get(json, "listeners")), 2);
	first = json_array_get(json_object_get(json, "listeners"), 0);
	assert_string_equal(json_string_value(json_object_get(first, "transport")), "tcp");
	assert_string_equal(json_string_value(json_object_get(first, "family")), "ipv6");
	assert_string_equal(json_string_value(json_object_get(first, "address")), "::1");
	assert_string_equal(json_string_value(json_object_get(first, "scope")), "loopback");
	assert_int_equal(json_integer_value(json_object_get(first, "port")), 22);
	assert_int_equal(json_integer_value(json_object_get(first, "backlog")), 128);
	assert_true(json_is_true(json_object_get(first, "v6only")));
	assert_string_equal(json_string_value(json_object_get(first, "service")), "ssh");
	assert_string_equal(json_string_value(json_object_get(first, "verdict")), "expected");
	owner = json_array_get(json_object_get(first, "owners"), 0);
	assert_int_equal(json_integer_value(json_object_get(owner, "pid")), 812);
	assert_string_equal(json_string_value(json_object_get(owner, "unit")), "ssh.service");
	assert_true(json_is_null(json_object_get(owner, "container")));
	first = json_array_get(json_object_get(json, "listeners"), 1);
	assert_string_equal(json_string_value(json_object_get(first, "owners_known")),
			    "unreadable");
	assert_true(json_is_null(json_object_get(first, "service")));
	assert_int_equal(json_array_size(json_object_get(first, "owners")), 0);
	json_decref(json);
	listener_rows_release(&scene.rows);
}

/* ---- control groups ---- */

#define ID "3f2a91d04c55b7e0a1c2d3e4f5061728394a5b6c7d8e9f00112233445566778a"

static const struct {
	const char *text, *unit, *user_unit;
	enum container_kind kind;
	const char *container, *pod;
} groups[] = {
	{ "0::/system.slice/ssh.service\n", "ssh.service", "", CONTAINER_NONE, "", "" },
	{ "0::/\n", "", "", CONTAINER_NONE, "", "" },
	{ "", "", "", CONTAINER_NONE, "", "" },
	{ "nonsense\n:\n::\n", "", "", CONTAINER_NONE, "", "" },
	{ "0::/init.scope\n", "init.scope", "", CONTAINER_NONE, "", "" },
	{ "0::/system.slice/system-getty.slice/getty@tty1.service\n", "getty@tty1.service", "",
	  CONTAINER_NONE, "", "" },
	{ "0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope", "", CONTAINER_NONE,
	  "", "" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service\n",
	  "user@1000.service", "syncthing.service", CONTAINER_NONE, "", "" },
	/* Below a unit, what a service makes for itself is no unit of systemd's. */
	{ "0::/system.slice/a.service/b.service\n", "a.service", "", CONTAINER_NONE, "", "" },
	/* Version 1, and both: the hierarchy that systemd named counts. */
	{ "12:pids:/x.service\n1:name=systemd:/system.slice/cron.service\n0::/\n", "cron.service",
	  "", CONTAINER_NONE, "", "" },
	{ "5:memory:/docker/" ID "\n0::/\n", "", "", CONTAINER_DOCKER, ID, "" },
	{ "0::/system.slice/docker-" ID ".scope\n", "", "", CONTAINER_DOCKER, ID, "" },
	{ "0::/docker/" ID "/system.slice/nginx.service\n", "nginx.service", "", CONTAINER_DOCKER,
	  ID, "" },
	{ "0::/docker/not-an-id\n", "", "", CONTAINER_NONE, "", "" },
	{ "0::/machine.slice/libpod-" ID ".scope/container\n", "", "", CONTAINER_PODMAN, ID, "" },
	{ "0::/machine.slice/libpod-conmon-" ID ".scope\n", "libpod-conmon-" ID ".scope", "",
	  CONTAINER_NONE, "", "" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope\n", "",
	  "", CONTAINER_PODMAN, ID, "" },
	{ "0::/lxc.payload.web/system.slice/nginx.service\n", "nginx.service", "", CONTAINER_LXC,
	  "web", "" },
	{ "0::/lxc/web\n", "", "", CONTAINER_LXC, "web", "" },
	{ "0::/lxc.monitor.web\n", "", "", CONTAINER_NONE, "", "" },
	{ "0::/kubepods.slice/kubepods-burstable.slice/"
	  "kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice/cri-containerd-" ID
	  ".scope\n",
	  "", "", CONTAINER_KUBERNETES, ID, "0a1b2c3d_1111_2222_3333_444455556666" },
	{ "0::/kubepods/besteffort/pod0a1b2c3d-1111-2222-3333-444455556666/" ID "\n", "", "",
	  CONTAINER_KUBERNETES, ID, "0a1b2c3d-1111-2222-3333-444455556666" },
	{ "0::/system.slice/crio-" ID ".scope\n", "", "", CONTAINER_CRIO, ID, "" },
	{ "0::/system.slice/cri-containerd-" ID ".scope\n", "", "", CONTAINER_CONTAINERD, ID, "" },
	{ "0::/machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service\n",
	  "ssh.service", "", CONTAINER_NSPAWN, "web", "" },
	{ "0::/machine.slice/machine-web.scope\n", "", "", CONTAINER_NSPAWN, "web", "" },
};

static void test_groups(void **state)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct cgroup_meaning meaning;

		cgroup_understand(groups[i].text, strlen(groups[i].text), &meaning);
		if (!slice_equals(meaning.unit, groups[i].unit) ||
		    !slice_equals(meaning.user_unit, groups[i].user_unit) ||
		    meaning.kind != groups[i].kind ||
		    !slice_equals(meaning.container, groups[i].container) ||
		    !slice_equals(meaning.pod, groups[i].pod))
			fail_msg("%s: unit '%.*s' '%.*s', %s '%.*s', pod '%.*s'", groups[i].text,
				 SLICE_ARGS(meaning.unit), SLICE_ARGS(meaning.user_unit),
				 container_word(meaning.kind), SLICE_ARGS(meaning.container),
				 SLICE_ARGS(meaning.pod));
	}
}

/* ---- containers ---- */

static void assert_name(char *name, const char *expected)
{
	if (!expected)
		assert_null(name);
	else
		assert_string_equal(name, expected);
	free(name);
}

static void test_container_names(void **state)
{
	static const char podman[] = "[{\"id\": \"" ID "\", \"names\": [\"web\", \"x\"]},"
				     " {\"id\": \"1\", \"names\": [\"one\"]}, {\"id\": \"2\"}, 7]";
	static const char docker[] = "{\"ID\": \"" ID "\", \"Name\": \"/web\"}";
	static const char *const nothing[] = {
		"", "{", "[]", "{}", "7", "{\"Name\": 7}", "{\"Name\": \"/\"}", "[{\"id\": 7}]"
	};

	assert_name(container_name_docker(docker, strlen(docker)), "web");
	assert_name(container_name_podman(podman, strlen(podman), slice_of(ID)), "web");
	assert_name(container_name_podman(podman, strlen(podman), slice_of("1")), "one");
	assert_name(container_name_podman(podman, strlen(podman), slice_of("2")), NULL);
	assert_name(container_name_podman(podman, strlen(podman), slice_of("3")), NULL);
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
		assert_name(container_name_docker(nothing[i], strlen(nothing[i])), NULL);
		assert_name(container_name_podman(nothing[i], strlen(nothing[i]), slice_of("7")),
			    NULL);
	}
	assert_name(container_name(CONTAINER_LXC, slice_of("web")), NULL);
}

/* ---- this process ---- */

static void test_process(void **state)
{
	struct arena arena = {};
	struct listener_owner owner;
	char name[16];

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, "a) S 1 (\n\"\x1b");
	process_clear(&owner);
	owner.pid = getpid();
	assert_int_equal(process_read(&owner, LISTENER_WANT_ALL, &arena), 0);
	assert_string_equal(owner.name, "a) S 1 (\n\"\x1b");
	assert_true(owner.start > 0);
	assert_non_null(strstr(owner.exe, "/test_listeners"));
	assert_non_null(strstr(owner.cmdline, "test_listeners"));
	assert_false(owner.exe_deleted);
	assert_false(owner.exe_foreign);
	assert_false(owner.pidns_foreign);
	assert_true(process_is_same(&owner));
	owner.start++;
	assert_false(process_is_same(&owner));
	assert_int_equal(process_read(&owner, LISTENER_WANT_ALL, &arena), -ESRCH);
	process_clear(&owner);
	owner.pid = 0x7fffffff;
	assert_int_equal(process_read(&owner, LISTENER_WANT_ALL, &arena), -ESRCH);
	assert_string_equal(owner.exe, "");
	prctl(PR_SET_NAME, name);
	arena_release(&arena);
}

static void test_kernel_threads(void **state)
{
	assert_string_equal(kernel_thread_service("nfsd", TRANSPORT_TCP, 2049), "nfsd");
	assert_null(kernel_thread_service("nfsd", TRANSPORT_TCP, 2050));
	assert_string_equal(kernel_thread_service("ksmbd:eth0", TRANSPORT_TCP, 445), "ksmbd");
	assert_null(kernel_thread_service("ksmbd:eth0", TRANSPORT_UDP, 445));
	assert_string_equal(kernel_thread_service("lockd", TRANSPORT_UDP, 40123), "perhaps lockd");
	assert_null(kernel_thread_service("kworker/0:1", TRANSPORT_TCP, 2049));
}

static void test_lookup(void **state)
{
	struct lookup lookup = {};

	assert_int_equal(lookup_find(&lookup, 0), 0);
	/* Keys that collide under any mask that grows to hold them. */
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_equal(lookup_add(&lookup, i * 65536, i + 1), 0);
	for (uint32_t i = 0; i < 65536; i++)
		assert_int_equal(lookup_find(&lookup, i * 65536),
				 i + 65536 < 100000 ? i + 65537 : i + 1);
	assert_int_equal(lookup_find(&lookup, 1), 0);
	assert_int_equal(lookup.used, 65536);
	lookup_release(&lookup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_loopback_device),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_hostile_names),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_container_names),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_kernel_threads),
		cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
