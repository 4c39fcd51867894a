/*
 * The official file: columns by name, places of what is refused, XML in the words
 * of the CSV, other kinds of file, and a real snapshot against counts that another
 * reader found in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry/official.h"
#include "util/slice.h"
#include "util/file.h"

#define HEADER                                                                         \
	"Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,"    \
	"Registration Date,Modification Date,Reference,Service Code,Unauthorized Use " \
	"Reported,Assignment Notes\n"

static struct official official;
static char *block;

static void forget(void)
{
	official_release(&official);
	free(block);
	block = NULL;
}

/* "" where it is taken, else "LINE:COLUMN sentence". */
static const char *read_bytes(const char *text, size_t length)
{
	static char said[1024];
	unsigned int line = 99, column = 99;
	struct fault fault = {};

	forget();
	/* In a block of its exact size, so that reading too far is seen. */
	block = malloc(length ? length : 1);
	memcpy(block, text, length);
	if (!official_read(block, length, &official, &fault, &line, &column))
		return "";
	snprintf(said, sizeof(said), "%u:%u %s", line, column, fault.text);
	return said;
}

static const char *read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

static const char *column(size_t record, enum official_column which)
{
	static char text[4][512];
	static unsigned int next;
	struct slice slice = official.records[record].columns[which];
	char *shown = text[next++ % 4];

	snprintf(shown, sizeof(text[0]), "%.*s", (int)slice.length, slice.text);
	return shown;
}

/* ------------------------------------------------------------------ CSV */

static void test_every_column(void **state)
{
	assert_string_equal(read_text(HEADER "ssh,22,tcp,Secure Shell,[A],[B],2001-02,2003-04-05,"
					     "[RFC4251],7,taken,notes\r\n"),
			    "");
	assert_int_equal(official.count, 1);
	assert_int_equal(official.format, OFFICIAL_CSV);
	assert_int_equal(official.records[0].first, 22);
	assert_int_equal(official.records[0].last, 22);
	assert_int_equal(official.records[0].transport, SERVICE_TCP);
	assert_string_equal(column(0, OFFICIAL_NAME), "ssh");
	assert_string_equal(column(0, OFFICIAL_DESCRIPTION), "Secure Shell");
	assert_string_equal(column(0, OFFICIAL_ASSIGNEE), "[A]");
	assert_string_equal(column(0, OFFICIAL_REGISTERED), "2001-02");
	assert_string_equal(column(0, OFFICIAL_MODIFIED), "2003-04-05");
	assert_string_equal(column(0, OFFICIAL_REFERENCE), "[RFC4251]");
	assert_string_equal(column(0, OFFICIAL_UNAUTHORIZED), "taken");
	assert_string_equal(column(0, OFFICIAL_NOTES), "notes");
	assert_string_equal(official.updated, "2003-04-05");
}

static void test_columns_in_any_order_and_unknown_ones(void **state)
{
	assert_string_equal(
		read_text("\xef\xbb\xbf"
			  "Reference,new,\" assignment  notes\",X\n"),
		"1:4 neither the registry as XML nor as CSV, whose first line lacks 'Service "
		"Name', 'Description', "
		"'Assignee', 'Registration Date', 'Modification Date', 'Unauthorized Use "
		"Reported', "
		"'Assignment Notes', 'Port Number', 'Transport Protocol'");
	assert_string_equal(
		read_text("x,Assignment Notes,Reference,Modification Date,REGISTRATION DATE,"
			  "Assignee,Description,Transport Protocol,Known Unauthorized Uses, Port "
			  "Number ,Service Name\n1,no,rf,2001-02,,as,de,UDP,un,7,na\n"),
		"");
	assert_string_equal(column(0, OFFICIAL_NAME), "na");
	assert_string_equal(column(0, OFFICIAL_UNAUTHORIZED), "un");
	assert_string_equal(column(0, OFFICIAL_NOTES), "no");
	assert_int_equal(official.records[0].transport, SERVICE_UDP);
	assert_int_equal(official.records[0].first, 7);
}

