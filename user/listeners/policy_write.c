/*
 * Writing a policy for what is there: each listener and owner becomes a rule, by
 * what survives restarts and upgrades; the same rule once. See policy.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/policy_internal.h"
#include "render/text.h"
#include "util/cleanup.h"
#include "what.h"

#define REACH_MAX (INET6_ADDRSTRLEN + 24)

/* A line to be: texts are owned. */
struct line {
	uint8_t transport;
	uint16_t port; /* meaningless of @ephemeral */
	bool ephemeral;
	bool unknown; /* its owner cannot be read: a comment */
	char reach[REACH_MAX];
	char *who;
	char *comment;
};

struct lines {
	struct line *items; /* owned */
	size_t count, room;
};

static void lines_release(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		free(lines->items[i].who);
		free(lines->items[i].comment);
	}
	free(lines->items);
}

/* ---- words ---- */

/* Whether the word can stand without quotes, and is no pattern. */
static bool is_plain(const char *text)
{
	size_t length = strlen(text);

	if (!length || text[0] == '#')
		return false;
	for (size_t i = 0, step; i < length; i += step) {
		step = policy_character(text + i, length - i);
		if (!step || strchr(" \t\"\\*?[", text[i]))
			return false;
	}
	return true;
}

/* A name to be found as it is: wildcards lose their meaning, then all is quoted. */
static void put_word(FILE *out, const char *lead, const char *text)
{
	if (is_plain(text)) {
		fprintf(out, "%s%s", lead, text);
		return;
	}
	fprintf(out, "\"%s", lead);
	for (; *text; text++) {
		unsigned char byte = *text;

		if (strchr("\\*?[", byte))
			fputs("\\\\", out);
		if (byte == '\\' || byte == '"')
			fprintf(out, "\\%c", byte);
		else if (byte < ' ' || byte >= 0x7f)
			fprintf(out, "\\x%02x", byte);
		else
			fputc(byte, out);
	}
	fputc('"', out);
}

/* Programs that run others' text: which one they run their file does not tell. */
static bool is_interpreter(const char *exe)
{
	static const char *const starts[] = { "python", "perl", "ruby", "node",	   "php",
					      "java",	"mono", "lua",	"busybox", "guile" };
	const char *slash = strrchr(exe, '/');

	for (size_t i = 0; slash && i < sizeof(starts) / sizeof(starts[0]); i++)
		if (!strncmp(slash + 1, starts[i], strlen(starts[i])))
			return true;
	return false;
}

/* Session and run scopes have another name each time. */
static bool is_lasting_unit(const char *unit)
{
	size_t length = strlen(unit);

	return length > 8 && !strcmp(unit + length - 8, ".service") && strncmp(unit, "run-", 4);
}

/* Its name where it has one: an id is another each time it is made. */
static void put_container(FILE *out, const struct listener_owner *owner)
{
	char lead[32];

	snprintf(lead, sizeof(lead), "container:%s%s", container_word(owner->container_kind),
		 owner->container_named ? "/" : "");
	if (owner->container_named)
		put_word(out, lead, owner->container);
	else
		fputs(lead, out);
}

/* False: nothing that survives a restart is known of it. */
static bool put_who(FILE *out, const struct listener_owner *owner)
{
	bool contained = owner->container_kind != CONTAINER_NONE;
	bool path = owner->exe[0] && (contained || !owner->exe_foreign);
	bool unit = is_lasting_unit(owner->unit) && (!path || is_interpreter(owner->exe));
	const char *blank = "";

	if (contained) {
		put_container(out, owner);
		blank = " ";
	}
	if (path) {
		fputs(blank, out);
		put_word(out, "", owner->exe);
		blank = " ";
	}
	if (unit) {
		fputs(blank, out);
		put_word(out, "unit:", owner->unit);
	}
	return path || unit || contained;
}

static void put_reach(const struct listener *listener, char target[REACH_MAX])
{
	char text[INET6_ADDRSTRLEN] = "all";
	int family;
	const uint8_t *address = listener_plain_address(listener, &family);

	if (listener->scope == LISTENER_LOOPBACK)
		strcpy(text, "loopback");
	else if (listener->scope == LISTENER_ALL && (family == AF_INET || listener->v6only))
		strcpy(text, family == AF_INET ? "0.0.0.0/0" : "::/0");
	/* It comes from the hardware address, or by chance. */
	else if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&listener->address.v6))
		strcpy(text, "fe80::/10");
	else if (listener->scope == LISTENER_ADDRESS)
		inet_ntop(family, address, text, sizeof(text));
	snprintf(target, REACH_MAX, "%s%s%.15s", text, listener->interface[0] ? "%" : "",
		 listener->interface);
}

/* ---- lines ---- */

