/*
 * See verdict.h. First what is certain (the policy), then what was seen (a program
 * that is usual there, or another one), then what is only registered.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "listeners/verdict.h"
#include "what.h"

const char *listener_verdict_word(enum listener_verdict verdict)
{
	static const char *const words[VERDICT_COUNT] = {
		[VERDICT_EPHEMERAL] = "ephemeral",   [VERDICT_KNOWN] = "known",
		[VERDICT_EXPECTED] = "expected",     [VERDICT_REGISTERED] = "registered",
		[VERDICT_UNASSIGNED] = "unassigned", [VERDICT_DORMANT] = "dormant",
		[VERDICT_MISMATCH] = "mismatch",     [VERDICT_RISKY] = "risky",
	};

	return words[verdict];
}

/* What is known of one listener on the way to an opinion. */
struct judging {
	const struct listener *listener;
	const struct verdict_facts *facts;
	const struct overlay *usual;   /* the first row that names programs, none of them here */
	const struct overlay *matched; /* the first that names one that is here */
	const struct overlay *gone;    /* registered for what is dead, or legacy without programs */
	const struct overlay *named;   /* any other that is alive */
	const struct overlay *abuse;
	struct slice program; /* that matched */
	bool relayed;	      /* only programs that listen for others hold it */
};

/* ---- programs ---- */

#define COMM_LENGTH 15 /* of a process's name, and so of the programs of practice */

static bool is_program(struct slice word, const char *name, size_t length)
{
	if (length > COMM_LENGTH)
		length = COMM_LENGTH;
	return word.length == length && !memcmp(word.text, name, length);
}

/* By its name, or by its file's, where it calls itself something else. */
static bool runs(const struct listener_owner *owner, struct slice word)
{
	const char *slash = strrchr(owner->exe, '/');

	return (owner->name[0] && is_program(word, owner->name, strlen(owner->name))) ||
	       (slash && is_program(word, slash + 1, strlen(slash + 1)));
}

/* The kernel's word is "nfsd" or "wireguard wg0". */
static bool kernel_is(const struct listener *listener, struct slice word)
{
	return listener_is_of_kernel(listener) &&
	       is_program(word, listener->kernel, strcspn(listener->kernel, " "));
}

static bool find_program(const struct listener *listener, struct slice programs,
			 struct slice *ret_program)
{
	struct slice word;

	while (slice_next_word(&programs, &word)) {
		bool found = kernel_is(listener, word);

		for (size_t i = 0; i < listener->owner_count && !found; i++)
			found = runs(listener->owners[i], word);
		if (found) {
			*ret_program = word;
			return true;
		}
	}
	return false;
}

/* They hold a socket that another program answers, or is started for. */
static bool is_relay(const struct listener_owner *owner)
{
	static const char *const relays[] = { "systemd", "inetd", "xinetd", "docker-proxy",
					      "rootlessport" };

	for (size_t i = 0; i < sizeof(relays) / sizeof(relays[0]); i++)
		if (!strcmp(owner->name, relays[i]))
			return true;
	return false;
}

static bool only_relays(const struct listener *listener)
{
	for (size_t i = 0; i < listener->owner_count; i++)
		if (!is_relay(listener->owners[i]))
			return false;
	return listener->owner_count;
}

/* ---- practice ---- */

static void keep_first(const struct overlay **kept, const struct overlay *row)
{
	if (!*kept)
		*kept = row;
}

static void weigh(struct judging *judging, const struct overlay *row)
{
	if (row->kind == OVERLAY_ABUSE) {
		keep_first(&judging->abuse, row);
		return;
	}
	if (find_program(judging->listener, row->programs, &judging->program)) {
		keep_first(&judging->matched, row);
		return;
	}
	/* Spans are wide and overlap: that another program is usual there says nothing. */
	if (row->kind == OVERLAY_SPAN)
		return;
	if (row->kind == OVERLAY_DEAD || (row->kind == OVERLAY_LEGACY && !row->programs.length)) {
		if (row->registered)
			keep_first(&judging->gone, row);
		return;
	}
	keep_first(row->programs.length ? &judging->usual : &judging->named, row);
}

static void weigh_all(struct judging *judging)
{
	const struct listener *listener = judging->listener;
	const struct overlay *row = NULL;

	while ((row = overlay_next_by_port(&judging->facts->knowledge->overlays, listener->port,
					   row)))
		if (row->transports >> listener->transport & 1)
			weigh(judging, row);
	judging->relayed = only_relays(listener);
}