/* The column had another name until about 2017. */
static void test_two_names_of_one_column(void **state)
{
	assert_string_equal(
		read_text("Service Name,Port Number,Transport Protocol,Description,Assignee,"
			  "Registration Date,Modification Date,Reference,Unauthorized Use "
			  "Reported,Assignment Notes,Known Unauthorized Uses\n"),
		"1:155 a second column 'Unauthorized Use Reported'");
}

static void test_ranges_and_blank_transports(void **state)
{
	assert_string_equal(read_text(HEADER "x11,6000-6063,tcp,,,,,,,,,\n"
					     "flex-lm,27000-27009,,,,,,,,,,\n"
					     "all, 0 - 65535 ,dccp,,,,,,,,,\n"
					     "one,7-7,sctp,,,,,,,,,\n"),
			    "");
	assert_int_equal(official.count, 4);
	assert_int_equal(official.ranges, 3);
	assert_int_equal(official.records[0].first, 6000);
	assert_int_equal(official.records[0].last, 6063);
	assert_int_equal(official.records[1].transport, 0);
	assert_int_equal(official.records[2].last, 65535);
	assert_int_equal(official.records[2].transport, SERVICE_DCCP);
	assert_int_equal(official.records[3].last, 7);
}

static void test_names_without_number_are_left_out(void **state)
{
	assert_string_equal(read_text(HEADER "tftp,69,udp,,,,,,,,,\naurora,,tcp,,,,,,,,,\n"), "");
	assert_int_equal(official.count, 1);
	assert_int_equal(official.unnumbered, 1);
	assert_string_equal(read_text(HEADER "aurora,,tcp,,,,,,,,,\n"),
			    "0:0 the file has no record with a port number");
	assert_string_equal(read_text(HEADER), "0:0 the file has no record with a port number");
}

static void test_multi_line_record_with_quotes(void **state)
{
	assert_string_equal(read_text(HEADER "whoispp,63,tcp,\"whois++\nIANA assigned \"\"whois++"
					     "\"\".\",,,,,,,,\nx,70000,tcp,,,,,,,,,\n"),
			    "4:3 '70000' is no port number or range within 0-65535");
	assert_string_equal(
		read_text(HEADER "whoispp,63,tcp,\"whois++\nIANA \"\"w\"\".\",,,,,,,,\n"), "");
	assert_string_equal(column(0, OFFICIAL_DESCRIPTION), "whois++\nIANA \"w\".");
}

static void test_refused_records(void **state)
{
	static const struct {
		const char *record, *said;
	} cases[] = {
		{ "a,65536,tcp,,,,,,,,,", "2:3 '65536' is no port number or range within 0-65535" },
		{ "a,4294967318,tcp,,,,,,,,,",
		  "2:3 '4294967318' is no port number or range within 0-65535" },
		{ "a,-1,tcp,,,,,,,,,", "2:3 '-1' is no port number or range within 0-65535" },
		{ "a,022,tcp,,,,,,,,,", "2:3 '022' is no port number or range within 0-65535" },
		{ "a,1-2-3,tcp,,,,,,,,,", "2:3 '1-2-3' is no port number or range within 0-65535" },
		{ "a,1-,tcp,,,,,,,,,", "2:3 '1-' is no port number or range within 0-65535" },
		{ "a,0x16,tcp,,,,,,,,,", "2:3 '0x16' is no port number or range within 0-65535" },
		{ "a,\"2\n2\",tcp,,,,,,,,,",
		  "2:3 '2\\x0a2' is no port number or range within 0-65535" },
		{ "a,23-22,tcp,,,,,,,,,", "2:3 the range '23-22' runs backwards" },
		{ "a,22,icmp,,,,,,,,,",
		  "2:6 'icmp' is no transport: tcp, udp, sctp, dccp or nothing" },
		{ "a,22,\"tcp, udp\",,,,,,,,,",
		  "2:6 'tcp, udp' is no transport: tcp, udp, sctp, dccp or nothing" },
		{ "a,22,\x1b[31m,,,,,,,,,",
		  "2:6 '\\x1b[31m' is no transport: tcp, udp, sctp, dccp or nothing" },
		{ "a,22,tcp,,,,,,,,", "2:1 a record of 11 fields where the file has 12 columns" },
		{ "a,22,tcp,,,,,,,,,,", "2:19 more fields than the file has columns" },
		{ "a,22,tcp,b \"c\",,,,,,,,",
		  "2:12 a quote inside a field that does not begin with one" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "%s%s\n", HEADER, cases[i].record);
		assert_string_equal(read_text(text), cases[i].said);
	}
}

