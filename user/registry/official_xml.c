/*
 * The official file as XML, by expat: its records, in the words of the CSV, which
 * IANA makes from the same data. Whatever could make a parser fetch or multiply
 * text (a document type, entities) is refused before it can.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <expat.h>

#include "registry/official_internal.h"
#include "util/slice.h"
#include "registry/table.h"
#include "render/text.h"

#define NAMESPACE "http://www.iana.org/assignments"
#define SEPARATOR '|'
#define DEPTH_MAX 16 /* the file has 4 */

enum element {
	ELEMENT_OTHER, /* what it holds is passed over */
	ELEMENT_REGISTRY,
	ELEMENT_UPDATED,
	ELEMENT_RECORD,
	/* Those that hold text, as the buffers below. */
	ELEMENT_NAME,
	ELEMENT_PROTOCOL,
	ELEMENT_NUMBER,
	ELEMENT_DESCRIPTION,
	ELEMENT_UNAUTHORIZED,
	ELEMENT_NOTE,
	ELEMENT_ASSIGNEE,
	ELEMENT_XREF,
	ELEMENT_COUNT,
};

static const char *const element_names[ELEMENT_COUNT] = {
	[ELEMENT_REGISTRY] = "registry",
	[ELEMENT_UPDATED] = "updated",
	[ELEMENT_RECORD] = "record",
	[ELEMENT_NAME] = "name",
	[ELEMENT_PROTOCOL] = "protocol",
	[ELEMENT_NUMBER] = "number",
	[ELEMENT_DESCRIPTION] = "description",
	[ELEMENT_UNAUTHORIZED] = "unauthorized",
	[ELEMENT_NOTE] = "note",
	[ELEMENT_ASSIGNEE] = "assignee",
	[ELEMENT_XREF] = "xref",
};

struct buffer {
	char *text; /* owned */
	size_t length, room;
};

struct xml {
	struct official_reader *reader;
	XML_Parser parser;
	const char *text;
	size_t length;
	size_t at; /* how far @place is counted */
	struct official_place place;
	enum element stack[DEPTH_MAX];
	unsigned int depth;
	struct buffer buffers[ELEMENT_COUNT]; /* of the record that is open */
	struct buffer contact, reference, registered, modified;
	struct buffer xref_type, xref_data;
	struct official_place record_at, number_at, protocol_at;
	bool has[ELEMENT_COUNT]; /* elements that this record had */
	int error;
};

static void stop(struct xml *xml, int error)
{
	if (!xml->error)
		xml->error = error;
	XML_StopParser(xml->parser, XML_FALSE);
}

/* Counted on from the last time, so that the whole file is counted once. */
static struct official_place here(struct xml *xml)
{
	XML_Index until = XML_GetCurrentByteIndex(xml->parser);

	for (; (XML_Index)xml->at < until && xml->at < xml->length; xml->at++) {
		xml->place.column++;
		if (xml->text[xml->at] == '\n')
			xml->place = (struct official_place){ xml->place.line + 1, 1 };
	}
	return xml->place;
}

static void append(struct xml *xml, struct buffer *buffer, const char *text, size_t length)
{
	if (!length)
		return;
	if (buffer->room - buffer->length < length) {
		size_t room = (buffer->length + length) * 2;
		char *grown = realloc(buffer->text, room);

		if (!grown) {
			stop(xml, -ENOMEM);
			return;
		}
		buffer->text = grown;
		buffer->room = room;
	}
	memcpy(buffer->text + buffer->length, text, length);
	buffer->length += length;
}

static void append_text(struct xml *xml, struct buffer *buffer, const char *text)
{
	append(xml, buffer, text, strlen(text));
}

static void append_buffer(struct xml *xml, struct buffer *buffer, const struct buffer *from)
{
	append(xml, buffer, from->text, from->length);
}

static bool buffer_is(const struct buffer *buffer, const char *text)
{
	return slice_equals((struct slice){ buffer->text, buffer->length }, text);
}

/* ------------------------------------------------------------------ references */