/* ---- from where it can be reached ---- */

static bool is_private_v4(const uint8_t *v4)
{
	/* RFC 1918, RFC 3927, RFC 6598 */
	return v4[0] == 10 || (v4[0] == 172 && (v4[1] & 0xf0) == 16) ||
	       (v4[0] == 192 && v4[1] == 168) || (v4[0] == 169 && v4[1] == 254) ||
	       (v4[0] == 100 && (v4[1] & 0xc0) == 64);
}

bool address_is_private(int family, const uint8_t *address)
{
	if (family == AF_INET)
		return is_private_v4(address);
	/* RFC 4193, RFC 4291 */
	return (address[0] & 0xfe) == 0xfc || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}

bool listener_is_private(const struct listener *listener)
{
	int family;
	const uint8_t *address = listener_plain_address(listener, &family);

	return listener->scope == LISTENER_ADDRESS && address_is_private(family, address);
}

static bool is_risky(const struct listener *listener, const struct overlay *row)
{
	if (listener->scope == LISTENER_LOOPBACK || !strcmp(listener->interface, "lo"))
		return false;
	if (row->exposure == EXPOSURE_LOCAL)
		return true;
	if (listener_is_private(listener))
		return false;
	return (row->kind == OVERLAY_RISK && row->exposure != EXPOSURE_OPEN) ||
	       (row->kind == OVERLAY_LEGACY && row->exposure == EXPOSURE_NEVER);
}

static const char *who_may(const struct overlay *row)
{
	switch (row->exposure) {
	case EXPOSURE_LIMITED: return "known peers only";
	case EXPOSURE_INTERNAL: return "own networks only";
	case EXPOSURE_LOCAL: return "this host only";
	default: return "nobody from outside";
	}
}

/* ---- the answer ---- */

static void __attribute__((format(printf, 3, 4)))
conclude(struct listener_opinion *opinion, enum listener_verdict verdict, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(opinion->reason, sizeof(opinion->reason), format, arguments);
	va_end(arguments);
	opinion->verdict = verdict;
}

/* "sshd", "the kernel (nfsd)", "?": whom a reason speaks of. */
static const char *who_is(const struct listener *listener, char *target, size_t size)
{
	if (listener->known == OWNERS_KERNEL)
		snprintf(target, size, "the kernel%s%s%s", listener->kernel[0] ? " (" : "",
			 listener->kernel, listener->kernel[0] ? ")" : "");
	else if (listener->owner_count)
		snprintf(target, size, "%.60s", listener->owners[0]->name);
	else
		snprintf(target, size, "?");
	return target;
}

static void conclude_risk(const struct judging *judging, const struct overlay *row,
			  struct listener_opinion *opinion)
{
	char address[LISTENER_ADDRESS_MAX];

	listener_address_text(judging->listener, address);
	opinion->practice = row;
	conclude(opinion, VERDICT_RISKY, "%.*s is for %s, and %s%s reaches it",
		 SLICE_ARGS(row->label), who_may(row),
		 judging->listener->scope == LISTENER_ALL ? "whoever reaches any address"
							  : "whoever reaches ",
		 judging->listener->scope == LISTENER_ALL ? " of this host" : address);
}

static bool is_ephemeral(const struct judging *judging)
{
	const struct listener *listener = judging->listener;

	return listener->port >= judging->facts->ephemeral_first &&
	       listener->port <= judging->facts->ephemeral_last;
}

/* "java, node, nginx or others are", "sshd is": the programs of a row, three at most. */
static void name_usual(const struct overlay *row, char *target, size_t size)
{
	struct slice rest = row->programs, word;
	size_t used = 0, count = 0;

	target[0] = '\0';
	while (count < 3 && slice_next_word(&rest, &word) && used < size)
		used += snprintf(target + used, size - used, "%s%.*s", count++ ? ", " : "",
				 SLICE_ARGS(word));
	if (used < size)
		snprintf(target + used, size - used, "%s %s", rest.length ? " or others" : "",
			 count > 1 ? "are" : "is");
}

static void conclude_usual(const struct judging *judging, struct listener_opinion *opinion)
{
	const struct overlay *row = judging->matched;

	opinion->practice = row;
	if (is_risky(judging->listener, row))
		conclude_risk(judging, row, opinion);
	else
		conclude(opinion, VERDICT_EXPECTED, "%.*s is usual for %.*s",
			 SLICE_ARGS(judging->program), SLICE_ARGS(row->label));
}

