/*
 * What is known of ports in practice: a linter of the tables that ship with the
 * program, what their reader must refuse and where, and local rows over shipped
 * ones. The linter names every row that is wrong before it fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "registry/knowledge.h"
#include "registry/table.h"

extern const char registry_overlays_tsv[], registry_overlays_tsv_end[];
extern const char registry_companions_tsv[], registry_companions_tsv_end[];

#define TEXT_MAX 160 /* bytes: a sentence, no essay */
#define COMM_MAX 15  /* TASK_COMM_LEN less its NUL */

static struct knowledge knowledge;

static int set_up(void **state)
{
	return knowledge_builtin(&knowledge);
}

static int tear_down(void **state)
{
	knowledge_release(&knowledge);
	return 0;
}

/* ------------------------------------------------------------- the linter */

static unsigned int complaints;

static void complain(const struct overlay *row, const char *what)
{
	print_error("overlays.tsv:%u: %u-%u %.*s: %s\n", row->line, row->first, row->last,
		    SLICE_ARGS(row->name), what);
	complaints++;
}

static void assert_no_complaints(void)
{
	unsigned int count = complaints;

	complaints = 0;
	assert_int_equal(count, 0);
}

static bool is_ascii(struct slice text)
{
	for (uint32_t i = 0; i < text.length; i++)
		if (text.text[i] < ' ' || text.text[i] > '~')
			return false;
	return true;
}

static void lint_text(const struct overlay *row)
{
	if (!row->text.length)
		complain(row, "a sentence is missing");
	if (row->text.length > TEXT_MAX)
		complain(row, "the sentence is too long");
	if (!is_ascii(row->text) || !is_ascii(row->source) || !is_ascii(row->condition) ||
	    !is_ascii(row->successor) || !is_ascii(row->programs))
		complain(row, "not ASCII");
	if (row->text.length && row->text.text[row->text.length - 1] == '.')
		complain(row, "the sentence ends in a full stop");
	if (!row->source.length)
		complain(row, "a source is missing");
}

static void lint_label(const struct overlay *row)
{
	char number[8], label[OVERLAY_LABEL_MAX + 1];

	if (row->label.length > OVERLAY_LABEL_MAX || !is_ascii(row->label)) {
		complain(row, "the label is too long, or not ASCII");
		return;
	}
	memcpy(label, row->label.text, row->label.length);
	label[row->label.length] = '\0';
	snprintf(number, sizeof(number), "%u", row->first);
	if (row->first > 99 && strstr(label, number))
		complain(row, "the label repeats the number");
}

static void lint_programs(const struct overlay *row)
{
	struct slice rest = row->programs, word;

	while (slice_next_word(&rest, &word))
		if (word.length > COMM_MAX)
			complain(row, "a program's name is longer than the kernel keeps it");
}

static void lint_kind(const struct overlay *row)
{
	bool gone = row->kind == OVERLAY_LEGACY || row->kind == OVERLAY_DEAD;

	if (row->successor.length && !gone)
		complain(row, "what is in use has no successor");
	if ((row->kind == OVERLAY_DEAD || row->kind == OVERLAY_ABUSE) && row->exposure)
		complain(row, "nobody should reach what is dead or abuse");
	if ((row->kind == OVERLAY_RISK || row->kind == OVERLAY_USE) && !row->exposure &&
	    !row->condition.length)
		complain(row, "who should reach it is missing");
	if (row->kind == OVERLAY_RISK && row->exposure == EXPOSURE_OPEN)
		complain(row, "a risk is not made to be reached by anybody");
}

/* A row of the registry with exactly these ports (a span), or one for each of them. */
static bool is_registered(const struct overlay *row)
{
	for (unsigned int port = row->first; port <= row->last; port++) {
		const struct service *service = NULL;
		bool found = false;

		while ((service = registry_next_by_port(knowledge.registry, port, service)))
			if (service->status == SERVICE_ASSIGNED &&
			    service->transports & row->transports &&
			    (row->kind != OVERLAY_SPAN || service->last == row->last ||
			     service->first == service->last))
				found = true;
		if (!found)
			return false;
	}
	return true;
}

/* Of a span it says nothing: traceroute has a name at its first port only. */
static bool has_its_name(const struct overlay *row)
{
	return row->kind != OVERLAY_SPAN &&
	       slice_same_name(knowledge_name(&knowledge, row->transports, row->first), row->name);
}

