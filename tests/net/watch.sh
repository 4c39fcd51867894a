#!/bin/bash
# `portscribe watch`: every listener once, with its process, and none that never was.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_command jq setpriv bpftool
require_portscribe
churn=$BUILD/tests/net/churn
[ -x "$churn" ] || bail_out "$churn is not built"

# Standard input of what is to last until it is killed.
mkfifo "$work/hold" || bail_out "no pipe"
exec 9<>"$work/hold"

hold() { # ARGUMENT...: a churn that lasts; sets $pid and $port
	: >"$work/held"
	"$churn" hold "$@" <"$work/hold" >"$work/held" &
	wait_for test -s "$work/held" || bail_out "churn hold $* does not begin"
	read -r pid port <"$work/held"
}

# The command that begins with watch, in the background as $watch; --to FILE: what it
# prints, instead of $work/out. Its talk is $work/said.
run() { # [--to FILE] COMMAND...
	local out=$work/out
	if [ "$1" = --to ]; then
		out=$2
		shift 2
	fi
	# Before it is begun: what the last one said is no word of this one.
	: >"$work/said"
	: >"$out"
	"$@" >"$out" 2>"$work/said" &
	watch=$!
	wait_for grep -q '^watching ' "$work/said" || bail_out "watch does not begin: $(cat "$work/said")"
}

begin() { # ARGUMENT...
	run "$PORTSCRIBE" watch -j "$@"
}

finish() { # sets $code
	kill -TERM $watch
	wait $watch
	code=$?
}

# "EVENT TRANSPORT FAMILY PORT PID" of each report; of several owners the first.
reports() { # [EVENT]...
	jq -r --args '$ARGS.positional as $wanted | select(.listener) |
		select(($wanted | length) == 0 or (.event | IN($wanted[]))) |
		"\(.event) \(.listener.transport) \(.listener.family) \(.listener.port) \(
			.listener.owners[0].pid // "?")"' "$@" <"$work/out"
}

reported() { # COUNT LINE: that many times
	[ "$(reports | grep -cFx -- "$2")" = "$1" ]
}

ended() { # so many are reported as closed
	[ "$(reports closed | wc -l)" -ge "$1" ]
}

# ---- a thousand, for 1 to 50 ms each ----

begin
"$churn" random 1000 7 4 >"$work/opened"
wait_for ended 1000
finish
is "$code" 0 "SIGTERM ends it well"
is "$(wc -l <"$work/opened")" 1000 "1,000 listeners for 1 to 50 ms"
is "$(reports opened | sed 's/^opened //' | sort)" "$(sort "$work/opened")" \
	"each is reported once, with its process, and no other"
is "$(reports closed | sed 's/^closed //' | sort)" "$(sort "$work/opened")" \
	"each end too"
is "$(jq -r 'select(.event == "lost")' "$work/out")" "" "no event is lost"
is "$(jq -rs '[.[] | select(.event == "opened") | .listener.owners[0] | .name + " " + .exe] |
	unique | join("|")' "$work/out")" "churn $churn" "name and executable are those of the process"
is "$(jq -rs '[.[] | select(.lived != null) | select(.lived < 0.0005 or .lived > 5)] | length' \
	"$work/out")" 0 "how long each lived is plausible"

# ---- what fails was never there ----

begin
"$churn" fail 127.0.0.1 8001 50 >"$work/opened"
"$churn" fail :: 8002 50 >>"$work/opened"
wait_for ended 2
finish
is "$(reports)" "$(while read -r line; do
	printf '%s\n' "opened $line" "closed $line"
done <"$work/opened")" "100 failing listen() are not reported, the two beside them are"

# ---- protocols ----

begin
"$churn" mptcp 8003 30 >"$work/opened"
status=$?
if [ $status = 77 ]; then
	skip "MPTCP: one listener" "this kernel has no MPTCP"
else
	wait_for ended 1
	is "$(reports)" "opened $(cat "$work/opened")
closed $(cat "$work/opened")" "MPTCP: one listener, not two"
	is "$(jq -c 'select(.listener) | .listener.mptcp' "$work/out" | uniq)" true \
		"MPTCP: which it says"