static void test_cut_last_record(void **state)
{
	static const char text[] = HEADER "a,22,tcp,\"x\ny\",,,,,,,,notes\n";

	assert_string_equal(read_text(text), "");
	for (size_t cut = strlen(HEADER) + 1; cut < strlen(text); cut++)
		assert_string_not_equal(read_bytes(text, cut), "");
	assert_string_equal(read_bytes(text, strlen(text) - 1),
			    "3:16 the last line has no end: the file is cut");
	assert_string_equal(read_bytes(text, strlen(HEADER) + 12),
			    "2:10 this quote is never closed: the file is cut");
}

static void test_dates_that_are_none_are_left_out(void **state)
{
	assert_string_equal(read_text(HEADER
				      "a,22,tcp,,,,2001-13,2001-02-32,,,,\nb,23,tcp,,,, 2001-02 ,"
				      "2001,,,,\nc,24,tcp,,,,20010203,2001-02-03x,,,,\n"),
			    "");
	assert_int_equal(official.odd_dates, 5);
	assert_int_equal(official.odd_line, 2);
	assert_int_equal(official.odd_column, 13);
	assert_string_equal(column(0, OFFICIAL_REGISTERED), "");
	assert_string_equal(column(1, OFFICIAL_REGISTERED), "2001-02");
	assert_string_equal(official.updated, "2001-02");
}

/* ------------------------------------------------------------------ other kinds */

static void test_what_is_not_the_file(void **state)
{
	assert_string_equal(read_text(""), "0:0 the file is empty");
	assert_string_equal(read_text(" \r\n\n"), "0:0 the file is empty");
	assert_string_equal(read_text("\xef\xbb\xbf"), "0:0 the file is empty");
	assert_string_equal(read_text("\xef\xbb\xbf\n\n"), "0:0 the file is empty");
	assert_string_equal(read_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
			    "0:0 a Git LFS pointer, which stands for a file that is elsewhere "
			    "(git lfs pull brings it)");
	assert_string_equal(read_text("<!DOCTYPE html>\n<html></html>\n"),
			    "0:0 an HTML page; the registry's page offers the file itself as CSV "
			    "and as XML");
	assert_string_equal(read_text("\n <HTML><body>"),
			    "0:0 an HTML page; the registry's page offers the file itself as CSV "
			    "and as XML");
	assert_string_equal(read_text("<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC '-//W3C//DTD "
				      "XHTML 1.0 Strict//EN' 'x'>\n<html/>"),
			    "2:61 an HTML page; the registry's page offers the file itself as CSV "
			    "and as XML");
	assert_string_equal(read_bytes("\xff\xfeS\0e\0", 6),
			    "0:0 UTF-16 text; the official file is UTF-8");
	assert_string_equal(read_bytes("\x1f\x8b\x08\0", 4), "0:0 a gzip file within a gzip file");
	assert_string_equal(read_bytes("ab\nc\0d", 6), "2:2 a zero byte stands here");
	assert_string_equal(read_bytes("\0", 1), "1:1 a zero byte stands here");
	assert_string_equal(read_text("{\"ssh\": 22}\n"),
			    "1:2 neither the registry as XML nor as CSV: a quote inside a field "
			    "that does not begin with one");
	assert_string_equal(read_text("[22]\n"),
			    "1:1 neither the registry as XML nor as CSV, whose first line lacks "
			    "'Service Name', 'Description', 'Assignee', 'Registration Date', "
			    "'Modification Date', 'Reference', 'Unauthorized Use Reported', "
			    "'Assignment Notes', 'Port Number', 'Transport Protocol'");
}

