/*
 * From official records to rows, byte for byte: each trap that the official file
 * has, the rules of inheritance, ranges, former names, and a real snapshot.
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

#include "registry/convert.h"
#include "registry/head.h"
#include "util/slice.h"
#include "util/file.h"

#define HEADER                                                                     \
	"Service Name,Port Number,Transport Protocol,Description,Assignee,"        \
	"Registration Date,Modification Date,Reference,Unauthorized Use Reported," \
	"Assignment Notes\n"

static char *table;
static size_t table_length;

static void convert_file(char *text, size_t length, const struct registry *in_use)
{
	const struct convert_source source = { "file.csv", "ab", 1000000000 };
	struct official official;
	struct fault fault = {};
	unsigned int line, column;

	free(table);
	table = NULL;
	if (official_read(text, length, &official, &fault, &line, &column))
		fail_msg("%u:%u: %s", line, column, fault.text);
	if (registry_convert(&official, in_use, &source, &table, &table_length, &fault))
		fail_msg("%s", fault.text);
	official_release(&official);
	assert_int_equal(table[table_length], '\0');
}

/* The rows, without the head, and with ; for each tab. */
static const char *rows_of(const char *records, const char *before)
{
	struct registry *in_use = NULL;
	char *text = malloc(strlen(HEADER) + strlen(records) + 1), *at;

	sprintf(text, "%s%s", HEADER, records);
	assert_int_equal(registry_parse(before, strlen(before), &in_use, NULL, NULL), 0);
	convert_file(text, strlen(text), in_use);
	registry_free(in_use);
	free(text);
	at = strstr(table, "#snapshots");
	at = strchr(at, '\n') + 1;
	for (char *tab = at; (tab = strchr(tab, '\t'));)
		*tab = ';';
	return at;
}

static void assert_rows(const char *records, const char *expected)
{
	assert_string_equal(rows_of(records, ""), expected);
}

/* ------------------------------------------------------------------ text */

static void test_every_column(void **state)
{
	assert_rows("ssh,22,tcp,Secure Shell,[Ann_Lee],2001-02,2003-04-05,[RFC4251],taken,notes\n",
		    "22;tcp;assigned;ssh;Secure Shell;;Ann Lee;2001-02;2003-04-05;RFC 4251;taken;"
		    "notes;;2003-04-05\n");
}

static void test_file_without_dates(void **state)
{
	assert_rows("ssh,22,tcp,,,,,,,\n", "22;tcp;assigned;ssh;;;;;;;;;;undated\n");
	assert_non_null(strstr(table, "official file file.csv, undated, the registry's own"));
}

static void test_white_space_and_line_breaks(void **state)
{
	assert_rows(
		"a,1,tcp,\"  x \t y\n\n z\r\n\",\"[A_\nB]\",,,,\"u\n v\",\" n\xc2\xa0\xe2\x80\x83m "
		"\"\n",
		"1;tcp;assigned;a;x y z;;A B;;;;u v;n m;;undated\n");
}

static void test_control_and_bidi_characters(void **state)
{
	assert_rows(
		"a,1,tcp,\"x\x1b[31my\x7fz\xc2\x85w\",,,,,,\"\xe2\x80\xaex\xe2\x81\xa6y\xd8\x9cz"
		"\xe2\x80\xa8w\xe2\x80\x8bv\xef\xbb\xbfu\xee\x80\x80t\xf3\xa0\x80\x81s\"\n",
		"1;tcp;assigned;a;x [31my z w;;;;;;;xyz wvuts;;undated\n");
}

static void test_beyond_ascii(void **state)
{
	/* Mojibake stays as it is: it is what the registry says. */
	assert_rows(
		"a,1,tcp,\xc3\xa9t\xc3\xa9 \xe2\x82\xac,[Ari\xe2\x88\x9a\xc2\xb4n],,,,,\n",
		"1;tcp;assigned;a;\xc3\xa9t\xc3\xa9 \xe2\x82\xac;;Ari\xe2\x88\x9a\xc2\xb4n;;;;;;;"
		"undated\n");
}