static void conclude_other(const struct judging *judging, struct listener_opinion *opinion)
{
	const struct overlay *row = judging->usual;
	char who[80], usual[80];

	opinion->practice = row;
	name_usual(row, usual, sizeof(usual));
	if (judging->listener->known == OWNERS_KNOWN && !judging->relayed)
		conclude(opinion, VERDICT_MISMATCH, "%s, where %s usual for %.*s",
			 who_is(judging->listener, who, sizeof(who)), usual,
			 SLICE_ARGS(row->label));
	else if (is_risky(judging->listener, row))
		conclude_risk(judging, row, opinion);
	else
		conclude(opinion, VERDICT_REGISTERED, "%.*s; %s", SLICE_ARGS(row->label),
			 judging->relayed ? "held by a program that listens for others"
			 : judging->listener->known == OWNERS_KERNEL
				 ? "the kernel itself listens"
				 : "which program listens is not known");
}

static void conclude_kernel(const struct judging *judging, struct listener_opinion *opinion)
{
	conclude(opinion, VERDICT_EXPECTED, "the kernel itself: %s", judging->listener->kernel);
}

/* No program is known to be usual on this port. */
static void conclude_name(const struct judging *judging, struct listener_opinion *opinion)
{
	const struct listener *listener = judging->listener;
	const char *transport = transport_name(listener->transport);
	const struct overlay *row = judging->named;

	if (judging->gone) {
		opinion->practice = judging->gone;
		conclude(opinion, VERDICT_DORMANT, "registered for %.*s, which is %s",
			 SLICE_ARGS(judging->gone->label),
			 judging->gone->kind == OVERLAY_DEAD ? "dead" : "hardly met any more");
	} else if (row) {
		opinion->practice = row;
		if (is_risky(listener, row))
			conclude_risk(judging, row, opinion);
		else
			conclude(opinion, VERDICT_REGISTERED,
				 "%s%.*s; which program is usual is "
				 "not known",
				 practice_lead(row), SLICE_ARGS(row->label));
	} else if (opinion->service.length) {
		conclude(opinion, VERDICT_REGISTERED,
			 "registered for %.*s; which program is usual is not known",
			 SLICE_ARGS(opinion->service));
	} else if (judging->abuse) {
		opinion->practice = judging->abuse;
		conclude(opinion, VERDICT_UNASSIGNED, "no service has %u/%s; %.*s used it",
			 listener->port, transport, SLICE_ARGS(judging->abuse->label));
	} else {
		conclude(opinion, VERDICT_UNASSIGNED, "no service has %u/%s%s", listener->port,
			 transport,
			 is_ephemeral(judging) ? "; of the ephemeral range, perhaps by chance"
					       : "");
	}
}

static void conclude_known(const struct judging *judging, const struct policy_rule *rule,
			   struct listener_opinion *opinion)
{
	const struct overlay *row = judging->matched ? judging->matched
				    : judging->usual ? judging->usual
						     : judging->named;

	opinion->rule = rule;
	opinion->practice = row;
	conclude(opinion, VERDICT_KNOWN, "allowed by line %u of the policy%s",
		 policy_rule_line(rule),
		 row && is_risky(judging->listener, row) ? ", though risky" : "");
}

void listener_judge(const struct listener *listener, const struct verdict_facts *facts,
		    struct listener_opinion *ret_opinion)
{
	struct judging judging = { .listener = listener, .facts = facts };
	const struct policy_rule *rule =
		facts->policy ? policy_match(facts->policy, listener) : NULL;
	struct listener_opinion opinion = {
		.service = registry_name(facts->knowledge->registry, listener->transport,
					 listener->port),
	};

	weigh_all(&judging);
	if (rule)
		conclude_known(&judging, rule, &opinion);
	else if (judging.matched)
		conclude_usual(&judging, &opinion);
	else if (listener_is_of_kernel(listener))
		conclude_kernel(&judging, &opinion);
	else if (listener->transport == TRANSPORT_UDP && is_ephemeral(&judging))
		conclude(&opinion, VERDICT_EPHEMERAL,
			 "a UDP port of the ephemeral range, as clients have them");
	else if (judging.usual)
		conclude_other(&judging, &opinion);
	else
		conclude_name(&judging, &opinion);
	*ret_opinion = opinion;
}