static bool same_product(struct slice a, struct slice b)
{
	uint32_t length = 0;

	while (length < a.length && a.text[length] != '-')
		length++;
	return b.length >= length && !memcmp(a.text, b.text, length) &&
	       (b.length == length || b.text[length] == '-');
}

/* Beside each other only where that has a purpose: another use, or a span around ports. */
static void lint_overlap(const struct overlay *row, const struct overlay *other)
{
	bool same_ports = row->first == other->first && row->last == other->last;

	if (slice_same_name(row->name, other->name) && same_ports)
		complain(row, "an earlier row has this name and these ports");
	if (!(row->transports & other->transports))
		return;
	if (slice_same_name(row->label, other->label) && same_ports)
		complain(row, "an earlier row of these ports has this label");
	if (!same_ports && row->kind != OVERLAY_SPAN && other->kind != OVERLAY_SPAN &&
	    same_product(row->name, other->name))
		complain(row, "it overlaps another row of the same product");
}

static void test_lint(void **state)
{
	const struct overlay_list *list = &knowledge.overlays;

	for (size_t i = 0; i < list->count; i++) {
		const struct overlay *row = &list->rows[i];

		lint_text(row);
		lint_label(row);
		lint_programs(row);
		lint_kind(row);
		if (row->registered && !is_registered(row))
			complain(row, "the registry does not say so");
		if (!row->registered && has_its_name(row))
			complain(row, "the registry has this name here");
		if (i && (row->first < row[-1].first ||
			  (row->first == row[-1].first && row->last < row[-1].last)))
			complain(row, "rows are in the order of their first, then last port");
		for (size_t k = 0; k < i; k++)
			if (list->rows[k].last >= row->first)
				lint_overlap(row, &list->rows[k]);
	}
	assert_no_complaints();
}

static void test_enough(void **state)
{
	static const char *const wanted[] = {
		/* one of each field that administrators meet */
		"postgresql",
		"redis",
		"amqp",
		"kafka",
		"memcached",
		"http",
		"kube-apiserver",
		"nomad",
		"consul",
		"etcd",
		"prometheus",
		"node-exporter",
		"zabbix-agent",
		"ceph",
		"nfs",
		"iscsi",
		"glusterd",
		"smb",
		"vmware-esxi",
		"proxmox-migration",
		"rdp",
		"ssh",
		"openvpn",
		"wireguard",
		"ike",
		"sip",
		"asterisk-rtp",
		"mumble",
		"minecraft",
		"modbus",
		"bacnet",
		"ipp",
		"jetdirect",
		"nut",
		"ipmi",
		"flask",
		"jupyter",
		"ntp",
		"ssdp",
		"chargen",
		"framehawk",
		"sap-dispatcher",
	};

	assert_true(knowledge.overlays.count >= 400);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		bool found = false;

		for (size_t k = 0; k < knowledge.overlays.count; k++)
			found |= overlay_is_called(&knowledge.overlays.rows[k], wanted[i]);
		if (!found)
			print_error("no row is called %s\n", wanted[i]);
		complaints += !found;
	}
	assert_no_complaints();
}

static bool is_known(uint16_t port, struct slice name)
{
	const struct service *service = NULL;
	const struct overlay *row = NULL;

	while ((service = registry_next_by_port(knowledge.registry, port, service)))
		if (slice_same_name(service->name, name))
			return true;
	while ((row = overlay_next_by_port(&knowledge.overlays, port, row)))
		if (slice_same_name(row->name, name))
			return true;
	return false;
}

/* A pair made by hand must speak of what the other tables know. */
static void test_lint_companions(void **state)
{
	unsigned int counts[COMPANION_RULES] = {};

	for (size_t i = 0; i < knowledge.companions.count; i++) {
		const struct companion *row = &knowledge.companions.rows[i];

		counts[row->rule]++;
		if (!is_known(row->main, row->main_name) ||
		    !is_known(row->other, row->other_name)) {
			print_error("companions.tsv: %u %.*s and %u %.*s: not known so\n",
				    row->main, SLICE_ARGS(row->main_name), row->other,
				    SLICE_ARGS(row->other_name));
			complaints++;
		}
		if ((row->rule == COMPANION_HAND) != (row->source.length > 0)) {
			print_error("companions.tsv: %u and %u: a hand-made pair has a source\n",
				    row->main, row->other);
			complaints++;
		}
	}
	assert_no_complaints();
	assert_true(counts[COMPANION_TLS] >= 100);
	assert_true(counts[COMPANION_ROLE] >= 25);
	assert_true(counts[COMPANION_ASSIGNEE] >= 500);
	assert_true(counts[COMPANION_HAND] >= 50);
}