static void test_text_that_is_not_utf8(void **state)
{
	static const char *const bad[] = {
		"\200",		"\300\200", "\340\200\200",	"\340\202\251", "\303",
		"\355\240\200", "\342\202", "\364\220\200\200", "\377",		"\303(",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "%sa,22,tcp,x%s,,,,,,,,\n", HEADER, bad[i]);
		assert_string_equal(read_text(text), "2:11 text that is not UTF-8 stands here");
	}
	assert_string_equal(read_text(HEADER "a,22,tcp,\303\253\342\202\254\360\237\222\251,,,,,,"
					     ",,\n"),
			    "");
}

/* ------------------------------------------------------------------ XML */

#define XML_START                                                                      \
	"<?xml version='1.0' encoding='UTF-8'?>\n"                                     \
	"<registry xmlns=\"http://www.iana.org/assignments\" id=\"service-names-port-" \
	"numbers\">\n"
#define XML_END "</registry>\n"

static void test_xml_record(void **state)
{
	assert_string_equal(
		read_text(XML_START
			  "<title>Service Name</title><updated>2019-12-20</updated>\n"
			  "<note>on <xref type=\"rfc\" data=\"rfc6335\"/></note>\n"
			  "<record date=\"2012-08-13\" updated=\"2017-06-05\">\n"
			  "  <name>l-acoustics</name>\n  <protocol>tcp</protocol>\n"
			  "  <assignee>\n    <xref type=\"person\" data=\"L-ACOUSTICS\"/>\n"
			  "    <xref type=\"person\" data=\"Ann_Lee_2\"/>\n  </assignee>\n"
			  "  <xref type=\"rfc\" data=\"rfc4960\"/>\n"
			  "  <description>whois++<br/><br/>\nIANA \"w\" &lt;x&gt; "
			  "&#x41;</description>\n"
			  "  <number>4432</number>\n"
			  "  <xref type=\"person\" data=\"Christophe_Pignon\"/>\n"
			  "  <unauthorized>Known use</unauthorized>\n  <sc>1145656131</sc>\n"
			  "  <note>see <xref type=\"rfc\" data=\"rfc4146\"/> there</note>\n"
			  "</record>\n<people><person "
			  "id=\"x\"><name>X</name></person></people>" XML_END),
		"");
	assert_int_equal(official.format, OFFICIAL_XML);
	assert_int_equal(official.count, 1);
	assert_int_equal(official.records[0].first, 4432);
	assert_int_equal(official.records[0].transport, SERVICE_TCP);
	assert_string_equal(column(0, OFFICIAL_NAME), " l-acoustics");
	assert_string_equal(column(0, OFFICIAL_DESCRIPTION), " whois++  \nIANA \"w\" <x> A");
	assert_non_null(strstr(column(0, OFFICIAL_ASSIGNEE), "[L-ACOUSTICS]\n    [Ann_Lee_2]"));
	assert_null(strstr(column(0, OFFICIAL_ASSIGNEE), "Pignon"));
	assert_string_equal(column(0, OFFICIAL_REGISTERED), "2012-08-13");
	assert_string_equal(column(0, OFFICIAL_MODIFIED), "2017-06-05");
	assert_string_equal(column(0, OFFICIAL_REFERENCE), "[RFC4960]");
	assert_string_equal(column(0, OFFICIAL_UNAUTHORIZED), " Known use");
	assert_string_equal(column(0, OFFICIAL_NOTES), " see [RFC4146] there");
	assert_string_equal(official.updated, "2019-12-20");
}

