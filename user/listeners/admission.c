/* See admission.h. */
#include "listeners/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
/* Behind sys/socket.h: both define addresses. */
#include <linux/netfilter.h>

#include "reach/brief.h"
#include "util/cleanup.h"

_Static_assert(LISTENER_ADMITS_MAX == REACH_BRIEF_MAX, "one text in two structs");

static const uint8_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };

#define FAMILIES (sizeof(families) / sizeof(families[0]))

bool listener_takes(const struct listener *listener, uint8_t family)
{
	int plain;

	listener_plain_address(listener, &plain);
	if (plain == AF_INET)
		return family == NFPROTO_IPV4;
	return family == NFPROTO_IPV6 || (listener->scope == LISTENER_ALL && !listener->v6only);
}

bool listener_question(const struct listener *listener, uint8_t family,
		       struct reach_question *ret_question)
{
	int plain;
	const uint8_t *address = listener_plain_address(listener, &plain);

	if (!listener_takes(listener, family))
		return false;
	*ret_question = (struct reach_question){
		.family = family,
		.transport = listener->transport,
		.port = listener->port,
		.interface = REACH_ANY_INTERFACE,
		.has_bound = listener->scope != LISTENER_ALL,
	};
	if (ret_question->has_bound)
		ret_question->bound = address_number(family, address);
	return true;
}

/* ---- for all of them ---- */

struct admission {
	struct kernel_ruleset ruleset;
	struct host host;
	struct beside beside;
	struct reach *reach;
	struct reach_question *questions; /* owned */
	struct reach_answer *answers;	  /* owned */
	size_t count;
};

static void admission_release(struct admission *admission)
{
	for (size_t i = 0; admission->answers && i < admission->count; i++)
		reach_answer_release(&admission->answers[i]);
	free(admission->answers);
	free(admission->questions);
	reach_free(admission->reach);
	beside_release(&admission->beside);
	host_release(&admission->host);
	kernel_ruleset_release(&admission->ruleset);
}

static int read_all(struct admission *admission, struct fault *fault)
{
	int error = kernel_ruleset_read(ELEMENTS_ALL, &admission->ruleset, fault);

	if (!error)
		error = host_read(&admission->host, fault);
	return error ? error : beside_read(&admission->host, &admission->beside, fault);
}

/* Of our own namespace, by row, then by family. */
static int ask(struct admission *admission, const struct listener_rows *rows)
{
	size_t room = rows->count * FAMILIES + 1;
	int error = reach_new(&admission->ruleset, &admission->host, &admission->reach);

	admission->questions = reallocarray(NULL, room, sizeof(*admission->questions));
	admission->answers = calloc(room, sizeof(*admission->answers));
	if (error || !admission->questions || !admission->answers)
		return -ENOMEM;
	for (size_t i = 0; i < rows->count; i++)
		for (size_t f = 0; f < FAMILIES && rows->items[i].listener->netns == 0; f++)
			admission->count +=
				listener_question(rows->items[i].listener, families[f],
						  &admission->questions[admission->count]);
	return reach_ask(admission->reach, admission->questions, admission->count,
			 admission->answers);
}

static void take(const struct admission *admission, struct listener_rows *rows)
{
	const struct reach_style style = { .host = &admission->host, .beside = &admission->beside };
	size_t next = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct listener_row *row = &rows->items[i];
		const struct reach_answer *answers[FAMILIES] = { NULL };

		if (row->listener->netns != 0)
			continue;
		for (size_t f = 0; f < FAMILIES; f++)
			if (listener_takes(row->listener, families[f]))
				answers[f] = &admission->answers[next++];
		reach_brief_both(answers[0], answers[1], &style, row->admits);
	}
	rows->admission = true;
}

int listener_rows_admit(struct listener_rows *rows, struct fault *fault)
{
	struct admission admission = { 0 };
	int error = read_all(&admission, fault);

	if (!error && (admission.ruleset.chain_count || admission.beside.count)) {
		error = ask(&admission, rows);
		if (error)
			fault_set(fault, error, "out of memory");
		else
			take(&admission, rows);
	}
	admission_release(&admission);
	return error;
}