static void test_mail_addresses_in_both_spellings(void **state)
{
	assert_rows("a,1,tcp,ask joe.x+y@mail.example.org now,[J_<j&m-1.org>],,,,u@v.w,<a@b.c>\n",
		    "1;tcp;assigned;a;ask now;;J;;;;;;;undated\n");
	/* Not addresses: no host with a dot, or nothing before. */
	assert_rows("a,1,tcp,\"Men & Mice, AT&T, @x.y, a@b, R&D.\",,,,,,\n",
		    "1;tcp;assigned;a;Men & Mice, AT&T, @x.y, a@b, R&D.;;;;;;;;;undated\n");
	assert_rows("a,1,tcp,a@b@c.d x&y.z.@w (k&l.m),,,,,,\n",
		    "1;tcp;assigned;a;a@ .@w ( );;;;;;;;;undated\n");
	/* Hidden characters do not hide an address. */
	assert_rows("a,1,tcp,x\xe2\x80\x8b@\xc2\xad"
		    "y.org,,,,,,\n",
		    "1;tcp;assigned;a;;;;;;;;;;undated\n");
}

static void test_well_formed_name_sentence(void **state)
{
	assert_rows("whoispp,63,tcp,\"whois++\nIANA assigned this well-formed service name as a "
		    "replacement for \"\"whois++\"\".\",[R_S],,,,,\n"
		    "whois++,63,tcp,whois++,[R_S],,,,,\"This entry is an alias to "
		    "\"\"whoispp\"\".\"\n",
		    "63;tcp;assigned;whoispp;whois++;whois++;R S;;;;;;;undated\n");
}

static void test_names_as_they_are(void **state)
{
	assert_rows(
		"3Com_nsd/x*,1,tcp,,,,,,,\nApple Remote (Net),2,tcp,,,,,,,\na@b.c,3,tcp,,,,,,,\n",
		"1;tcp;assigned;3Com_nsd/x*;;;;;;;;;;undated\n"
		"2;tcp;assigned;Apple_Remote_(Net);;;;;;;;;;undated\n"
		"3;tcp;assigned;a@b.c;;;;;;;;;;undated\n");
}

static void test_assignees(void **state)
{
	assert_rows("a,1,tcp,,[Jon_Postel][Ann_Lee_2],,,,,\nb,2,tcp,,[A][B][A],,,,,\n"
		    "c,3,tcp,,[X; Y],,,,,\nd,4,tcp,,Some One,,,,,\ne,5,tcp,,[],,,,,\n",
		    "1;tcp;assigned;a;;;Jon Postel; Ann Lee;;;;;;;undated\n"
		    "2;tcp;assigned;b;;;A; B;;;;;;;undated\n"
		    "3;tcp;assigned;c;;;X, Y;;;;;;;undated\n"
		    "4;tcp;assigned;d;;;Some One;;;;;;;undated\n"
		    "5;tcp;assigned;e;;;;;;;;;;undated\n");
}

static void test_references(void **state)
{
	assert_rows(
		"a,1,tcp,,,,,[1][RFC4727][RFC6335][RFC4727][n/a][draft-x-00],,\n"
		"b,2,tcp,,,,,[RFC1][RFC2][RFC3][RFC4][RFC5][RFC6][RFC7][RFC8],,\n"
		"c,3,tcp,,,,,[RFC-ietf-x-43],,\n"
		"d,4,tcp,,,,,[Joe Doe <joe&x.org> 2001],,\n",
		"1;tcp;assigned;a;;;;;;RFC 4727; RFC 6335; draft-x-00;;;;undated\n"
		"2;tcp;assigned;b;;;;;;RFC 1; RFC 2; RFC 3; RFC 4; RFC 5; RFC 6; RFC 7; RFC 8;;;;"
		"undated\n"
		"3;tcp;assigned;c;;;;;;RFC-ietf-x-43;;;;undated\n"
		"4;tcp;assigned;d;;;Joe Doe;;;;;;;undated assignee=reference\n");
}

/* ------------------------------------------------------------------ rows */