/* ------------------------------------------------------------- companions */

static const struct companion *pair(uint16_t port, uint16_t other)
{
	const struct companion *companion;
	size_t at = 0;

	while ((companion = companion_at(&knowledge.companions, port, at++)))
		if (companion_of(companion, port) == other)
			return companion;
	return NULL;
}

static void assert_pair(uint16_t port, uint16_t other, enum companion_rule rule, const char *role)
{
	const struct companion *companion = pair(port, other);

	assert_non_null(companion);
	assert_ptr_equal(companion, pair(other, port));
	assert_int_equal(companion->main, port);
	assert_int_equal(companion->rule, rule);
	assert_true(slice_equals(companion->role, role));
	assert_true(knowledge_has_pair(&knowledge, companion));
}

static void test_pairs(void **state)
{
	assert_pair(3069, 3068, COMPANION_ROLE, "broadcast half");
	assert_pair(3409, 3410, COMPANION_TLS, "TLS half");
	assert_pair(161, 162, COMPANION_ROLE, "trap port");
	assert_pair(80, 443, COMPANION_HAND, "TLS half");
	assert_pair(500, 4500, COMPANION_HAND, "NAT traversal port");
	assert_pair(123, 4460, COMPANION_HAND, "key exchange");
	assert_pair(5222, 5269, COMPANION_HAND, "port between the servers");
	assert_pair(80, 280, COMPANION_ROLE_FAR, "management port");
	assert_int_equal(pair(80, 280)->confidence, CONFIDENCE_LOW);
	/* Beside each other, and of one assignee. */
	assert_int_equal(pair(2379, 2380)->rule, COMPANION_HAND);
	assert_int_equal(pair(67, 68)->rule, COMPANION_HAND);
	assert_int_equal(pair(52, 54)->rule, COMPANION_ASSIGNEE);
	assert_null(pair(22, 23));
	assert_null(pair(65535, 1));
	/* The surest first. */
	assert_int_equal(companion_at(&knowledge.companions, 80, 0)->other, 443);
	assert_null(companion_at(&knowledge.companions, 3069, 99));
}

/* Names decided, so names must hold: a newer registry may have given the number away. */
static void test_pairs_of_another_registry(void **state)
{
	static const char table[] = "3068\ttcp,udp\tassigned\tls3bcast\t\t\t\t\t\t\t\t\t\t\n"
				    "3069\ttcp,udp\tassigned\tother\t\t\t\t\t\t\t\t\t\t\n";
	struct registry *registry;
	struct knowledge other = knowledge;

	assert_int_equal(registry_parse(table, strlen(table), &registry, NULL, NULL), 0);
	other.registry = registry;
	assert_false(knowledge_has_pair(&other, pair(3069, 3068)));
	assert_true(knowledge_has_pair(&other, pair(500, 4500))); /* by a document, not by names */
	registry_free(registry);
}

/* ------------------------------------------------------------- the reader */

#define REST "\t-\t-\t-\tno\t-\t-\tsource\thigh\n" /* behind the label */
#define ROW  "80\ttcp\tuse\tweb\tWeb" REST

static void test_every_column(void **state)
{
	static const char table[] =
		"# head\n"
		"5900-5999\ttcp,udp,sctp\tspan\tvnc-1\tL (a)\tT t\tp1 p2\tinternal\tyes\tc c\ts s\t"
		"o; o\tmedium\n";
	struct overlay_list list;
	const struct overlay *row;

	assert_int_equal(overlay_list_parse(table, strlen(table), &list, NULL), 0);
	assert_int_equal(list.count, 1);
	row = list.rows;
	assert_int_equal(row->first, 5900);
	assert_int_equal(row->last, 5999);
	assert_int_equal(row->transports, SERVICE_TCP | SERVICE_UDP | SERVICE_SCTP);
	assert_int_equal(row->kind, OVERLAY_SPAN);
	assert_true(slice_equals(row->name, "vnc-1"));
	assert_true(slice_equals(row->label, "L (a)"));
	assert_true(slice_equals(row->text, "T t"));
	assert_true(slice_equals(row->programs, "p1 p2"));
	assert_int_equal(row->exposure, EXPOSURE_INTERNAL);
	assert_true(row->registered);
	assert_true(slice_equals(row->condition, "c c"));
	assert_true(slice_equals(row->successor, "s s"));
	assert_true(slice_equals(row->source, "o; o"));
	assert_int_equal(row->confidence, CONFIDENCE_MEDIUM);
	assert_false(row->local);
	assert_int_equal(row->line, 2);
	overlay_list_release(&list);
	assert_int_equal(overlay_list_parse("", 0, &list, NULL), 0);
	assert_int_equal(list.count, 0);
	assert_null(overlay_next_by_port(&list, 80, NULL));
	overlay_list_release(&list);
}