/* "[RFC4960, Section 3]", "[draft-x-00]", "[Jon_Postel]": as the CSV has them. */
static void append_xref(struct xml *xml, struct buffer *to)
{
	const struct buffer *content = &xml->buffers[ELEMENT_XREF];
	size_t start;

	append_text(xml, to, "[");
	if (buffer_is(&xml->xref_type, "rfc")) {
		start = to->length;
		append_buffer(xml, to, &xml->xref_data);
		for (size_t i = start; i < to->length && i < start + 3; i++)
			if (to->text[i] >= 'a' && to->text[i] <= 'z')
				to->text[i] -= 'a' - 'A';
		if (content->length)
			append_text(xml, to, ", ");
		append_buffer(xml, to, content);
	} else if (buffer_is(&xml->xref_type, "rfc-errata")) {
		append_text(xml, to, "RFC Errata ");
		append_buffer(xml, to, &xml->xref_data);
	} else if (buffer_is(&xml->xref_type, "person") || !content->length) {
		append_buffer(xml, to, &xml->xref_data);
	} else {
		append_buffer(xml, to, content);
	}
	append_text(xml, to, "]");
}

static void end_xref(struct xml *xml)
{
	enum element parent = xml->stack[xml->depth - 1];
	struct buffer *to = parent != ELEMENT_RECORD		   ? &xml->buffers[parent]
			    : buffer_is(&xml->xref_type, "person") ? &xml->contact
								   : &xml->reference;

	append_xref(xml, to);
	xml->buffers[ELEMENT_XREF].length = 0;
}

static void begin_xref(struct xml *xml, const XML_Char **attributes)
{
	xml->xref_type.length = xml->xref_data.length = 0;
	for (; *attributes; attributes += 2) {
		if (!strcmp(attributes[0], "type"))
			append_text(xml, &xml->xref_type, attributes[1]);
		else if (!strcmp(attributes[0], "data"))
			append_text(xml, &xml->xref_data, attributes[1]);
	}
}

/* ------------------------------------------------------------------ records */

static void begin_record(struct xml *xml, const XML_Char **attributes)
{
	for (enum element i = 0; i < ELEMENT_COUNT; i++)
		xml->buffers[i].length = 0;
	xml->contact.length = xml->reference.length = 0;
	xml->registered.length = xml->modified.length = 0;
	memset(xml->has, 0, sizeof(xml->has));
	xml->record_at = xml->number_at = xml->protocol_at = here(xml);
	for (; *attributes; attributes += 2) {
		if (!strcmp(attributes[0], "date"))
			append_text(xml, &xml->registered, attributes[1]);
		else if (!strcmp(attributes[0], "updated"))
			append_text(xml, &xml->modified, attributes[1]);
	}
}

static struct slice keep(struct xml *xml, const struct buffer *buffer)
{
	struct slice kept = { "", 0 };

	if (buffer->length) {
		kept.text = arena_copy(&xml->reader->official.arena, buffer->text, buffer->length);
		kept.length = buffer->length;
		if (!kept.text)
			stop(xml, -ENOMEM);
	}
	return kept;
}

static void end_record(struct xml *xml)
{
	/* Until about 2011 the registry named one person, who is assignee and contact. */
	const struct buffer *assignee =
		xml->has[ELEMENT_ASSIGNEE] ? &xml->buffers[ELEMENT_ASSIGNEE] : &xml->contact;
	const struct buffer *columns[OFFICIAL_COLUMNS] = {
		[OFFICIAL_NAME] = &xml->buffers[ELEMENT_NAME],
		[OFFICIAL_DESCRIPTION] = &xml->buffers[ELEMENT_DESCRIPTION],
		[OFFICIAL_ASSIGNEE] = assignee,
		[OFFICIAL_REGISTERED] = &xml->registered,
		[OFFICIAL_MODIFIED] = &xml->modified,
		[OFFICIAL_REFERENCE] = &xml->reference,
		[OFFICIAL_UNAUTHORIZED] = &xml->buffers[ELEMENT_UNAUTHORIZED],
		[OFFICIAL_NOTES] = &xml->buffers[ELEMENT_NOTE],
	};
	struct official_draft draft = {
		.port = keep(xml, &xml->buffers[ELEMENT_NUMBER]),
		.port_at = xml->number_at,
		.transport = keep(xml, &xml->buffers[ELEMENT_PROTOCOL]),
		.transport_at = xml->protocol_at,
	};
	int error;

	for (enum official_column i = 0; i < OFFICIAL_COLUMNS; i++) {
		draft.columns[i] = keep(xml, columns[i]);
		draft.columns_at[i] = xml->record_at;
	}
	if (xml->error)
		return;
	error = official_add(xml->reader, &draft);
	if (error)
		stop(xml, error);
}