static void test_unsorted_records(void **state)
{
	assert_rows("c,300,udp,,,,,,,\na,2,tcp,,,,,,,\nb,20,udp,,,,,,,\nb,20,tcp,,,,,,,\n",
		    "2;tcp;assigned;a;;;;;;;;;;undated\n"
		    "20;tcp,udp;assigned;b;;;;;;;;;;undated\n"
		    "300;udp;assigned;c;;;;;;;;;;undated\n");
}

static void test_transports_that_differ(void **state)
{
	assert_rows("shell,514,tcp,cmd,,,,,,\nsyslog,514,udp,,,,,,,\nssh,22,tcp,SSH,,,,[RFC1],,\n"
		    "ssh,22,udp,SSH,,,,[RFC2],,\nssh,22,sctp,SSH for SCTP,,,,,,\n",
		    "22;tcp,udp;assigned;ssh;SSH;;;;;RFC 1; RFC 2;;;;undated\n"
		    "22;sctp;assigned;ssh;SSH for SCTP;;;;;;;;;undated\n"
		    "514;tcp;assigned;shell;cmd;;;;;;;;;undated\n"
		    "514;udp;assigned;syslog;;;;;;;;;;undated\n");
}

static void test_aliases_in_the_order_of_the_registry(void **state)
{
	assert_rows(
		"http,80,tcp,Web,,,,,,n\nwww,80,tcp,Web,,,,,,\nwww-http,80,tcp,Other Web,,,,,,\n"
		"www,80,tcp,again,,,,,,\n",
		"80;tcp;assigned;http;Web;www www-http;;;;;;n; alias www-http: Other "
		"Web;;undated\n");
	assert_rows("a,1,tcp,x,,,,,,\nA-b,1,tcp,a-B,,,,,,\n",
		    "1;tcp;assigned;a;x;A-b;;;;;;;;undated\n");
}

/* The registry lists the older name first. */
static void test_preferred_names(void **state)
{
	assert_rows("shilp,2049,tcp,,,,,,,\nnfs,2049,tcp,Network File System,[B],,,,,\n"
		    "urd,465,tcp,URL,[C],,,,,\nsubmissions,465,tcp,Mail,[D],,,,,\n"
		    "shilp,2049,sctp,,,,,,,\nnfs,2049,sctp,,,,,,,\n",
		    "465;tcp;assigned;submissions;Mail;urd;D;;;;;alias urd: URL;;undated\n"
		    "2049;tcp;assigned;nfs;Network File System;shilp;B;;;;;;;undated\n"
		    "2049;sctp;assigned;shilp;;nfs;;;;;;;;undated\n");
}

static void test_empty_descriptions(void **state)
{
	assert_rows("a,1,tcp,,,,,,,\n,2,tcp,,,,,,,\n",
		    "1;tcp;assigned;a;;;;;;;;;;undated\n2;tcp;reserved;;;;;;;;;;;undated\n");
}

static void test_de_assigned_is_reserved_with_a_note(void **state)
{
	assert_rows(
		",2,tcp,Reserved,,,2025-02-13,,,\"De-assigned on 2025-02-13, previously c by "
		"[B_V]\"\n,24,tcp,any private mail system,[R_A],,,,,\n"
		",81,tcp,(Unassigned),,,,,,\n,82,tcp,UNASSIGNED [was x],,,,,,\n",
		"2;tcp;reserved;;Reserved;;;;2025-02-13;;;De-assigned on 2025-02-13, previously "
		"c by [B_V];;2025-02-13\n"
		"24;tcp;reserved;;any private mail system;;R A;;;;;;;2025-02-13\n"
		"81;tcp;unassigned;;(Unassigned);;;;;;;;;2025-02-13\n"
		"82;tcp;unassigned;;UNASSIGNED [was x];;;;;;;;;2025-02-13\n");
}