struct malformed {
	const char *table;
	unsigned int line, column;
	const char *reason; /* part of it */
};

static const struct malformed shipped[] = {
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\tsource\thigh", 1, 44, "no newline" },
	{ ROW "81\ttcp\tuse\tweb\tWeb\n", 2, 19, "columns are missing" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\tsource\thigh\t\n", 1, 44, "too many" },
	{ ROW "# comment\n", 2, 10, "columns are missing" },
	{ "81\ttcp\tuse\tweb\tWeb" REST ROW, 2, 1, "order" },
	{ "80\ttcp\tuse\tweb\t\t-\t-\t-\tno\t-\t-\tsource\thigh\n", 1, 16, "label" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\t-\thigh\n", 1, 33, "source" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\t\thigh\n", 1, 33, "source" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\t-\t-\t-\tsource\thigh\n", 1, 26, "yes or no" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\tsource\t-\n", 1, 40, "confidence" },
};

/* Of a person's file too. */
static const struct malformed both[] = {
	{ "65536\ttcp\tuse\tweb\tWeb" REST, 1, 5, "port" },
	{ "81-80\ttcp\tuse\tweb\tWeb" REST, 1, 4, "ends before it begins" },
	{ "web\ttcp\tuse\tweb\tWeb" REST, 1, 1, "port" },
	{ "80x\ttcp\tuse\tweb\tWeb" REST, 1, 3, "port" },
	{ "80\ticmp\tuse\tweb\tWeb" REST, 1, 4, "transports" },
	{ "80\tudp,tcp\tuse\tweb\tWeb" REST, 1, 8, "transports" },
	{ "80\tdccp\tuse\tweb\tWeb" REST, 1, 4, "dccp" },
	{ "80\ttcp\tused\tweb\tWeb" REST, 1, 8, "kind" },
	{ "80\ttcp\tUse\tweb\tWeb" REST, 1, 8, "kind" },
	{ "80\ttcp\tspan\tweb\tWeb" REST, 1, 1, "more than one port" },
	{ "80\ttcp\tuse\tWeb\tWeb" REST, 1, 12, "name" },
	{ "80\ttcp\tuse\tw_b\tWeb" REST, 1, 13, "name" },
	{ "80\ttcp\tuse\t80\tWeb" REST, 1, 12, "number" },
	{ "80\ttcp\tuse\t-\tWeb" REST, 1, 12, "number" },
	{ "80\ttcp\tuse\tabcdefghijklmnopqrstuvwxyz-01234\tWeb" REST, 1, 43, "31" },
	{ "80\ttcp\tuse\tweb\t-" REST, 1, 16, "label" },
	{ "80\ttcp\tuse\tweb\tabcdefghijklmnopqrstuvwxyz1" REST, 1, 42, "26" },
	{ "80\ttcp\tuse\tweb\tW\"b" REST, 1, 17, "quotes" },
	{ "80\ttcp\tuse\tweb\tW\\b" REST, 1, 17, "quotes" },
	{ "80\ttcp\tuse\tweb\tW\303\253b" REST, 1, 17, "ASCII" },
	{ "80\ttcp\tuse\tweb\tW\033b" REST, 1, 17, "control" },
	{ "80\ttcp\tuse\tweb\tW\377b" REST, 1, 17, "UTF-8" },
	{ "80\ttcp\tuse\tweb\tWeb\r" REST, 1, 19, "control" },
	{ "80\ttcp\tuse\tweb\tWeb\tt\342\200\256t\t-\t-\tno\t-\t-\ts\thigh\n", 1, 21, "control" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\teverybody\tno\t-\t-\ts\thigh\n", 1, 24, "exposure" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tmaybe\t-\t-\ts\thigh\n", 1, 26, "yes or no" },
	{ "80\ttcp\tuse\tweb\tWeb\t-\t-\t-\tno\t-\t-\ts\tsure\n", 1, 35, "confidence" },
};

static const struct malformed local[] = {
	{ "80\ttcp\tuse\tweb\n", 1, 15, "columns are missing" },
	{ "80 tcp use web Web\n", 1, 19, "tabs separate them" },
	{ "\t80\ttcp\tuse\tweb\tWeb\n", 1, 1, "begins with a tab" },
	{ "# fine\n\n80\ttcp\tuse\tweb\tWeb\n\n90\ttcp\n", 5, 7, "columns are missing" },
	{ "80\ttcp\tuse\tweb\tWeb\n80\tudp\tuse\tweb\tWeb\n", 2, 12, "this name and these ports" },
	{ "1-3\ttcp\tspan\tx\tX\n3-4\ttcp\tspan\tx\tX\n", 2, 14, "some of these ports" },
	{ "5-9\ttcp\tspan\tx\tX\n1-2\tudp\tspan\tx\tX\n1-5\ttcp,udp\tspan\tx\tX\n", 3, 18,
	  "some of these ports" },
	{ "1-3\ttcp\tspan\tx\tX\n# no row\n1-3\tudp\tuse\tx\tX\n", 3, 13,
	  "this name and these ports" },
	/* The first row that clashes, whatever its name. */
	{ "1\ttcp\tuse\tx\tX\n2\ttcp\tuse\ta\tA\n1\ttcp\tuse\tx\tX\n2\ttcp\tuse\ta\tA\n", 3, 11,
	  "this name and these ports" },
	{ "80\ttcp\tuse\tweb\tWeb" REST "80\ttcp\tuse\tweb2\tWeb\t1\t2\t-\tno\t-\t-\ts\thigh\tx\n",
	  2, 41, "too many" },
};

static void refuse(const struct malformed *malformed, bool is_local)
{
	size_t length = strlen(malformed->table);
	/* An allocation of its own, so that reading too far is noticed. */
	char *text = malloc(length);
	struct overlay_list list = {};
	struct table_error error = {};
	int err;

	memcpy(text, malformed->table, length);
	if (is_local) {
		err = overlay_list_add_local(&list, text, length, strdup("x.conf"), &error);
	} else {
		err = overlay_list_parse(text, length, &list, &error);
		free(text);
	}
	if (err != -EINVAL || error.line != malformed->line || error.column != malformed->column ||
	    !strstr(error.reason, malformed->reason)) {
		print_error("%d at %u:%u (%s), expected %u:%u (%s): %s\n", err, error.line,
			    error.column, error.reason, malformed->line, malformed->column,
			    malformed->reason, malformed->table);
		complaints++;
	}
	assert_int_equal(list.count, 0);
	overlay_list_release(&list);
}

static void test_malformed(void **state)
{
	for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++)
		refuse(&shipped[i], false);
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		refuse(&both[i], false);
		refuse(&both[i], true);
	}
	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		refuse(&local[i], true);
	assert_no_complaints();
}