/* Older records have no <assignee>: the person is both. */
static void test_xml_person_without_assignee(void **state)
{
	assert_string_equal(
		read_text(XML_START
			  "<record><xref type=\"person\" data=\"A\"/><xref type=\"person\" "
			  "data=\"B_C\"/><number>1</number></record>" XML_END),
		"");
	assert_string_equal(column(0, OFFICIAL_ASSIGNEE), "[A][B_C]");
	assert_int_equal(official.records[0].transport, 0);
}

static void test_xml_references(void **state)
{
	assert_string_equal(read_text(XML_START
				      "<record><number>1</number><xref type=\"rfc\" data=\"rfc1\"/>"
				      "<xref type=\"rfc\" data=\"rfc2\">Section 3</xref>"
				      "<xref type=\"draft\" data=\"draft-x-00\"/>"
				      "<xref type=\"draft\" data=\"RFC-ietf-x-43\"/>"
				      "<xref type=\"note\" data=\"1\"/>"
				      "<xref type=\"rfc-errata\" data=\"7\"/>"
				      "<xref type=\"uri\" data=\"http://x.org/\"/>"
				      "<xref type=\"uri\" data=\"http://x.org/\">A Manual</xref>"
				      "<xref type=\"text\">IEEE 1722</xref></record>" XML_END),
			    "");
	assert_string_equal(column(0, OFFICIAL_REFERENCE),
			    "[RFC1][RFC2, Section 3][draft-x-00][RFC-ietf-x-43][1][RFC Errata "
			    "7][http://x.org/][A Manual][IEEE 1722]");
}

static void test_xml_what_is_passed_over(void **state)
{
	assert_string_equal(
		read_text(XML_START
			  "<x xmlns=\"urn:y\"><record><number>7</number></record></x>"
			  "<registry id=\"part\"><record><number>8</number>"
			  "<description><p>a</p><p>b</p></description></record></registry>"
			  "<record><name>aurora</name></record><file>f</file>"
			  "<record xmlns=\"urn:y\"><number>9</number></record>" XML_END),
		"");
	assert_int_equal(official.count, 1);
	assert_int_equal(official.unnumbered, 1);
	assert_int_equal(official.records[0].first, 8);
	assert_string_equal(column(0, OFFICIAL_DESCRIPTION), "  a b");
}

static void test_xml_latest_date_where_no_day_is_said(void **state)
{
	assert_string_equal(read_text(XML_START "<updated>soon</updated><record date=\"2001-02\">"
						"<number>1</number></record>" XML_END),
			    "");
	assert_string_equal(official.updated, "2001-02");
}

static void test_xml_document_types_and_entities(void **state)
{
	assert_string_equal(read_text("<?xml version='1.0'?>\n<!DOCTYPE registry SYSTEM "
				      "'file:///etc/passwd'>\n<registry/>"),
			    "2:47 a document type (<!DOCTYPE>), which the registry does not have");
	assert_string_equal(read_text("<!DOCTYPE r [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]>\n"
				      "<r>&b;</r>"),
			    "1:13 a document type (<!DOCTYPE>), which the registry does not have");
	assert_string_equal(read_text(XML_START "<note>&nbsp;</note>" XML_END),
			    "3:7 XML: undefined entity");
	assert_string_equal(read_text(XML_START "<record><number>1</number><note>&amp;&lt;&gt;"
						"&quot;&apos;</note></record>" XML_END),
			    "");
	assert_string_equal(column(0, OFFICIAL_NOTES), " &<>\"'");
}