static void test_named_ranges(void **state)
{
	assert_rows("x11,6000-6063,tcp,X,,,,,,\nx11,6000-6063,udp,X,,,,,,\nflex-lm,27000-27009,,F,,"
		    ",,,,\n"
		    "ircu,6665-6669,tcp,I,,,,,,\n,6665-6669,udp,Reserved,,,,,,\n"
		    "one,7-7,tcp,,,,,,,\n",
		    "7;tcp;assigned;one;;;;;;;;;;undated\n"
		    "6000-6063;tcp,udp;assigned;x11;X;;;;;;;;;undated\n"
		    "6665-6669;tcp;assigned;ircu;I;;;;;;;;;undated\n"
		    "6665-6669;udp;reserved;;Reserved;;;;;;;;;undated\n"
		    "27000-27009;*;assigned;flex-lm;F;;;;;;;;;undated\n");
}

static void test_numbers_are_cut_out_of_unassigned_ranges(void **state)
{
	assert_rows(",10-20,,Unassigned,,,,,,\na,12,tcp,,,,,,,\nb,20,udp,,,,,,,\n"
		    ",5-30,,Unassigned,,,,,,\n",
		    "5-11;*;unassigned;;Unassigned;;;;;;;;;undated\n"
		    "12;tcp;assigned;a;;;;;;;;;;undated\n"
		    "13-19;*;unassigned;;Unassigned;;;;;;;;;undated\n"
		    "20;udp;assigned;b;;;;;;;;;;undated\n"
		    "21-30;*;unassigned;;Unassigned;;;;;;;;;undated\n");
	/* With a transport, only by rows of that one. */
	assert_rows(",10-12,tcp,Unassigned,,,,,,\na,11,udp,,,,,,,\n,1-65535,dccp,Reserved,,,,,,\n",
		    "1-65535;dccp;reserved;;Reserved;;;;;;;;;undated\n"
		    "10-12;tcp;unassigned;;Unassigned;;;;;;;;;undated\n"
		    "11;udp;assigned;a;;;;;;;;;;undated\n");
}

static void test_neighbouring_unassigned_rows_are_joined(void **state)
{
	assert_rows(",4,tcp,Unassigned,,,,,,\n,4,udp,Unassigned,,,,,,\n,5,tcp,Unassigned,,,,,,\n"
		    ",5,udp,Unassigned,,,,,,\n,6,tcp,Unassigned,,,,,,\n,8,tcp,Reserved,,,,,,\n"
		    ",9,tcp,Reserved,,,,,,\n",
		    "4-5;tcp,udp;unassigned;;Unassigned;;;;;;;;;undated\n"
		    "6;tcp;unassigned;;Unassigned;;;;;;;;;undated\n"
		    "8;tcp;reserved;;Reserved;;;;;;;;;undated\n"
		    "9;tcp;reserved;;Reserved;;;;;;;;;undated\n");
}

static void test_unauthorized_use_only_where_it_is_mentioned(void **state)
{
	assert_rows(",10-20,,Unassigned,,,,,Use of ports 12 and 18-19,\na,15,tcp,,,,,,,\n"
		    ",100-110,,Unassigned,,,,,Use of 4711,\n,200-210,,Unassigned,,,,,Use,\n"
		    ",300-310,,Unassigned,,,,,Use of x305 and 3050000,\n",
		    "10-14;*;unassigned;;Unassigned;;;;;;Use of ports 12 and 18-19;;;undated\n"
		    "15;tcp;assigned;a;;;;;;;;;;undated\n"
		    "16-20;*;unassigned;;Unassigned;;;;;;Use of ports 12 and 18-19;;;undated\n"
		    "100-110;*;unassigned;;Unassigned;;;;;;;;;undated\n"
		    "200-210;*;unassigned;;Unassigned;;;;;;Use;;;undated\n"
		    "300-310;*;unassigned;;Unassigned;;;;;;Use of x305 and 3050000;;;undated\n");
}