fi
finish
begin
"$churn" sctp 8004 30 >"$work/opened"
status=$?
if [ $status = 77 ]; then
	skip "sctp: one listener" "sctp is a module that not every kernel has"
else
	wait_for ended 1
	is "$(reports)" "opened $(cat "$work/opened")
closed $(cat "$work/opened")" "sctp: one listener"
fi
finish

# ---- who holds it ----

begin --interval 0.2
"$churn" share 8005 <"$work/hold" >"$work/heir" &
starter=$!
wait $starter
wait_for reported 1 "handed-over tcp ipv4 8005 $(cat "$work/heir")"
is "$(reports)" "opened tcp ipv4 8005 $starter
handed-over tcp ipv4 8005 $(cat "$work/heir")" "a socket that another process is left with changes hands"
is "$(jq -r 'select(.event == "handed-over") | "\(.before[0].name) \(.listener.owners[0].name)"' \
	"$work/out")" "churn heir" "before and after are named"
kill "$(cat "$work/heir")"
wait_for ended 1
is "$(reports closed)" "closed tcp ipv4 8005 $(cat "$work/heir")" "and it ends with the heir"
finish

# ---- what hooks cannot see: a look finds it ----

begin --interval 0.2 -a
hold udp0 0
wait_for reported 1 "opened udp ipv4 $port $pid"
is "$(reports opened)" "opened udp ipv4 $port $pid" "UDP that sending gave a port is found by looking"
is "$(jq -r 'select(.event == "opened") | .seen_by' "$work/out")" look "and it says so"
kill "$pid"
wait_for ended 1
is "$(jq -r 'select(.event == "closed") | .seen_by' "$work/out")" event \
	"its end is told by the kernel"
finish
begin --interval 0.2
hold udp0 0
client=$pid
# Another, that is none by its number, and that only a look can find.
range=/proc/sys/net/ipv4/ip_local_port_range
usual=$(cat $range)
echo 5000 5001 >$range
hold udp0 0
echo "$usual" >$range
wait_for reported 1 "opened udp ipv4 $port $pid"
is "$(reports opened)" "opened udp ipv4 $port $pid" "without -a a client's UDP port is no news"
kill "$pid" "$client"
wait_for ended 1
finish

# ---- the first look, and bounds ----

hold tcp 8007
begin --count 3
"$churn" random 10 7 1 >"$work/opened"
wait $watch
is $? 0 "--count ends it"
is "$(reports | head -1)" "present tcp ipv4 8007 $pid" "what listens already comes first"
is "$(reports opened closed | wc -l)" 3 "and then as many as were asked for"
is "$("$PORTSCRIBE" watch --for 0.1 2>/dev/null | grep -c 'present 8007/tcp .* by churn [0-9]')" 1 \
	"text: a line"
kill "$pid"

# ---- the policy ----

mkdir -m 700 "$work/etc"
cat >"$work/etc/policy" <<END
tcp 8020 loopback $churn
tcp 8021 loopback /usr/sbin/other
udp ephemeral all *
END
begin --check --policy "$work/etc/policy"
"$churn" name churn 8020 5 >/dev/null
"$churn" name churn 8021 5 >"$work/opened"
"$churn" name churn 8022 5 >>"$work/opened"
wait_for ended 2
finish
is "$code" 1 "--check: exit status 1 where something is not allowed"
is "$(reports)" "$(while read -r line; do
	printf '%s\n' "opened $line" "closed $line"
done <"$work/opened")" "--check: what is not allowed, and only that"
begin --check --policy "$work/etc/policy"
"$churn" name churn 8020 5 >/dev/null
hold udp0 0
kill "$pid"
finish
is "$code: $(cat "$work/out")" "0: " "--check: silent where all is allowed"
run --to "$work/text" "$PORTSCRIBE" watch --policy "$work/etc/policy" --journal
"$churn" name churn 8020 5 >/dev/null
"$churn" name churn 8021 5 >/dev/null
wait_for grep -q 'closed 8021/tcp' "$work/text"
finish
like "$(cat "$work/text")" '<5>opened 8020/tcp .* known: allowed by line 1' \
	"the journal: what is allowed is a notice"
