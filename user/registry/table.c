/*
 * Reads the rows of the data files: lines, columns, port numbers, transports.
 * Separate from what the rows mean. Strict, because a table may be replaced by
 * a file from elsewhere: what is not understood is refused with its place.
 */
#include "registry/table.h"

#include <errno.h>
#include <string.h>

#include "util/utf8.h"

enum byte_class {
	BYTE_PLAIN,
	BYTE_END,  /* tab, newline */
	BYTE_WIDE, /* part of a UTF-8 sequence */
	BYTE_BAD,
};

static const uint8_t byte_classes[256] = {
	[0 ... '\t' - 1] = BYTE_BAD,	   ['\t' ... '\n'] = BYTE_END,
	['\n' + 1 ... ' ' - 1] = BYTE_BAD, [127] = BYTE_BAD,
	[128 ... 255] = BYTE_WIDE,
};

void table_init(struct table *table, const char *text, size_t length)
{
	const char *last = memrchr(text, '\n', length);

	*table = (struct table){ .text = text, .next = text, .row = text, .end = text + length };
	table->last = last ? last + 1 : text;
}

int table_refuse(struct table *table, const char *where, const char *reason)
{
	table->column = where - table->row + 1;
	table->reason = reason;
	return -EINVAL;
}

bool table_comment(struct table *table, struct slice *ret_text)
{
	const char *end;

	if (table->next == table->end || *table->next != '#')
		return false;
	end = memchr(table->next, '\n', table->end - table->next);
	if (!end)
		return false;
	*ret_text = (struct slice){ table->next + 1, end - table->next - 1 };
	table->row = table->next;
	table->next = end + 1;
	table->line++;
	return true;
}