/* Nothing in the registry is like this; the table must be one all the same. */
static void test_records_with_and_without_transport(void **state)
{
	assert_rows("a,1,,,,,,,,\nb,1,tcp,,,,,,,\n", "1;tcp;assigned;b;;;;;;;;;;undated\n"
						     "1;udp;assigned;a;;;;;;;;;;undated\n");
	assert_rows("a,1,,,,,,,,\nb,1,tcp,,,,,,,\nb,1,udp,,,,,,,\nc,1,sctp,,,,,,,\n",
		    "1;tcp,udp;assigned;b;;;;;;;;;;undated\n1;sctp;assigned;c;;;;;;;;;;undated\n");
	assert_rows("a,1-9,,,,,,,,\nb,1-9,tcp,,,,,,,\n,1-9,udp,Reserved,,,,,,\n",
		    "1-9;tcp;assigned;b;;;;;;;;;;undated\n"
		    "1-9;udp;reserved;;Reserved;;;;;;;;;undated\n");
	assert_rows(",1,tcp,Reserved,,,,,,\na,1,tcp,x,,,,,,\n",
		    "1;tcp;assigned;a;x;;;;;;;;;undated\n");
	assert_rows(",81,,Unassigned,,,,,,\na,81,tcp,,,,,,,\n",
		    "81;tcp;assigned;a;;;;;;;;;;undated\n");
}

static void test_too_many_names(void **state)
{
	const struct convert_source source = { "f", "ab", 0 };
	char text[8192] = HEADER, *made = NULL;
	struct official official;
	struct fault fault = {};
	unsigned int line, column;
	size_t length;

	for (int i = 0; i < 65; i++)
		sprintf(text + strlen(text), "n%d,22,tcp,,,,,,,\n", i);
	assert_int_equal(official_read(text, strlen(text), &official, &fault, &line, &column), 0);
	assert_int_not_equal(
		registry_convert(&official, registry_builtin(), &source, &made, &length, &fault),
		0);
	assert_string_equal(fault.text, "more than 64 records for port 22");
	assert_null(made);
	official_release(&official);
}

/* A range that is cut says its text again for each piece. */
static void test_too_large_a_table(void **state)
{
	const struct convert_source source = { "f", "ab", 0 };
	size_t room = 1u << 20, used = 0, length;
	char *text = malloc(room), *made = NULL;
	struct official official;
	struct fault fault = {};
	unsigned int line, column;

	used = sprintf(text, "%s,1-65535,,%0*d,,,,,,\n", HEADER, 16000, 0);
	for (unsigned int port = 2; port < 5000; port += 2)
		used += sprintf(text + used, "a,%u,tcp,,,,,,,\n", port);
	assert_int_equal(official_read(text, used, &official, &fault, &line, &column), 0);
	assert_int_equal(
		registry_convert(&official, registry_builtin(), &source, &made, &length, &fault),
		-EFBIG);
	assert_string_equal(fault.text, "the table would be larger than 16 MiB");
	assert_null(made);
	official_release(&official);
	free(text);
}

/* ------------------------------------------------------------------ assignees */

static void test_old_groups_have_the_assignee_on_the_last_row(void **state)
{
	assert_rows("ls3bcast,3068,udp,ls3 Broadcast,,,,,,\nls3,3069,udp,ls3,[Jim_Thompson],,,,,\n",
		    "3068;udp;assigned;ls3bcast;ls3 Broadcast;;Jim Thompson;;;;;;;undated "
		    "assignee=next:3069\n"
		    "3069;udp;assigned;ls3;ls3;;Jim Thompson;;;;;;;undated\n");
	/* A chain names the row that has the text. */
	assert_rows("fam-a,1,tcp,Fam one,,,,,,\nfam-b,2,tcp,Fam two,,,,,,\nfam-c,3,tcp,Fam "
		    "three,[X],,,,,\n",
		    "1;tcp;assigned;fam-a;Fam one;;X;;;;;;;undated assignee=next:3\n"
		    "2;tcp;assigned;fam-b;Fam two;;X;;;;;;;undated assignee=next:3\n"
		    "3;tcp;assigned;fam-c;Fam three;;X;;;;;;;undated\n");
}

