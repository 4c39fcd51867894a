/*
 * The names a number had: carried on from one table to the next, so that a rule or
 * a manual that says `imap3` is understood after the registry has moved on.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "registry/convert_internal.h"

/* The next name of a list that is separated by blanks, which is moved on. */
static bool next_name(struct slice *list, struct slice *ret_name)
{
	const char *blank;

	while (list->length && list->text[0] == ' ') {
		list->text++;
		list->length--;
	}
	if (!list->length)
		return false;
	blank = memchr(list->text, ' ', list->length);
	*ret_name =
		(struct slice){ list->text, blank ? (uint32_t)(blank - list->text) : list->length };
	list->text += ret_name->length;
	list->length -= ret_name->length;
	return true;
}

bool list_has_name(struct slice list, struct slice name)
{
	struct slice other;

	while (next_name(&list, &other))
		if (other.length == name.length && !strncasecmp(other.text, name.text, name.length))
			return true;
	return false;
}

static bool row_has_name(const struct row *row, struct slice name)
{
	return list_has_name(row->name, name) || list_has_name(row->aliases, name);
}

/* Named ranges are made before anything asks, and stand at the start of the rows. */
static bool has_name_now(const struct conversion *conversion, const struct row *row, uint16_t port,
			 uint8_t transports, struct slice name)
{
	if (row_has_name(row, name))
		return true;
	for (size_t i = 0; i < conversion->row_count; i++) {
		const struct row *range = &conversion->rows[i];
		uint8_t on = range->transports ? range->transports : SERVICE_TCP | SERVICE_UDP;

		if (range->first == range->last || !range->name.length)
			break;
		if (range->first <= port && port <= range->last && on & transports &&
		    row_has_name(range, name))
			return true;
	}
	return false;
}

struct names {
	struct conversion *conversion;
	const struct row *row;
	uint16_t port;
	uint8_t transports;
	struct slice former;
};

static int add_name(struct names *names, struct slice name)
{
	struct slice *former = &names->former;
	char *longer;

	if (has_name_now(names->conversion, names->row, names->port, names->transports, name) ||
	    list_has_name(*former, name))
		return 0;
	longer = arena_bytes(&names->conversion->arena, former->length + 1 + name.length);
	if (!longer)
		return -ENOMEM;
	memcpy(longer, former->text, former->length);
	if (former->length)
		longer[former->length++] = ' ';
	memcpy(longer + former->length, name.text, name.length);
	*former = (struct slice){ longer, former->length + name.length };
	return 0;
}

static int add_names(struct names *names, struct slice list)
{
	struct slice name;
	int error = 0;

	while (!error && next_name(&list, &name))
		error = add_name(names, name);
	return error;
}

/*
 * Whether what the table in use says in @before is about @row: of a named range
 * the row of the same numbers, of a port every row that holds it.
 */
static bool is_about(const struct service *before, const struct row *row, unsigned int transport)
{
	if (!(before->transports & 1u << transport))
		return false;
	return row->first == row->last || !row->name.length ||
	       (before->first == row->first && before->last == row->last);
}

static int add_names_before(struct names *names, const struct registry *in_use,
			    unsigned int transport)
{
	const struct service *before = NULL;
	int error = 0;

	while (!error && (before = registry_next_by_port(in_use, names->port, before))) {
		if (!is_about(before, names->row, transport))
			continue;
		error = add_names(names, before->name);
		if (!error)
			error = add_names(names, before->aliases);
		if (!error)
			error = add_names(names, before->former);
	}
	return error;
}

int former_names(struct conversion *conversion, const struct row *row, uint16_t port,
		 struct slice *ret_former)
{
	struct names names = {
		.conversion = conversion,
		.row = row,
		.port = port,
		.transports = row->transports ? row->transports : SERVICE_TCP | SERVICE_UDP,
		.former = { "", 0 },
	};
	int error = 0;

	for (unsigned int i = 0; i < SERVICE_TRANSPORTS && !error; i++)
		if (names.transports & 1u << i)
			error = add_names_before(&names, conversion->in_use, i);
	if (!error)
		*ret_former = names.former;
	return error;
}
