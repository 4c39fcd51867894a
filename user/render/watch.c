/* See watch.h. */
#include <inttypes.h>
#include <string.h>

#include "listeners/rows.h"
#include "render/json.h"
#include "render/text.h"
#include "render/watch.h"
#include "what.h"

#define TEXT_MAX 512

const char *watch_word(enum watch_kind kind)
{
	static const char *const names[] = {
		[WATCH_PRESENT] = "present",
		[WATCH_APPEARED] = "opened",
		[WATCH_DISAPPEARED] = "closed",
		[WATCH_CHANGED_HANDS] = "handed-over",
	};

	return names[kind];
}

/* ---- text ---- */

/* Priorities of syslog(3). */
enum { PRIORITY_WARNING = 4, PRIORITY_NOTICE = 5, PRIORITY_INFO = 6 };

static int priority_of(const struct watch_line *line)
{
	enum listener_verdict verdict = line->opinion->verdict;

	if (line->report->kind == WATCH_DISAPPEARED)
		return PRIORITY_INFO;
	if (line->permission != PERMISSION_NOT_ASKED
		    ? line->permission != PERMISSION_GIVEN
		    : verdict == VERDICT_RISKY || verdict == VERDICT_MISMATCH ||
			      verdict == VERDICT_DORMANT)
		return PRIORITY_WARNING;
	return line->report->kind == WATCH_PRESENT ? PRIORITY_INFO : PRIORITY_NOTICE;
}

static void print_lead(FILE *out, struct timespec time, int priority,
		       const struct watch_style *style)
{
	char text[40];

	if (style->journal)
		fprintf(out, "<%d>", priority);
	else
		fprintf(out, "%s.%03ld ", text_time(text, sizeof(text), time),
			time.tv_nsec / 1000000);
}

static void safe_append(char *text, size_t *used, const char *format, const char *foreign)
{
	char safe[TEXT_MAX / 2];

	text_safe(safe, sizeof(safe), foreign, strlen(foreign));
	*used += snprintf(text + *used, TEXT_MAX - *used, format, safe);
	if (*used >= TEXT_MAX)
		*used = TEXT_MAX - 1;
}

/* "sshd 801 (ssh.service)"; of several processes the first, and how many more. */
static const char *processes(const struct listener_owner *const *owners, size_t count,
			     char text[TEXT_MAX])
{
	const struct listener_owner *owner = count ? owners[0] : NULL;
	size_t used = 0;

	text[0] = '\0';
	if (!owner)
		return text;
	safe_append(text, &used, "%s", owner->name[0] ? owner->name : "?");
	used += snprintf(text + used, TEXT_MAX - used, " %u", owner->pid);
	if (count > 1)
		used += snprintf(text + used, TEXT_MAX - used, " +%zu", count - 1);
	if (owner->container_kind != CONTAINER_NONE) {
		used += snprintf(text + used, TEXT_MAX - used, " (%s",
				 container_word(owner->container_kind));
		safe_append(text, &used, " %s)", owner->container);
	} else if (owner->unit[0])
		safe_append(text, &used, " (%s)", owner->unit);
	return text;
}

static const char *holder(const struct listener *listener, char text[TEXT_MAX])
{
	size_t used = 0;

	if (listener->known == OWNERS_KERNEL) {
		safe_append(text, &used, listener->kernel[0] ? "kernel (%s)" : "kernel%s",
			    listener->kernel);
		return text;
	}
	if (!listener->owner_count)
		return "?";
	return processes((const struct listener_owner *const *)listener->owners,
			 listener->owner_count, text);
}

/* "*", "10.0.0.1", "127.0.0.1%lo" */
static const char *place(const struct watch_line *line, char text[TEXT_MAX])
{
	const struct listener *listener = line->report->listener;
	char address[LISTENER_ADDRESS_MAX];
	size_t used = 0;

	safe_append(text, &used, "%s", listener_address_text(listener, address));
	if (!line->netns)
		used += snprintf(text + used, TEXT_MAX - used, " in network namespace %u",
				 line->report->netns_inode);
	else if (line->netns->name[0])
		safe_append(text, &used, " in %s", line->netns->name);
	return text;
}

static void print_lived(FILE *out, uint64_t lived_ns)
{
	double seconds = lived_ns / 1e9;

	if (seconds < 0.001)
		fprintf(out, " after %.0f us", seconds * 1e6);
	else if (seconds < 1)
		fprintf(out, " after %.1f ms", seconds * 1000);
	else if (seconds < 120)
		fprintf(out, " after %.1f s", seconds);
	else if (seconds < 7200)
		fprintf(out, " after %.0f min", seconds / 60);
	else
		fprintf(out, " after %.0f h", seconds / 3600);
}