/* ------------------------------------------------------------------ elements */

static bool holds_text(enum element element)
{
	return element >= ELEMENT_NAME && element < ELEMENT_XREF;
}

static enum element named(const XML_Char *name)
{
	size_t length = strlen(NAMESPACE);

	if (strncmp(name, NAMESPACE, length) || name[length] != SEPARATOR)
		return ELEMENT_OTHER;
	for (enum element i = ELEMENT_REGISTRY; i < ELEMENT_COUNT; i++)
		if (!strcmp(name + length + 1, element_names[i]))
			return i;
	return ELEMENT_OTHER;
}

/* What an element is, by its name and by what it stands in. */
static enum element element_in(const struct xml *xml, enum element parent, const XML_Char *name)
{
	enum element element = named(name);

	switch (parent) {
	case ELEMENT_REGISTRY:
		if (element == ELEMENT_RECORD || element == ELEMENT_REGISTRY ||
		    (element == ELEMENT_UPDATED && xml->depth == 1))
			return element;
		return ELEMENT_OTHER;
	case ELEMENT_RECORD:
		return holds_text(element) || element == ELEMENT_XREF ? element : ELEMENT_OTHER;
	default:
		if (!holds_text(parent))
			return ELEMENT_OTHER;
		/* Paragraphs and the like are part of the text that they stand in. */
		return element == ELEMENT_XREF ? element : parent;
	}
}

static void refuse_root(struct xml *xml, const XML_Char *name)
{
	const char *local = strrchr(name, SEPARATOR);
	char safe[48];

	local = local ? local + 1 : name;
	if (!strcasecmp(local, "html"))
		stop(xml, official_refuse(xml->reader, here(xml),
					  "an HTML page; the registry's page offers the file "
					  "itself as CSV and as XML"));
	else
		stop(xml, official_refuse(xml->reader, here(xml),
					  "the root is not IANA's registry "
					  "'service-names-port-numbers', but '%s'",
					  text_safe(safe, sizeof(safe), local, strlen(local))));
}

static enum element root_element(struct xml *xml, const XML_Char *name, const XML_Char **attributes)
{
	for (; *attributes; attributes += 2)
		if (!strcmp(attributes[0], "id") &&
		    !strcmp(attributes[1], "service-names-port-numbers") &&
		    named(name) == ELEMENT_REGISTRY)
			return ELEMENT_REGISTRY;
	refuse_root(xml, name);
	return ELEMENT_OTHER;
}

static void begin_part(struct xml *xml, enum element element, enum element parent)
{
	static const bool once[ELEMENT_COUNT] = {
		[ELEMENT_NAME] = true, [ELEMENT_NUMBER] = true, [ELEMENT_PROTOCOL] = true
	};

	/* A break within the text, or a second note. */
	append_text(xml, &xml->buffers[element], " ");
	if (parent != ELEMENT_RECORD)
		return;
	if (once[element] && xml->has[element])
		stop(xml, official_refuse(xml->reader, here(xml), "a second <%s> in one record",
					  element_names[element]));
	xml->has[element] = true;
	if (element == ELEMENT_NUMBER)
		xml->number_at = here(xml);
	else if (element == ELEMENT_PROTOCOL)
		xml->protocol_at = here(xml);
}