static const struct span *find_ephemeral(const struct knowledge *knowledge,
					 const struct listener *listener)
{
	for (size_t i = 0; i < knowledge->spans.count; i++) {
		const struct span *span = &knowledge->spans.spans[i];

		if (!strcmp(span->name, "ephemeral") && span->transport == listener->transport &&
		    span->transport == TRANSPORT_UDP && listener->port >= span->first &&
		    listener->port <= span->last)
			return span;
	}
	return NULL;
}

static int add_line(struct lines *lines, const struct line *line)
{
	if (lines->count == lines->room) {
		size_t room = lines->room * 2 + 32;
		struct line *grown = reallocarray(lines->items, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		lines->items = grown;
		lines->room = room;
	}
	lines->items[lines->count++] = *line;
	return 0;
}

/* Who holds it, as a rule says it, owned by the caller; NULL: no memory. */
static char *name_who(const struct listener *listener, const struct listener_owner *owner,
		      bool *ret_unknown)
{
	char *who = NULL;
	size_t size;
	FILE *out = open_memstream(&who, &size);

	if (!out)
		return NULL;
	*ret_unknown = owner ? !put_who(out, owner) : listener->known != OWNERS_KERNEL;
	if (*ret_unknown)
		fputc('?', out);
	else if (!owner)
		fputs("kernel", out);
	if (fclose(out)) {
		free(who);
		return NULL;
	}
	return who;
}

/* Of one owner; NULL: there is none that could be read. */
static int make_line(const struct listener *listener, const struct listener_owner *owner,
		     const struct knowledge *knowledge, struct lines *lines)
{
	struct slice name = knowledge_name(knowledge, 1 << listener->transport, listener->port);
	struct line line = {
		.transport = listener->transport,
		.port = listener->port,
		.ephemeral = find_ephemeral(knowledge, listener),
	};
	int error = -ENOMEM;

	put_reach(listener, line.reach);
	line.who = name_who(listener, owner, &line.unknown);
	line.comment = strndup(name.text, line.ephemeral ? 0 : name.length);
	if (line.who && line.comment)
		error = add_line(lines, &line);
	if (error) {
		free(line.who);
		free(line.comment);
	}
	return error;
}

static int compare(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order;

	if (x->ephemeral != y->ephemeral)
		return x->ephemeral ? 1 : -1;
	if (!x->ephemeral && x->port != y->port)
		return x->port > y->port ? 1 : -1;
	if (x->transport != y->transport)
		return x->transport > y->transport ? 1 : -1;
	order = strcmp(x->who, y->who);
	return order ? order : strcmp(x->reach, y->reach);
}

static bool same_but_reach(const struct line *a, const struct line *b)
{
	return a->ephemeral == b->ephemeral && (a->ephemeral || a->port == b->port) &&
	       a->transport == b->transport && !strcmp(a->who, b->who);
}

/* Many programs open a socket for each family: together these reach all. */
static void join_families(struct lines *lines)
{
	for (size_t i = 0; i + 1 < lines->count; i++) {
		struct line *v4 = &lines->items[i], *v6 = &lines->items[i + 1];

		if (same_but_reach(v4, v6) && !strcmp(v4->reach, "0.0.0.0/0") &&
		    !strcmp(v6->reach, "::/0")) {
			strcpy(v4->reach, "all");
			strcpy(v6->reach, "all");
		}
	}
}

static void print_line(FILE *out, const struct line *line)
{
	char port[16];

	snprintf(port, sizeof(port), "%u", line->port);
	fprintf(out, "%s%-5s %-10s %-12s %s%s%s\n", line->unknown ? "# not known: " : "",
		transport_name(line->transport), line->ephemeral ? "ephemeral" : port, line->reach,
		line->who, line->comment[0] ? "  # " : "", line->comment);
}

static void print_all(FILE *out, struct lines *lines, size_t *ret_unknown)
{
	size_t unknown = 0;

	if (lines->count)
		qsort(lines->items, lines->count, sizeof(*lines->items), compare);
	join_families(lines);
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = &lines->items[i];

		if (i && !compare(line - 1, line))
			continue;
		unknown += line->unknown;
		print_line(out, line);
	}
	*ret_unknown = unknown;
}

int policy_write(FILE *out, const struct listeners *listeners, const struct knowledge *knowledge,
		 size_t *ret_unknown)
{
	_cleanup_(lines_release) struct lines lines = {};
	int error = 0;

	for (size_t i = 0; i < listeners->count && !error; i++) {
		const struct listener *listener = &listeners->items[i];

		if (!listener->owner_count)
			error = make_line(listener, NULL, knowledge, &lines);
		for (size_t k = 0; k < listener->owner_count && !error; k++)
			error = make_line(listener, listener->owners[k], knowledge, &lines);
	}
	if (error)
		return error;
	fputs("# What may listen on this host; portscribe(8), listeners, explains it.\n"
	      "# transport, ports, reach, who  # comment\n",
	      out);
	print_all(out, &lines, ret_unknown);
	return 0;
}