/* ------------------------------------------------------------- local rows */

static int add_local(struct overlay_list *list, const char *text)
{
	return overlay_list_add_local(list, strdup(text), strlen(text), strdup("site.conf"), NULL);
}

static const struct overlay *only(const struct overlay_list *list, const char *name)
{
	const struct overlay *found = NULL;

	for (size_t i = 0; i < list->count; i++)
		if (overlay_is_called(&list->rows[i], name)) {
			assert_null(found);
			found = &list->rows[i];
		}
	return found;
}

static void test_local(void **state)
{
	static const char table[] =
		"80\ttcp\tuse\tweb\tWeb" REST "80\ttcp\tuse\tcache\tCache" REST
		"5900-5999\ttcp\tspan\tvnc\tVNC" REST "5900-5999\tudp\tspan\tother\tOther" REST;
	struct overlay_list list;
	const struct overlay *row;
	struct span_list spans = {};

	assert_int_equal(overlay_list_parse(table, strlen(table), &list, NULL), 0);
	assert_int_equal(add_local(&list,
				   "# ours\n"
				   "80 \t\ttcp\tuse\t cache\tOur cache\n" /* replaces */
				   "\n"
				   "80\ttcp\trisk\tadmin\tAdmin page\tOurs\t-\tlocal\n" /* first */
				   "  # a comment\n"
				   "5900-5909\ttcp\tspan\tvnc\tOur VNC\n" /* a span, by its name */
				   "7000-7001\tudp\tspan\tours\tOur thing\n"),
			 0);
	assert_int_equal(list.count, 6);
	row = overlay_next_by_port(&list, 80, NULL);
	assert_true(row->local);
	assert_true(slice_equals(row->label, "Our cache"));
	assert_string_equal(row->origin, "site.conf");
	assert_int_equal(row->line, 2);
	assert_int_equal(row->confidence, CONFIDENCE_HIGH);
	row = overlay_next_by_port(&list, 80, row);
	assert_true(slice_equals(row->label, "Admin page"));
	assert_int_equal(row->exposure, EXPOSURE_LOCAL);
	assert_int_equal(row->source.length, 0);
	row = overlay_next_by_port(&list, 80, row);
	assert_true(slice_equals(row->name, "web"));
	assert_null(overlay_next_by_port(&list, 80, row));
	assert_int_equal(only(&list, "vnc")->last, 5909);
	assert_int_equal(only(&list, "other")->last, 5999);

	/* A second file over the first; a bad one changes nothing. */
	assert_int_equal(add_local(&list, "80\ttcp\tuse\tcache\tCache again"), -EINVAL);
	assert_true(slice_equals(only(&list, "cache")->label, "Our cache"));
	assert_int_equal(add_local(&list, "80\ttcp\tuse\tcache\tCache again\n"), 0);
	assert_true(slice_equals(only(&list, "cache")->label, "Cache again"));
	assert_int_equal(list.count, 6);

	assert_int_equal(overlay_list_spans(&list, &spans), 0);
	assert_int_equal(spans.count, 3);
	assert_string_equal(spans.spans[0].name, "vnc");
	assert_int_equal(spans.spans[0].last, 5909);
	assert_string_equal(spans.spans[0].source, "site.conf:6");
	span_list_release(&spans);
	overlay_list_release(&list);
}