static void test_no_inheritance_where_it_would_be_a_guess(void **state)
{
	assert_rows(/* a gap; a date; a document; another word; another name; sctp */
		    "fam-a,1,tcp,Fam,,,,,,\nfam-b,3,tcp,Fam,[X],,,,,\n"
		    "fam-c,4,tcp,Fam,,2001-01,,,,\nfam-d,5,tcp,Fam,[X],,,,,\n"
		    "fam-e,6,tcp,Fam,,,,[RFC1],,\nfam-f,7,tcp,Fam,[X],,,,,\n"
		    "fam-g,8,tcp,Family,,,,,,\nfam-h,9,tcp,Fam,[X],,,,,\n"
		    "fan,10,tcp,Fam,,,,,,\nfam-i,11,tcp,Fam,[X],,,,,\n"
		    "fam-j,12,sctp,Fam,,,,,,\nfam-k,13,sctp,Fam,[X],,,,,\n",
		    "1;tcp;assigned;fam-a;Fam;;;;;;;;;2001-01\n"
		    "3;tcp;assigned;fam-b;Fam;;X;;;;;;;2001-01\n"
		    "4;tcp;assigned;fam-c;Fam;;;2001-01;;;;;;2001-01\n"
		    "5;tcp;assigned;fam-d;Fam;;X;;;;;;;2001-01\n"
		    "6;tcp;assigned;fam-e;Fam;;;;;RFC 1;;;;2001-01\n"
		    "7;tcp;assigned;fam-f;Fam;;X;;;;;;;2001-01\n"
		    "8;tcp;assigned;fam-g;Family;;;;;;;;;2001-01\n"
		    "9;tcp;assigned;fam-h;Fam;;X;;;;;;;2001-01\n"
		    "10;tcp;assigned;fan;Fam;;;;;;;;;2001-01\n"
		    "11;tcp;assigned;fam-i;Fam;;X;;;;;;;2001-01\n"
		    "12;sctp;assigned;fam-j;Fam;;;;;;;;;2001-01\n"
		    "13;sctp;assigned;fam-k;Fam;;X;;;;;;;2001-01\n");
}

static void test_assignee_of_an_alias_or_the_other_transport(void **state)
{
	assert_rows("http,80,tcp,Web,,,,,,\nwww,80,tcp,Web,[T_B],,,,,\n",
		    "80;tcp;assigned;http;Web;www;T B;;;;;;;undated assignee=alias:www\n");
	assert_rows("a,1,udp,x,[P],,,,,\na,1,tcp,x,,,,,,\n",
		    "1;tcp;assigned;a;x;;P;;;;;;;undated assignee=transport:udp\n"
		    "1;udp;assigned;a;x;;P;;;;;;;undated\n");
	assert_rows(
		"a,1,udp,x,[P],2001-01,,,,\na,1,tcp,x,,,,,,\n",
		"1;tcp;assigned;a;x;;;;;;;;;2001-01\n1;udp;assigned;a;x;;P;2001-01;;;;;;2001-01\n");
}

/* ------------------------------------------------------------------ former names */

#define ROW(numbers, transports, status, name, aliases, former)                                   \
	numbers "\t" transports "\t" status "\t" name "\t\t" aliases "\t\t\t\t\t\t\t" former "\t" \
		"\n"

static void test_former_names(void **state)
{
	static const char before[] = ROW("1", "tcp", "assigned", "old", "alias", "older")
		ROW("2", "tcp,udp", "assigned", "kept", "", "a b")
			ROW("3", "tcp", "reserved", "", "", "was")
				ROW("4", "tcp", "assigned", "Same", "", "")
					ROW("5", "sctp", "assigned", "s", "", "");

	assert_string_equal(
		rows_of("new,1,tcp,,,,,,,\nkept,2,tcp,,,,,,,\nb,2,udp,,,,,,,\nwas,3,tcp,,,,,,,\n"
			"same,4,tcp,,,,,,,\nx,5,tcp,,,,,,,\ny,5,sctp,,,,,,,\n",
			before),
		"1;tcp;assigned;new;;;;;;;;;old alias older;undated\n"
		"2;tcp;assigned;kept;;;;;;;;;a b;undated\n"
		"2;udp;assigned;b;;;;;;;;;kept a;undated\n"
		"3;tcp;assigned;was;;;;;;;;;;undated\n"
		"4;tcp;assigned;same;;;;;;;;;;undated\n"
		"5;tcp;assigned;x;;;;;;;;;;undated\n"
		"5;sctp;assigned;y;;;;;;;;;s;undated\n");
	/* An alias now is no former name. */
	assert_string_equal(rows_of("new,1,tcp,,,,,,,\nold,1,tcp,,,,,,,\n", before),
			    "1;tcp;assigned;new;;old;;;;;;;alias older;undated\n");
}

