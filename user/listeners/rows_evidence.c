/* All that is known of each listener, for -v: some lines a socket. See rows.h. */
#include <string.h>

#include "listeners/rows.h"
#include "render/text.h"

/* On one line, whatever it holds. */
static void print_word(FILE *out, const char *lead, const char *text)
{
	char safe[4 * 4200];

	if (text[0])
		fprintf(out, "%s%s", lead, text_safe(safe, sizeof(safe), text, strlen(text)));
}

static void print_socket(FILE *out, const struct listener *listener)
{
	fprintf(out, "  uid %u; inode %u; cookie %llu", listener->uid, listener->inode,
		(unsigned long long)listener->cookie);
	if (listener->transport == TRANSPORT_UDP)
		fprintf(out, "; %u bytes to read", listener->queued);
	else
		fprintf(out, "; %u of %u connections to accept", listener->queued,
			listener->backlog);
	if (listener->v6only)
		fputs("; IPv6 only", out);
	if (listener->mptcp)
		fputs("; MPTCP", out);
	print_word(out, "; bound to ", listener->interface);
	if (listener->group > 1)
		fprintf(out, "; %u sockets share address and port", listener->group);
	fputc('\n', out);
}

static void print_owner(FILE *out, const struct listener_owner *owner)
{
	fprintf(out, "  process %u", owner->pid);
	print_word(out, " ", owner->name);
	print_word(out, "; ", owner->exe);
	if (owner->exe_deleted)
		fputs(", replaced since it was started", out);
	if (owner->exe_foreign && owner->exe[0])
		fputs(", of other mounts than ours", out);
	print_word(out, "; ", owner->unit);
	if (owner->container_kind != CONTAINER_NONE) {
		fprintf(out, "; container: %s", container_word(owner->container_kind));
		print_word(out, " ", owner->container);
	}
	if (owner->pidns_foreign)
		fprintf(out, "; PID namespace %llu", (unsigned long long)owner->pidns);
	print_word(out, "\n    ", owner->cmdline);
	fputc('\n', out);
}

static void print_practice(FILE *out, const struct overlay *row)
{
	char source[256], safe[512];

	if (!row)
		return;
	overlay_source(row, source, sizeof(source));
	fprintf(out, "  practice: %.*s: %s [%s]\n", SLICE_ARGS(row->label),
		text_safe(safe, sizeof(safe), row->text.text, row->text.length),
		confidence_word(row->confidence));
	print_word(out, "    source: ", source);
	fputc('\n', out);
}

static void print_counts(FILE *out, const struct listener_rows *rows,
			 const struct listener *listener)
{
	const struct snapshot *traffic = rows->traffic;
	char count[32], since[32];

	if (!traffic || listener->netns)
		return;
	text_count(count, sizeof(count),
		   snapshot_port(traffic, listener->transport, SIDE_LOCAL, DIR_IN, listener->port)
			   .packets);
	fprintf(out, "  since %s: %s packets in", text_time(since, sizeof(since), traffic->since),
		count);
	if (listener->transport == TRANSPORT_TCP)
		fprintf(out, "; %llu attempts, %llu answers",
			(unsigned long long)traffic->attempts[listener->port],
			(unsigned long long)traffic->answers[listener->port]);
	fputc('\n', out);
}

static void print_row(FILE *out, const struct listener_rows *rows, const struct listener_row *row)
{
	const struct listener *listener = row->listener;
	const struct listener_netns *netns = &rows->listeners->netns[listener->netns];
	char address[LISTENER_ADDRESS_MAX];

	fprintf(out, "%u/%s", listener->port, transport_name(listener->transport));
	if (row->opinion.service.length)
		fprintf(out, " %.*s", SLICE_ARGS(row->opinion.service));
	print_word(out, " at ", listener_address_text(listener, address));
	fprintf(out, " (%s)", listener_scope_word(listener->scope));
	print_word(out, " in ", netns->name);
	fprintf(out, "\n  %s: ", listener_verdict_word(row->opinion.verdict));
	print_word(out, "", row->opinion.reason);
	fputc('\n', out);
	for (size_t i = 0; i < listener->owner_count; i++)
		print_owner(out, listener->owners[i]);
	if (listener->known == OWNERS_KERNEL) {
		fputs("  no process: the kernel's own", out);
		print_word(out, ", ", listener->kernel);
		fputc('\n', out);
	}
	if (listener->known == OWNERS_UNREADABLE)
		fputs("  process ?\n", out);
	print_socket(out, listener);
	if (*row->admits)
		fprintf(out, "  the firewall lets in: %s\n", row->admits);
	print_counts(out, rows, listener);
	print_practice(out, row->opinion.practice);
}

void listener_rows_print_evidence(FILE *out, const struct listener_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (i)
			fputc('\n', out);
		print_row(out, rows, &rows->items[i]);
	}
}