static void print_opinion(FILE *out, const struct watch_line *line, const struct watch_style *style)
{
	const struct listener_opinion *opinion = line->opinion;
	bool loud = style->colour && priority_of(line) == PRIORITY_WARNING;
	const char *word = line->permission == PERMISSION_REFUSED ? "not allowed; "
			   : line->permission == PERMISSION_UNKNOWN
				   ? "whether it is allowed cannot be told; "
				   : "";
	char reason[2 * LISTENER_REASON_MAX];

	fprintf(out, "%s%s%s%s", loud ? "\033[1m" : "", word,
		listener_verdict_word(opinion->verdict), loud ? "\033[m" : "");
	if (opinion->reason[0])
		fprintf(out, ": %s",
			text_safe(reason, sizeof(reason), opinion->reason,
				  strlen(opinion->reason)));
}

/* What ps would show, for who wants to know more of it. */
static void print_owners(FILE *out, const struct watch_line *line, const struct watch_style *style)
{
	const struct listener *listener = line->report->listener;
	char exe[TEXT_MAX], cmdline[TEXT_MAX];

	for (size_t i = 0; i < listener->owner_count; i++) {
		const struct listener_owner *owner = listener->owners[i];

		if (style->journal)
			fprintf(out, "<%d>", PRIORITY_INFO);
		fprintf(out, "    %u %s: %s\n", owner->pid,
			owner->exe[0] ? text_safe(exe, sizeof(exe), owner->exe, strlen(owner->exe))
				      : "?",
			text_safe(cmdline, sizeof(cmdline), owner->cmdline,
				  strlen(owner->cmdline)));
	}
}

void watch_print(FILE *out, const struct watch_line *line, const struct watch_style *style)
{
	const struct watch_report *report = line->report;
	const struct listener *listener = report->listener;
	char text[TEXT_MAX];

	print_lead(out, line->time, priority_of(line), style);
	fprintf(out, "%s %u/%s", watch_word(report->kind), listener->port,
		transport_name(listener->transport));
	if (line->opinion->service.length) {
		text_safe(text, sizeof(text), line->opinion->service.text,
			  line->opinion->service.length);
		fprintf(out, " %s", text);
	}
	fprintf(out, " on %s", place(line, text));
	fprintf(out, " by %s", holder(listener, text));
	if (report->kind == WATCH_CHANGED_HANDS)
		fprintf(out, ", before %s", processes(report->before, report->before_count, text));
	if (report->kind == WATCH_DISAPPEARED) {
		if (report->lived_ns)
			print_lived(out, report->lived_ns);
	} else {
		fputs("; ", out);
		print_opinion(out, line, style);
	}
	fputc('\n', out);
	if (style->verbose && report->kind != WATCH_DISAPPEARED)
		print_owners(out, line, style);
}

void watch_print_lost(FILE *out, uint64_t lost, struct timespec time,
		      const struct watch_style *style)
{
	print_lead(out, time, PRIORITY_WARNING, style);
	fprintf(out,
		"lost %" PRIu64
		" events: more happened at once than --ring has room for; what opened and closed "
		"meanwhile may be missing\n",
		lost);
}

/* ---- JSON ---- */

static json_t *json_moment(struct timespec time)
{
	char text[64];
	struct tm tm;

	gmtime_r(&time.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), ".%06ldZ", time.tv_nsec / 1000);
	return json_string(text);
}

static json_t *json_before(const struct watch_report *report)
{
	json_t *array = json_array();

	for (size_t i = 0; i < report->before_count; i++)
		json_array_append_new(array, listener_owner_json(report->before[i]));
	return array;
}

static json_t *json_netns(const struct watch_line *line)
{
	const struct listener_netns *netns = line->netns;

	if (!netns)
		return json_pack("{s:n, s:I, s:n}", "name", "inode",
				 (json_int_t)line->report->netns_inode, "cookie");
	return json_pack(
		"{s:o, s:I, s:I}", "name",
		netns->name[0] ? json_foreign(netns->name, strlen(netns->name)) : json_null(),
		"inode", (json_int_t)netns->id.inode, "cookie", (json_int_t)netns->id.cookie);
}

json_t *watch_json(const struct watch_line *line)
{
	const struct watch_report *report = line->report;
	json_t *json = json_pack("{s:s, s:s, s:o, s:s, s:o, s:o}", "schema", "portscribe.watch.v1",
				 "event", watch_word(report->kind), "time", json_moment(line->time),
				 "seen_by", report->by_event ? "event" : "look", "namespace",
				 json_netns(line), "listener",
				 listener_json(report->listener, line->opinion, NULL));

	if (!json)
		return NULL;
	if (report->kind == WATCH_DISAPPEARED)
		json_object_set_new(json, "lived",
				    report->lived_ns ? json_real(report->lived_ns / 1e9)
						     : json_null());
	if (report->kind == WATCH_CHANGED_HANDS)
		json_object_set_new(json, "before", json_before(report));
	if (line->permission != PERMISSION_NOT_ASKED)
		json_object_set_new(json, "allowed",
				    line->permission == PERMISSION_UNKNOWN
					    ? json_null()
					    : json_boolean(line->permission == PERMISSION_GIVEN));
	return json;
}

json_t *watch_lost_json(uint64_t lost, struct timespec time)
{
	return json_pack("{s:s, s:s, s:o, s:I}", "schema", "portscribe.watch.v1", "event", "lost",
			 "time", json_moment(time), "count", (json_int_t)lost);
}