static void test_xml_other_roots(void **state)
{
	assert_string_equal(read_text("<registry id=\"service-names-port-numbers\"/>"),
			    "1:1 the root is not IANA's registry 'service-names-port-numbers', but "
			    "'registry'");
	assert_string_equal(read_text("<registry xmlns=\"http://www.iana.org/assignments\" "
				      "id=\"protocol-numbers\"/>"),
			    "1:1 the root is not IANA's registry 'service-names-port-numbers', but "
			    "'registry'");
	assert_string_equal(read_text("<?xml version='1.0'?><html xmlns='x'/>"),
			    "1:22 an HTML page; the registry's page offers the file itself as CSV "
			    "and as XML");
	assert_string_equal(read_text("<svg/>"),
			    "1:1 the root is not IANA's registry 'service-names-port-numbers', but "
			    "'svg'");
}

static void test_xml_refused(void **state)
{
	static const struct {
		const char *inside, *said;
	} cases[] = {
		{ "<record>\n  <number>70000</number></record>",
		  "4:3 '70000' is no port number or range within 0-65535" },
		{ "<record><number>2-1</number></record>", "3:9 the range '2-1' runs backwards" },
		{ "<record><number>1</number>\n <protocol>icmp</protocol></record>",
		  "4:2 'icmp' is no transport: tcp, udp, sctp, dccp or nothing" },
		{ "<record><number>1</number><number>2</number></record>",
		  "3:27 a second <number> in one record" },
		{ "<record><name>a</name><name>b</name></record>",
		  "3:23 a second <name> in one record" },
		{ "<record>\303\244<b></record>", "3:16 XML: mismatched tag" },
		{ "<record", "3:8 XML: not well-formed (invalid token)" },
		{ "<record a='1' a='2'/>", "3:15 XML: duplicate attribute" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1024];

		snprintf(text, sizeof(text), "%s%s%s", XML_START, cases[i].inside, XML_END);
		assert_string_equal(read_text(text), cases[i].said);
	}
}

static void test_xml_cut_anywhere(void **state)
{
	static const char text[] =
		XML_START "<record date=\"2001-02\"><name>a</name><number>1</number>"
			  "<description>\303\244&amp;</description></record>\n" XML_END;

	assert_string_equal(read_text(text), "");
	for (size_t cut = 1; cut < strlen(text) - 1; cut++)
		assert_string_not_equal(read_bytes(text, cut), "");
	assert_string_equal(read_bytes(text, strlen(text) - 5),
			    "4:1 XML: unclosed token; the file is cut");
	assert_string_equal(read_bytes(text, strlen(text) - strlen(XML_END)),
			    "4:1 XML: no element found; the file is cut");
}

static void test_xml_deep_nesting(void **state)
{
	size_t length = strlen(XML_START), depth = 100000;
	char *text = malloc(length + depth * 3);

	memcpy(text, XML_START, length);
	for (size_t i = 0; i < depth; i++)
		memcpy(text + length + i * 3, "<a>", 3);
	assert_string_equal(read_bytes(text, length + depth * 3),
			    "3:46 elements within 16 others: not the registry");
	free(text);
}

/* ------------------------------------------------------------------ limits */

static void test_more_than_there_can_be(void **state)
{
	size_t used = 0, room = 4u << 20;
	char *text = malloc(room);

	used += snprintf(text, room, "%s", HEADER);
	for (unsigned int i = 0; i <= OFFICIAL_RECORDS_MAX; i++)
		used += snprintf(text + used, room - used, ",%u,tcp,,,,,,,,,\n", i % 65536);
	assert_string_equal(read_bytes(text, used),
			    "100002:2 more than 100000 records or 4000 ranges: not the registry");
	used = snprintf(text, room, "%s", HEADER);
	for (unsigned int i = 0; i <= OFFICIAL_RANGES_MAX; i++)
		used += snprintf(text + used, room - used, ",%u-65535,,,,,,,,,,\n", i);
	assert_string_equal(read_bytes(text, used),
			    "4002:2 more than 100000 records or 4000 ranges: not the registry");
	used = snprintf(text, room, "%sa,1,tcp,x,", HEADER);
	memset(text + used, 'y', OFFICIAL_TEXT_MAX + 1);
	used += OFFICIAL_TEXT_MAX;
	memcpy(text + used, ",,,,,,,\n", 8);
	assert_string_equal(read_bytes(text, used + 8), "");
	memcpy(text + used, "z,,,,,,,\n", 9);
	assert_string_equal(read_bytes(text, used + 9),
			    "2:11 a text of 16385 bytes: not the registry");
	free(text);
}