like "$(cat "$work/text")" '<4>opened 8021/tcp .*; not allowed; ' "what is not, a warning"
"$PORTSCRIBE" watch --check --policy "$work/etc/none" --for 0.1 >"$work/out" 2>"$work/said"
is "$?: $(cat "$work/out")" "3: " "no policy, and --check: it does not begin"
like "$(cat "$work/said")" "$work/etc/none.*listeners --learn prints one" "and says what to do"
echo "tcp 99999 all *" >"$work/etc/bad"
"$PORTSCRIBE" watch --check --policy "$work/etc/bad" --for 0.1 >/dev/null 2>"$work/said"
is $? 3 "a bad policy: it does not begin"
like "$(cat "$work/said")" "$work/etc/bad:1:5: " "file, line and column"

# ---- network namespaces ----

new_netns early gone
veth - v0 10.1.0.1/24 gone v1 10.1.0.2/24
begin --all-netns --interval 0.2
in_netns early "$churn" name churn 8030 20 >"$work/opened"
new_netns late
in_netns late "$churn" name churn 8031 20 >>"$work/opened"
# Other tests may listen in other namespaces.
ours() { # of the reports, those of these two processes
	grep -E " ($(cut -d' ' -f4 "$work/opened" | paste -sd '|'))$"
}
wait_for eval '[ "$(reports closed | ours | wc -l)" -ge 2 ]'
is "$(reports opened closed | ours | sort)" "$(while read -r line; do
	printf '%s\n' "opened $line" "closed $line"
done <"$work/opened" | sort)" "--all-netns: there before, or made after it began; each once"
is "$(jq -r 'select(.event == "opened" and (.listener.port | IN(8030, 8031))) |
	"\(.listener.port) \(.namespace.name) \(.namespace.inode)"' "$work/out")" \
	"8030 early $(stat -Lc %i /run/netns/early)
8031 null $(stat -Lc %i /run/netns/late)" "and in which namespace"
delete_netns gone
ok "a namespace that nobody else holds can end" wait_for eval '! ip link show v0'
finish
begin
in_netns early "$churn" name churn 8032 5 >/dev/null
"$churn" name churn 8033 5 >/dev/null
wait_for ended 1
finish
is "$(reports opened | cut -d' ' -f4)" 8033 "without it, only ours"
begin -N early
in_netns early "$churn" name churn 8034 5 >/dev/null
"$churn" name churn 8035 5 >/dev/null
in_netns early "$churn" name churn 8036 5 >/dev/null
wait_for ended 2
finish
is "$(reports opened | cut -d' ' -f4 | xargs)" "8034 8036" "-N: only that one"

# ---- foreign names ----

name=$'a"\e[3m)\n<x'
begin
"$churn" name "$name" 8008 30 >/dev/null
wait_for ended 1
finish
is "$(jq -r 'select(.event == "opened") | .listener.owners[0].name' "$work/out")" "$name" \
	"a hostile name is itself in JSON"
run --to "$work/text" "$PORTSCRIBE" watch
"$churn" name "$name" 8008 30 >/dev/null
wait_for grep -q 'closed 8008/tcp' "$work/text"
finish
is "$(grep -c 'opened 8008/tcp .* by a"\\x1b\[3m)\\x0a<x [0-9]' "$work/text")" 1 \
	"and harmless in text"
is "$(tr -d '\n\040-\176' <"$work/text")" "" "no control byte is in the text"

# ---- lost events are said ----

begin --ring 4096
"$churn" flood 200000 8009 >/dev/null
wait_for grep -q '"event":"lost"' "$work/out"
finish
is "$code" 4 "lost events: the exit status is 4"
lost=$(jq -rs '[.[] | select(.event == "lost") | .count] | add' "$work/out")
[ "$lost" -gt 0 ] && [ "$lost" -le 400000 ]
is $? 0 "and they are counted ($lost)"

# ---- the journal ----

