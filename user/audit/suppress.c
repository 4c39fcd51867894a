/*
 * Strict: a line that is misunderstood would hide what nobody meant to hide. See
 * suppress.h.
 */
#include "audit/suppress.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registry/table.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/grow.h"

#define SIZE_LIMIT ((size_t)1 << 20)

struct suppression {
	enum finding_code code;
	struct what what; /* of `all`: empty */
	bool all;
};

struct suppressions {
	struct suppression *list; /* owned */
	size_t count, capacity;
};

void suppressions_free(struct suppressions *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		what_release(&list->list[i].what);
	free(list->list);
	free(list);
}

/* ---- reading ---- */

static int refuse(struct table_error *error, struct slice line, unsigned int number,
		  const char *where, const char *reason)
{
	if (error)
		*error = (struct table_error){ number, where - line.text + 1, reason };
	return -EINVAL;
}

static bool read_code(struct slice word, enum finding_code *ret_code)
{
	for (enum finding_code code = 0; code < FINDING_CODES; code++)
		if (slice_equals(word, finding_code_word(code))) {
			*ret_code = code;
			return true;
		}
	return false;
}

static int read_what(struct slice word, const struct knowledge *knowledge,
		     struct suppression *suppression)
{
	_cleanup_free_ char *text = strndup(word.text, word.length);
	int error;

	if (!text)
		return -ENOMEM;
	suppression->all = !strcmp(text, "*");
	if (suppression->all)
		return 0;
	error = what_parse(text, knowledge, &suppression->what, NULL);
	suppression->what.text = ""; /* as given: gone with @text */
	return error;
}

static int read_line(struct suppressions *list, struct slice line, unsigned int number,
		     const struct knowledge *knowledge, struct table_error *error)
{
	struct suppression suppression = {};
	struct slice rest = line, code, what, reason;
	int failed;

	if (!slice_next_word(&rest, &code) || *code.text == '#')
		return 0;
	if (!read_code(code, &suppression.code))
		return refuse(error, line, number, code.text, "this is no code of a finding");
	if (!slice_next_word(&rest, &what))
		return refuse(error, line, number, code.text + code.length,
			      "a port, a range, a name or * is missing");
	reason = slice_trim(rest);
	if (!reason.length)
		return refuse(error, line, number, what.text + what.length,
			      "a reason is missing: why is it accepted?");
	if (!array_room(&list->list, list->count, &list->capacity, sizeof(*list->list)))
		return -ENOMEM;
	failed = read_what(what, knowledge, &suppression);
	if (failed)
		return failed == -EINVAL ? refuse(error, line, number, what.text,
						  "this is no port, range or name")
					 : failed;
	list->list[list->count++] = suppression;
	return 0;
}

int suppressions_parse(const char *text, size_t length, const struct knowledge *knowledge,
		       struct suppressions **ret_list, struct table_error *ret_error)
{
	struct suppressions *list = calloc(1, sizeof(*list));
	const char *end = text + length;
	int error = list ? 0 : -ENOMEM;

	for (unsigned int number = 1; !error && text < end; number++) {
		const char *newline = memchr(text, '\n', end - text);
		struct slice line = { text, (newline ? newline : end) - text };

		error = read_line(list, line, number, knowledge, ret_error);
		text = newline ? newline + 1 : end;
	}
	if (error) {
		suppressions_free(list);
		return error;
	}
	*ret_list = list;
	return 0;
}

int suppressions_read(const char *path, const struct knowledge *knowledge,
		      struct suppressions **ret_list, struct fault *fault)
{
	_cleanup_free_ char *text = NULL;
	struct table_error place = {};
	size_t length;
	int error = file_read_trusted(path, SIZE_LIMIT, geteuid(), &text, &length, fault);

	if (error)
		return error;
	error = suppressions_parse(text, length, knowledge, ret_list, &place);
	if (error == -EINVAL)
		return fault_set(fault, error, "%s:%u:%u: %s", path, place.line, place.column,
				 place.reason);
	return error ? fault_set(fault, error, "cannot read '%s': out of memory", path) : 0;
}

/* ---- applying ---- */

/* All ports of the finding are among those that are accepted. */
static bool accepts(const struct suppression *suppression, const struct finding *finding)
{
	if (suppression->code != finding->code)
		return false;
	if (suppression->all)
		return true;
	for (unsigned int t = 0; t < TRANSPORT_COUNT; t++) {
		/* A rule that names no transport concerns all of them. */
		if (finding->transports && !(finding->transports & 1u << t))
			continue;
		for (uint32_t port = finding->first; port <= finding->last; port++)
			if (!what_holds(&suppression->what, t, port))
				return false;
	}
	return true;
}

size_t suppressions_apply(const struct suppressions *list, struct findings *findings)
{
	size_t kept = 0, count = findings->count;

	for (size_t i = 0; i < count; i++) {
		struct finding *finding = &findings->list[i];
		bool accepted = false;

		for (size_t k = 0; k < list->count && !accepted; k++)
			accepted = accepts(&list->list[k], finding);
		if (!accepted) {
			findings->list[kept++] = *finding;
			continue;
		}
		finding_release(finding);
	}
	findings->count = kept;
	return count - kept;
}