/* ------------------------------------------------------------------ a real snapshot */

#define SNAPSHOT "/usr/share/ipv6toolkit/service-names-port-numbers.csv"

static bool has_byte(const struct official_record *record, bool (*is)(char))
{
	for (int i = 0; i < OFFICIAL_COLUMNS; i++)
		for (uint32_t at = 0; at < record->columns[i].length; at++)
			if (is(record->columns[i].text[at]))
				return true;
	return false;
}

static bool is_newline(char c)
{
	return c == '\n';
}

static bool is_quote(char c)
{
	return c == '"';
}

static bool is_beyond_ascii(char c)
{
	return c & 0x80;
}

/* The numbers are those of Python's csv module for the records with a port number. */
static void test_snapshot_of_2014(void **state)
{
	unsigned int multi_line = 0, quotes = 0, beyond = 0, undescribed = 0, unnamed_ranges = 0;
	struct fault fault = {};
	char *text = NULL;
	size_t length;

	if (file_read_limited(SNAPSHOT, 16u << 20, &text, &length, &fault)) {
		print_message("%s\n", fault.text);
		skip();
	}
	assert_string_equal(read_bytes(text, length), "");
	free(text);
	assert_int_equal(official.count, 12735);
	assert_int_equal(official.unnumbered, 786);
	assert_int_equal(official.odd_dates, 0);
	assert_string_equal(official.updated, "2014-07-09");
	for (size_t i = 0; i < official.count; i++) {
		const struct official_record *record = &official.records[i];

		multi_line += has_byte(record, is_newline);
		quotes += has_byte(record, is_quote);
		beyond += has_byte(record, is_beyond_ascii);
		undescribed += !record->columns[OFFICIAL_DESCRIPTION].length;
		unnamed_ranges +=
			record->first < record->last && !record->columns[OFFICIAL_NAME].length;
	}
	assert_int_equal(multi_line, 388);
	assert_int_equal(quotes, 391);
	assert_int_equal(beyond, 3);
	assert_int_equal(undescribed, 166);
	/* 664 are written as ranges; six of them are 8-8 and the like. */
	assert_int_equal(unnamed_ranges, 658);
}

static int release(void **state)
{
	forget();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_column),
		cmocka_unit_test(test_columns_in_any_order_and_unknown_ones),
		cmocka_unit_test(test_two_names_of_one_column),
		cmocka_unit_test(test_ranges_and_blank_transports),
		cmocka_unit_test(test_names_without_number_are_left_out),
		cmocka_unit_test(test_multi_line_record_with_quotes),
		cmocka_unit_test(test_refused_records),
		cmocka_unit_test(test_cut_last_record),
		cmocka_unit_test(test_dates_that_are_none_are_left_out),
		cmocka_unit_test(test_what_is_not_the_file),
		cmocka_unit_test(test_text_that_is_not_utf8),
		cmocka_unit_test(test_xml_record),
		cmocka_unit_test(test_xml_person_without_assignee),
		cmocka_unit_test(test_xml_references),
		cmocka_unit_test(test_xml_what_is_passed_over),
		cmocka_unit_test(test_xml_latest_date_where_no_day_is_said),
		cmocka_unit_test(test_xml_document_types_and_entities),
		cmocka_unit_test(test_xml_other_roots),
		cmocka_unit_test(test_xml_refused),
		cmocka_unit_test(test_xml_cut_anywhere),
		cmocka_unit_test(test_xml_deep_nesting),
		cmocka_unit_test(test_more_than_there_can_be),
		cmocka_unit_test(test_snapshot_of_2014),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