static void read_updated(struct official *official, const struct buffer *buffer)
{
	struct slice text = slice_trim((struct slice){ buffer->text, buffer->length });

	if (slice_is_date(text)) {
		memcpy(official->updated, text.text, text.length);
		official->updated[text.length] = '\0';
	}
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *xml = data;
	enum element parent = xml->depth ? xml->stack[xml->depth - 1] : ELEMENT_OTHER, element;

	if (xml->error)
		return;
	if (xml->depth == DEPTH_MAX) {
		stop(xml,
		     official_refuse(xml->reader, here(xml),
				     "elements within %u others: not the registry", DEPTH_MAX));
		return;
	}
	element = xml->depth ? element_in(xml, parent, name) : root_element(xml, name, attributes);
	if (element == ELEMENT_RECORD)
		begin_record(xml, attributes);
	else if (element == ELEMENT_XREF)
		begin_xref(xml, attributes);
	else if (holds_text(element))
		begin_part(xml, element, parent);
	xml->stack[xml->depth++] = element;
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct xml *xml = data;
	enum element element;

	if (xml->error)
		return;
	element = xml->stack[--xml->depth];
	if (element == ELEMENT_RECORD)
		end_record(xml);
	else if (element == ELEMENT_XREF)
		end_xref(xml);
	else if (element == ELEMENT_UPDATED)
		read_updated(&xml->reader->official, &xml->buffers[ELEMENT_UPDATED]);
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length)
{
	struct xml *xml = data;
	enum element element = xml->depth ? xml->stack[xml->depth - 1] : ELEMENT_OTHER;

	if (!xml->error &&
	    (holds_text(element) || element == ELEMENT_XREF || element == ELEMENT_UPDATED))
		append(xml, &xml->buffers[element], text, length);
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system,
			       const XML_Char *public, int has_subset)
{
	struct xml *xml = data;

	if (!strcasecmp(name, "html"))
		refuse_root(xml, name);
	else
		stop(xml, official_refuse(xml->reader, here(xml),
					  "a document type (<!DOCTYPE>), which the registry does "
					  "not have"));
}

/* ------------------------------------------------------------------ the whole */

static int refuse_syntax(struct xml *xml)
{
	enum XML_Error code = XML_GetErrorCode(xml->parser);
	bool cut = code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN ||
		   code == XML_ERROR_PARTIAL_CHAR || code == XML_ERROR_UNCLOSED_CDATA_SECTION;

	if (code == XML_ERROR_NO_MEMORY)
		return -ENOMEM;
	return official_refuse(xml->reader, here(xml), "XML: %s%s", XML_ErrorString(code),
			       cut ? "; the file is cut" : "");
}

static void release(struct xml *xml)
{
	for (enum element i = 0; i < ELEMENT_COUNT; i++)
		free(xml->buffers[i].text);
	free(xml->contact.text);
	free(xml->reference.text);
	free(xml->registered.text);
	free(xml->modified.text);
	free(xml->xref_type.text);
	free(xml->xref_data.text);
	XML_ParserFree(xml->parser);
}

int official_read_xml(struct official_reader *reader, const char *text, size_t length)
{
	struct xml xml = { .reader = reader, .text = text, .length = length, .place = { 1, 1 } };
	int error = 0;

	/* Whatever the head of the file says: it was found to be UTF-8. */
	xml.parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
	if (!xml.parser)
		return -ENOMEM;
	XML_SetUserData(xml.parser, &xml);
	XML_SetElementHandler(xml.parser, on_start, on_end);
	XML_SetCharacterDataHandler(xml.parser, on_text);
	XML_SetStartDoctypeDeclHandler(xml.parser, on_doctype);
	if (XML_Parse(xml.parser, text, length, XML_TRUE) != XML_STATUS_OK)
		error = xml.error ? xml.error : refuse_syntax(&xml);
	if (!error)
		error = xml.error;
	release(&xml);
	return error;
}