/* Spans of one name may have ports side by side, and the same on other transports. */
static void test_spans_of_a_name(void **state)
{
	struct overlay_list list = {};

	assert_int_equal(add_local(&list, "1-3\ttcp\tspan\tx\tX\n"
					  "4-9\ttcp\tspan\tx\tX\n"
					  "2-5\tudp\tspan\tx\tX\n"
					  "1-9\tsctp\tspan\tx\tX\n"
					  "2-3\ttcp\tuse\tx\tX\n"),
			 0);
	assert_int_equal(list.count, 5);
	/* All of them give way to one span of their name; the use stays. */
	assert_int_equal(add_local(&list, "1-3\tudp\tspan\tx\tX\n"), 0);
	assert_int_equal(list.count, 2);
	overlay_list_release(&list);
}

/* As many rows as a file can have, twice: a command must not take seconds to begin. */
static void test_large_files(void **state)
{
	struct overlay_list list = {};
	clock_t began = clock();

	for (int file = 0; file < 2; file++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		for (int i = 0; i < 40000; i++)
			fprintf(out, "%d\ttcp\tuse\tn%d\tL\n", i, i % 2 ? i : 0);
		fclose(out);
		assert_int_equal(overlay_list_add_local(&list, text, size, strdup("x.conf"), NULL),
				 0);
	}
	assert_int_equal(list.count, 40000);
	overlay_list_release(&list);
	/* 0.05 s here, where comparing all pairs took 12. */
	assert_true((clock() - began) / CLOCKS_PER_SEC < 5);
}

/* What a port finds, against a look at every row. */
static void test_every_port(void **state)
{
	const struct overlay_list *list = &knowledge.overlays;

	for (unsigned int port = 0; port < PORT_COUNT; port++) {
		const struct overlay *found = NULL;

		for (size_t i = 0; i < list->count; i++) {
			const struct overlay *row = &list->rows[i];

			if (row->first > port || row->last < port)
				continue;
			found = overlay_next_by_port(list, port, found);
			assert_ptr_equal(found, row);
		}
		assert_null(overlay_next_by_port(list, port, found));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lint),
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_lint_companions),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_pairs_of_another_registry),
		cmocka_unit_test(test_every_column),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_spans_of_a_name),
		cmocka_unit_test(test_large_files),
		cmocka_unit_test(test_every_port),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