static void test_former_names_within_ranges(void **state)
{
	static const char before[] = ROW("10-20", "*", "assigned", "swx", "", "")
		ROW("30", "tcp", "assigned", "lone", "", "")
			ROW("30", "udp", "assigned", "other", "", "")
				ROW("40-49", "tcp", "assigned", "x11", "", "xorg");

	/* A range that is free now says what its numbers were; a lone one gets a row. */
	assert_string_equal(rows_of(",10-35,,Unassigned,,,,,,\nx,12,tcp,,,,,,,\n", before),
			    "10-11;*;unassigned;;Unassigned;;;;;;;;swx;undated\n"
			    "12;tcp;assigned;x;;;;;;;;;swx;undated\n"
			    "13-20;*;unassigned;;Unassigned;;;;;;;;swx;undated\n"
			    "21-29;*;unassigned;;Unassigned;;;;;;;;;undated\n"
			    "30;*;unassigned;;Unassigned;;;;;;;;lone other;undated\n"
			    "31-35;*;unassigned;;Unassigned;;;;;;;;;undated\n");
	/* What a range around the port is still called is not former. */
	assert_string_equal(
		rows_of("x12,40-49,tcp,,,,,,,\nx11,40-49,tcp,,,,,,,\nz,44,tcp,,,,,,,\n", before),
		"40-49;tcp;assigned;x12;;x11;;;;;;;xorg;undated\n"
		"44;tcp;assigned;z;;;;;;;;;xorg;undated\n");
}

/* The same file again, on top of its own table, gives the same rows. */
static void test_importing_twice_changes_nothing(void **state)
{
	static const char records[] = "new,1,tcp,,,,,,,\n,2-9,,Unassigned,,,,,,\n"
				      "b,4,udp,x,[P],,,,,\nb,4,tcp,x,,,,,,\n";
	char *first = strdup(rows_of(records, ROW("1", "tcp", "assigned", "old", "", "o")
						      ROW("2-3", "*", "assigned", "r", "", ""))),
	     *again = strdup(first);

	for (char *at = again; (at = strchr(at, ';'));)
		*at = '\t';
	assert_string_equal(rows_of(records, again), first);
	free(first);
	free(again);
	/* A port that is reserved within a named range: found by fuzzing. */
	assert_string_equal(rows_of(",2,tcp,Reserved,,,,,,\nssh,2-30,,,,,,,,\n",
				    ROW("2-30", "*", "assigned", "ssh", "", "")
					    ROW("2", "tcp", "reserved", "", "", "ten")),
			    "2;tcp;reserved;;Reserved;;;;;;;;ten;undated\n"
			    "2-30;*;assigned;ssh;;;;;;;;;;undated\n");
}

/* ------------------------------------------------------------------ the whole */

static void test_head(void **state)
{
	struct registry *registry = NULL;
	struct registry_info info;
	struct head head;

	rows_of("ssh,22,tcp,,,2001-02-03,,,,\n,5-9,,Unassigned,,,,,,\n", "");
	for (char *at = table; (at = strchr(at, ';'));)
		*at = '\t';
	assert_int_equal(registry_parse(table, table_length, &registry, NULL, NULL), 0);
	registry_info(registry, &info);
	assert_int_equal(info.rows, 2);
	assert_int_equal(info.pairs, 1);
	assert_true(slices_equal(info.snapshots, slice_of("2001-02-03")));
	assert_int_equal(info.head.length + info.body.length, table_length);
	assert_non_null(strstr(table, "\n# 2 rows, 1 assigned (port, transport) pairs.\n"));
	head_read(info.head, &head);
	assert_true(slices_equal(head.imported, slice_of("2001-09-09T01:46:40Z")));
	assert_int_equal(head.source_count, 1);
	assert_true(slices_equal(head.sources[0].what, slice_of("official file file.csv")));
	registry_free(registry);
}