/* C1 controls, and what turns the direction of text: it would change what people see. */
static bool is_harmful(uint32_t code)
{
	return code < 0xa0 || code == 0x61c || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/* The length of the character at @at, 0 where it is none, or harmful. */
static size_t wide_length(const unsigned char *at, const unsigned char *end)
{
	uint32_t code;
	size_t length = utf8_character((const char *)at, end - at, &code);

	return length && !is_harmful(code) ? length : 0;
}

/*
 * The first byte from @at on that ends a field or wants a closer look, eight at
 * a time: the embedded tables are read at every start of the program. There is
 * a newline ahead.
 */
static const unsigned char *plain_pass(const unsigned char *at, const unsigned char *end)
{
	static const uint64_t ones = ~0ULL / 255, highs = ~0ULL / 255 * 128;
	uint64_t bytes, below_blank, no_del;

	for (; end - at >= 8; at += 8) {
		memcpy(&bytes, at, sizeof(bytes));
		below_blank = (bytes - ones * ' ') & ~bytes;
		no_del = bytes ^ (ones * 0x7f);
		if ((below_blank | ((no_del - ones) & ~no_del) | bytes) & highs)
			break;
	}
	while (byte_classes[*at] == BYTE_PLAIN)
		at++;
	return at;
}

/* The end of the field that starts at @at: a tab or a newline. NULL: not clean text, see @table. */
static const unsigned char *field_end(struct table *table, const unsigned char *at)
{
	const unsigned char *end = (const unsigned char *)table->end;
	size_t length;

	for (;;) {
		at = plain_pass(at, end);
		if (byte_classes[*at] == BYTE_END)
			return at;
		length = byte_classes[*at] == BYTE_WIDE ? wide_length(at, end) : 0;
		if (!length) {
			table_refuse(table, (const char *)at, "a control character, or not UTF-8");
			return NULL;
		}
		at += length;
	}
}

/* Step to the next line. 0 at the end of the text. */
static int line_begin(struct table *table)
{
	if (table->next == table->end)
		return 0;
	table->row = table->next;
	table->line++;
	if (table->next >= table->last)
		return table_refuse(table, table->end, "the line is cut: no newline ends it");
	return 1;
}

int table_row(struct table *table, struct slice *fields, unsigned int count)
{
	const unsigned char *at, *end;
	unsigned int i;
	int ret = line_begin(table);

	if (ret <= 0)
		return ret;
	/* There is a newline ahead, so the loops below need no other end. */
	at = (const unsigned char *)table->row;
	for (i = 0; i < count; i++) {
		end = field_end(table, at);
		if (!end)
			return -EINVAL;
		/* Too few columns end in a newline early, too many in a tab late. */
		if ((*end == '\n') != (i + 1 == count))
			return table_refuse(table, (const char *)end,
					    *end == '\n' ? "columns are missing"
							 : "there are too many columns");
		fields[i] = (struct slice){ (const char *)at, end - at };
		at = end + 1;
	}
	table->next = (const char *)at;
	return 1;
}

int table_row_start(struct table *table, struct slice *fields, unsigned int count)
{
	const char *at, *end;
	int ret = line_begin(table);

	if (ret <= 0)
		return ret;
	at = table->row;
	for (unsigned int i = 0; i < count; i++, at = end + 1) {
		for (end = at; *end != '\t'; end++)
			;
		fields[i] = (struct slice){ at, end - at };
	}
	table->next = (const char *)memchr(at, '\n', table->end - at) + 1;
	return 1;
}

static bool is_blank_line(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return *at == '\n' || *at == '#';
}

static struct slice trimmed(const char *at, const char *end)
{
	while (at < end && *at == ' ')
		at++;
	while (at < end && end[-1] == ' ')
		end--;
	return at < end ? (struct slice){ at, end - at } : (struct slice){ "-", 1 };
}

int table_row_loose(struct table *table, struct slice *fields, unsigned int least,
		    unsigned int count)
{
	const unsigned char *at, *end;
	unsigned int i;
	int ret;

	for (;;) {
		ret = line_begin(table);
		if (ret <= 0)
			return ret;
		if (!is_blank_line(table->row))
			break;
		table->next = (const char *)memchr(table->row, '\n', table->end - table->row) + 1;
	}
	at = (const unsigned char *)table->row;
	for (i = 0; *at != '\n'; i++) {
		end = field_end(table, at);
		if (!end)
			return -EINVAL;
		if (i == count)
			return table_refuse(table, (const char *)at, "there are too many columns");
		if (end == at)
			return table_refuse(table, (const char *)at, "the line begins with a tab");
		fields[i] = trimmed((const char *)at, (const char *)end);
		for (at = end; *at == '\t';)
			at++;
	}
	if (i < least)
		return table_refuse(table, (const char *)at,
				    "columns are missing (tabs separate them)");
	for (; i < count; i++)
		fields[i] = (struct slice){ "-", 1 };
	table->next = (const char *)at + 1;
	return 1;
}

/* Decimal digits without leading zeros, up to 65535; *@at is moved behind them. */
static bool read_port(const char **at, const char *end, uint16_t *ret_port)
{
	const char *start = *at;
	unsigned int port = 0;

	while (*at < end && **at >= '0' && **at <= '9') {
		port = port * 10 + (**at - '0');
		if (port > 65535 || (*at > start && *start == '0'))
			return false;
		++*at;
	}
	if (*at == start)
		return false;
	*ret_port = port;
	return true;
}

static const char not_a_port[] = "neither a port from 0 to 65535 nor a range such as 5900-5999";

int table_ports(struct table *table, struct slice field, uint16_t *ret_first, uint16_t *ret_last)
{
	const char *at = field.text, *end = field.text + field.length, *second;
	uint16_t first, last;

	if (!read_port(&at, end, &first))
		return table_refuse(table, at, not_a_port);
	last = first;
	if (at < end && *at == '-') {
		second = ++at;
		if (!read_port(&at, end, &last))
			return table_refuse(table, at, not_a_port);
		/* "22-22" is refused too: a range of one has one way to be written. */
		if (last <= first)
			return table_refuse(table, second, "the range ends before it begins");
	}
	if (at != end)
		return table_refuse(table, at, not_a_port);
	*ret_first = first;
	*ret_last = last;
	return 0;
}

/* One transport at @at, the end of which is @ret_end; 0 where it is none. */
static uint8_t read_transport(const char *at, const char *end, const char **ret_end)
{
	struct slice word = { at, 0 };

	while (at < end && *at != ',')
		at++;
	word.length = at - word.text;
	*ret_end = at;
	if (slice_equals(word, "tcp"))
		return SERVICE_TCP;
	if (slice_equals(word, "udp"))
		return SERVICE_UDP;
	if (slice_equals(word, "sctp"))
		return SERVICE_SCTP;
	if (slice_equals(word, "dccp"))
		return SERVICE_DCCP;
	return 0;
}

int table_transports(struct table *table, struct slice field, uint8_t *ret_transports)
{
	const char *at = field.text, *end = field.text + field.length, *next;
	uint8_t transports = 0, bit;

	for (;; at = next + 1) {
		bit = read_transport(at, end, &next);
		if (!bit || transports >= bit)
			return table_refuse(
				table, at,
				"transports are tcp, udp, sctp, in this order, joined by commas");
		transports |= bit;
		if (next == end)
			break;
	}
	*ret_transports = transports;
	return 0;
}