hold tcp 8010
like "$("$PORTSCRIBE" watch --journal --for 0.1 2>/dev/null)" '^<[4-6]>present 8010/tcp ' "--journal: a priority instead of the time"
JOURNAL_STREAM=$(stat -c %d:%i "$work/text") "$PORTSCRIBE" watch --for 0.1 >"$work/text" 2>/dev/null
like "$(cat "$work/text")" '^<[4-6]>present 8010/tcp ' "JOURNAL_STREAM alone says it too"
JOURNAL_STREAM=1:1 "$PORTSCRIBE" watch --for 0.1 >"$work/text" 2>/dev/null
like "$(cat "$work/text")" '^20[0-9-]+ [0-9:.]+ present 8010/tcp ' "but not where it is another stream"
kill "$pid"

# ---- privileges ----

begin
is "$(sed -nE 's/^Cap(Prm|Eff|Bnd):\s*0*/\1 /p' /proc/$watch/status)" "Prm 80004
Eff 80004
Bnd 80004" "it keeps CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, and nothing else"
is "$(sed -nE 's/^(CapInh|CapAmb|NoNewPrivs):\s*0*/\1 /p' /proc/$watch/status)" "CapInh 
CapAmb 
NoNewPrivs 1" "and can gain nothing"
# Opened before, and unprivileged since: what it reads of others still is there.
setpriv --reuid 65534 --clear-groups "$churn" random 5 1 1 >"$work/opened"
wait_for ended 5
is "$(jq -rs '[.[] | select(.event == "opened") | .listener.owners[0].exe] | unique | join("|")' \
	"$work/out")" "$churn" "the executable of another user's process"
finish

# As the unit starts it: another user, with these five.
five=+bpf,+perfmon,+net_admin,+sys_ptrace,+dac_read_search
run setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$five" --ambient-caps "$five" \
	--bounding-set "-all,$five" "$PORTSCRIBE" watch -j
"$churn" random 5 1 1 >"$work/opened"
wait_for ended 5
finish
is "$code: $(reports opened | sed 's/^opened //' | sort)" "0: $(sort "$work/opened")" \
	"as another user with five capabilities: nothing is missing"

without() { # CAPABILITY...: in $work/out, $work/said, $code
	local list
	list=$(printf ',-%s' "$@")
	run setpriv --bounding-set "${list#,}" --inh-caps "${list#,}" \
		"$PORTSCRIBE" watch -j --interval 0.2
	hold tcp 8011
	wait_for reported 1 "opened tcp ipv4 8011 $pid"
	kill "$pid"
	finish
}

without perfmon sys_admin
is "$code" 4 "without CAP_PERFMON: exit status 4"
like "$(cat "$work/said")" 'TCP and SCTP .*needs CAP_PERFMON.*looking every 0.2 s instead' \
	"it says what is missing, and that it looks instead"
is "$(reports opened) $(jq -r 'select(.event == "opened") | .seen_by' "$work/out")" \
	"opened tcp ipv4 8011 $pid look" "and finds by looking"
without net_admin
is "$code" 4 "without CAP_NET_ADMIN: exit status 4"
like "$(cat "$work/said")" 'UDP sockets cannot be told of by the kernel: needs CAP_NET_ADMIN' \
	"UDP alone is missing"
is "$(reports opened) $(jq -r 'select(.event == "opened") | .seen_by' "$work/out")" \
	"opened tcp ipv4 8011 $pid event" "TCP is told of by the kernel all the same"

# ---- nothing stays ----

# Programs, maps and links that a process has.
ids_of() { # PID
	sed -nE 's/^(prog|map|link)_id:\s*([0-9]+)$/\1 \2/p' /proc/"$1"/fdinfo/* 2>/dev/null | sort -u
}

all_gone() { # IDS
	local kind id
	while read -r kind id; do
		! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <<<"$1"
}

for signal in INT TERM HUP KILL; do
	begin
	ids=$(ids_of $watch)
	is "$(grep -c ^link <<<"$ids")" 5 "SIG$signal: its links can be named"
	kill -$signal $watch
	wait $watch 2>/dev/null
	is $? "$([ $signal = KILL ] && echo 137 || echo 0)" "SIG$signal: how it ends"
	ok "SIG$signal: programs, maps and links are gone" wait_for all_gone "$ids"
done
done_testing