#define SNAPSHOT "/usr/share/ipv6toolkit/service-names-port-numbers.csv"

static void test_snapshot_of_2014(void **state)
{
	struct registry *registry = NULL;
	struct registry_counts counts;
	struct registry_info info;
	struct fault fault = {};
	unsigned int differ = 0;
	char *text = NULL;
	size_t length;

	if (file_read_limited(SNAPSHOT, 16u << 20, &text, &length, &fault)) {
		print_message("%s\n", fault.text);
		skip();
	}
	convert_file(text, length, registry_builtin());
	free(text);
	assert_int_equal(registry_parse(table, table_length, &registry, NULL, NULL), 0);
	registry_info(registry, &info);
	registry_count(registry, &counts);
	assert_int_equal(info.pairs, 11460);
	assert_int_equal(info.rows, 7727);
	assert_int_equal(counts.named_ranges, 7);
	assert_int_equal(counts.with_aliases, 226);
	assert_null(memchr(info.body.text, '@', info.body.length));
	for (unsigned int port = 0; port < PORT_COUNT; port++) {
		struct slice tcp = registry_name(registry, TRANSPORT_TCP, port);
		struct slice udp = registry_name(registry, TRANSPORT_UDP, port);

		differ += tcp.length && udp.length && !slices_equal(tcp, udp);
	}
	assert_int_equal(differ, 114);
	assert_true(slices_equal(registry_find(registry, TRANSPORT_UDP, 3068)->assignee,
				 slice_of("Jim Thompson")));
	assert_true(
		slices_equal(registry_name(registry, TRANSPORT_TCP, 1883), slice_of("ibm-mqisdp")));
	assert_true(slices_equal(registry_find(registry, TRANSPORT_TCP, 1883)->former,
				 slice_of("mqtt")));
	registry_free(registry);
}

static int release(void **state)
{
	free(table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_column),
		cmocka_unit_test(test_file_without_dates),
		cmocka_unit_test(test_white_space_and_line_breaks),
		cmocka_unit_test(test_control_and_bidi_characters),
		cmocka_unit_test(test_beyond_ascii),
		cmocka_unit_test(test_mail_addresses_in_both_spellings),
		cmocka_unit_test(test_well_formed_name_sentence),
		cmocka_unit_test(test_names_as_they_are),
		cmocka_unit_test(test_assignees),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_unsorted_records),
		cmocka_unit_test(test_transports_that_differ),
		cmocka_unit_test(test_aliases_in_the_order_of_the_registry),
		cmocka_unit_test(test_preferred_names),
		cmocka_unit_test(test_empty_descriptions),
		cmocka_unit_test(test_de_assigned_is_reserved_with_a_note),
		cmocka_unit_test(test_named_ranges),
		cmocka_unit_test(test_numbers_are_cut_out_of_unassigned_ranges),
		cmocka_unit_test(test_neighbouring_unassigned_rows_are_joined),
		cmocka_unit_test(test_unauthorized_use_only_where_it_is_mentioned),
		cmocka_unit_test(test_records_with_and_without_transport),
		cmocka_unit_test(test_too_many_names),
		cmocka_unit_test(test_too_large_a_table),
		cmocka_unit_test(test_old_groups_have_the_assignee_on_the_last_row),
		cmocka_unit_test(test_no_inheritance_where_it_would_be_a_guess),
		cmocka_unit_test(test_assignee_of_an_alias_or_the_other_transport),
		cmocka_unit_test(test_former_names),
		cmocka_unit_test(test_former_names_within_ranges),
		cmocka_unit_test(test_importing_twice_changes_nothing),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_snapshot_of_2014),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
