#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# `portscribe annotate --live`: comments on rules of the ruleset that is in force.
# What changes and what does not, what is refused and why, counters under traffic
# compared with what was sent, other writers at the same time, kills at every message.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_portscribe
require_command nft strace

traffic=$BUILD/tests/net/traffic
live() { # ARGUMENT...: portscribe annotate --live; sets out, said, code
	out=$("$PORTSCRIBE" annotate --live "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
load() { # the ruleset on standard input, instead of what is there
	{ echo 'flush ruleset' && cat; } | nft -f - || bail_out "nft refuses a ruleset of this test"
}
listing() { # with handles; without our comments
	nft -a list ruleset | sed -E 's/ comment "\[ps\] [^"]*"//'
}
settled() { # the same without numbers, which packets change
	listing | sed -E 's/packets [0-9]+ bytes [0-9]+/packets N bytes N/'
}

# ---- what changes ----

load <<'NFT'
table inet filter {
	comment "of the table"
	set web { type inet_service; elements = { 80, 443, 8080 comment "mine" }; }
	counter tls { comment "of the counter"; packets 7 bytes 420; }
	chain input {
		type filter hook input priority 0; policy accept;
		ct state established,related accept
		tcp dport { 22, 9100 } counter packets 41 bytes 2460 accept
		tcp dport @web accept comment "web"
		udp dport 3224-3324 accept
		udp dport { 53, 100-200, 500 } counter name "tls" accept
		tcp dport vmap { 25 : accept, 110 : drop, 143 : jump mail }
		ip saddr . tcp dport { 10.0.0.1 . 22, 10.0.0.0/8 . 80-90 } accept
		tcp dport 3069 log prefix "hm " drop
		tcp dport 24 quota 5 mbytes used 3 kbytes accept
		tcp dport set 8080
		udp dport 5 update @seen { ip saddr . udp dport }
	}
	set seen { type ipv4_addr . inet_service; size 100; flags dynamic; }
	chain mail { tcp dport 993 accept; }
	chain nat { type nat hook prerouting priority -100; tcp dport 81 redirect to :8081; }
}
table netdev edge { chain e { tcp dport 23 drop; }; }
table bridge b { chain c { udp dport 69 drop; }; }
NFT
before=$(nft -a list ruleset)
live
is "$code|$(nft -a list ruleset)" "0|$before" "without --apply nothing changes"
like "$out" '^--- ruleset' "it prints a diff"
like "$out" '\+		udp dport 3224-3324 accept comment "\[ps\] Citrix Framehawk 3224-3324; ' "with the new lines"
live --check
is "$code|$(nft -a list ruleset)" "1|$before" "--check: exit status 1, and nothing changes"
live --apply
is "$code" 0 "--apply"
like "$out" '13 of 13 rules: comments written' "says how many"
like "$out" 'read again: all is as it was but for comments$' "and that it looked again"
is "$(listing)" "$before" "handles, places, counters, quotas and sets are what they were"
is "$(nft list ruleset | grep -c 'comment "\[ps\] ')" 13 "thirteen comments"
like "$(nft list chain inet filter input)" 'tcp dport \{ 22, 9100 \} counter packets 41 bytes 2460 accept comment "\[ps\] 22 ssh; 9100 hp-pdl' \
	"a rule with a set of its own and a counter"
like "$(nft list chain inet filter input)" 'quota 5 mbytes used 3 kbytes accept comment "\[ps\] 24' \
	"a quota"
like "$(nft list chain inet filter input)" 'tcp dport @web accept comment "web"' \
	"a comment of somebody's stays"
live --check
is "$code|$out" "0|" "a second time there is nothing to change"
live --apply
is "$code|$out" "0|there is nothing to change" "and --apply says so"
text=$(nft list ruleset)
load <<<"$text"
is "$(nft list ruleset)" "$text" "the listing with comments can be loaded again"
live --check
is "$code" 0 "and is annotated still"
load <<<"$text"
before=$(listing)
live --strip --apply
is "$code|$(nft -a list ruleset)" "0|$before" "--strip: as it was, with the same handles"
like "$out" '13 of 13 rules: comments taken out' "and it says so"

# Twenty times over: nothing wears out.
for ((i = 0; i < 20; i++)); do
	live --apply
	[ $code = 0 ] || break
	live --strip --apply
	[ $code = 0 ] || break
done
is "$code|$(nft -a list ruleset)" "0|$before" "twenty times there and back"

load </dev/null
live --apply
is "$code|$out" "0|there is nothing to change" "no ruleset"

# Expressions that the kernel tells otherwise than it takes them, and others.
load <<'NFT'
table inet t {
	synproxy sp { mss 1460; wscale 7; }
	ct helper ftp { type "ftp" protocol tcp; }
	set seen { type ipv4_addr . inet_service; size 100; flags dynamic; }
	set iv { type inet_service; flags interval; auto-merge; elements = { 22-25, 80 }; }
	map n { type inet_service : ipv4_addr . inet_service; elements = { 80 : 10.0.0.1 . 8080 }; }
	chain a {
		type filter hook input priority 0;
		tcp dport 21 ct helper set "ftp"
		tcp dport 23 synproxy name "sp"
		udp dport 5 update @seen { ip saddr . udp dport }
		udp dport 6 add @seen { ip saddr . udp dport }
		tcp dport @iv accept
		tcp dport 443 tcp flags syn / syn,ack log prefix "x" group 2 accept
		meta l4proto { tcp, udp } th dport 53 accept
		tcp dport 80 numgen random mod 2 0 drop
		tcp dport 101 reject with tcp reset
		tcp dport 103 meta mark set 5 ct mark set 6 return
		tcp dport 104 fib daddr type local accept
		tcp dport 105 socket transparent 1 accept
		tcp dport 106 tcp option maxseg size set 1400
		tcp dport 107 osf name "Linux" accept
		tcp dport 108 jhash ip saddr mod 2 0
		tcp dport 110 ip dscp set cs1
	}
	chain b { type filter hook prerouting priority -300; udp dport 102 notrack; tcp dport 90 tproxy ip to :9090; }
	chain c { type nat hook prerouting priority -100; dnat ip to tcp dport map @n; }
	chain d { type route hook output priority 0; tcp dport 109 rt mtu 1400; }
}
NFT
before=$(nft -a list ruleset)
live --apply
is "$code|$said" "0|" "every expression goes back as it came"
like "$out" '20 of 20 rules: comments written
read again: all is as it was but for comments$' "and all are written"
is "$(listing)" "$before" "and nothing else is changed"
live --strip --apply
is "$code|$(nft -a list ruleset)" "0|$before" "and out again"

# ---- what is refused ----

refused() { # RULE REASON [EXTRA LINES OF THE TABLE]
	load <<-NFT
		table inet t {
			${3-}
			chain x { }
			chain c { $1; tcp dport 8443 accept; }
		}
	NFT
	local before after
	before=$(nft -a list ruleset)
	live --apply
	after=$(nft -a list ruleset)
	is "$code|$(listing)" "0|$before" "$1: stays"
	like "$said" "^inet t, chain c, handle [0-9]+: left alone: $2"$'\n*$' "$1: says why"
	[[ $after == *'tcp dport 8443 accept comment "[ps] 8443 '* ]]
	is $? 0 "$1: the next rule has its comment"
}
refused 'tcp dport 22 limit rate 3/second accept' 'its limit would begin anew'
refused 'tcp dport 22 limit rate over 1 mbytes/second drop' 'its limit would begin anew'
refused 'tcp dport 22 ct count over 3 drop' 'its ct count would forget its connections'
refused 'tcp dport 22 meter m { ip saddr limit rate 3/second } accept' \
	'it has a meter, which would begin anew'
refused 'tcp dport { 22 counter, 23 counter } accept' \
	'elements of its set have counters or other state'
refused 'counter name tcp dport map { 22 : "a" }' 'it finds counters or other objects in a map' \
	'counter a { }'

load <<'NFT'
table inet t {
	chain c {
		type filter hook output priority 0
		udp dport 5 quota over 100 bytes
	}
}
NFT
"$traffic" udp 4000 127.0.0.1 5 1 100
before=$(nft -a list ruleset)
live --apply --force
is "$code|$out|$(nft -a list ruleset)" "0|there is nothing to change|$before" \
	"a quota that is used up: stays"
like "$before$said" 'used 1(00|28) bytes.*left alone: its quota is used up, which nf_tables does not take back' \
	"a quota that is used up: says why"

load <<'NFT'
table inet t {
	chain c {
		tcp dport 22 jump { tcp dport 25 accept; }
		tcp dport 8443 accept
	}
}
NFT
before=$(nft -a list ruleset)
live --apply
is "$code|$(listing)" "0|$before" "a block: stays"
like "$said" 'handle [0-9]+: left alone: it jumps to a block of its own' "a block: says why"
like "$said" 'line [0-9]+ of the listing: left alone: it stands in a block that is jumped to' \
	"and of the rule in it"

# The owner is the process that holds the table.
load </dev/null
mkfifo "$work/words"
nft -i <"$work/words" >/dev/null 2>&1 &
owner=$!
exec 8>"$work/words"
echo 'add table inet owned { flags owner; }; add chain inet owned c; add rule inet owned c tcp dport 22 accept' >&8
if wait_for eval 'nft list ruleset | grep -q "dport 22"'; then
	before=$(nft -a list ruleset)
	live --apply
	is "$code|$(nft -a list ruleset)" "0|$before" "a table with an owner: stays"
	like "$said" "^inet owned: left alone: it is kept by the process that made it, as its owner \(1 rule\)" \
		"and it says why"
else
	not_ok "a table with an owner"
fi
exec 8>&-
wait $owner

kept() { # FAMILY TABLE PROGRAM
	load <<<"table $1 $2 { chain c { tcp dport 22 accept; tcp dport 23 accept; }; }"
	local before
	before=$(nft -a list ruleset)
	live --apply --force
	is "$code|$out|$(nft -a list ruleset)" "0|there is nothing to change|$before" "$2: stays"
	like "$said" "^$1 $2: left alone: it is kept by $3 \(2 rules\); change it with " \
		"$2: says who keeps it, once"
}
kept inet firewalld firewalld
kept inet fw4 "OpenWrt's fw4"
kept ip libvirt_network libvirt
kept inet kube-proxy kube-proxy
kept ip docker-bridges docker
kept inet f2b-table fail2ban
kept ip crowdsec crowdsec
kept inet netavark 'netavark \(podman\)'

if command -v iptables-nft >/dev/null; then
	load </dev/null
	iptables-nft -A INPUT -p tcp --dport 25 -m conntrack --ctstate NEW -j ACCEPT 2>/dev/null
	iptables-nft -A INPUT -p tcp --dport 26 -j ACCEPT
	before=$(iptables-nft-save -c)
	live --apply --force
	is "$code|$(iptables-nft-save -c | grep -v '^#')" "0|$(grep -v '^#' <<<"$before")" \
		"iptables-nft: stays"
	like "$said" 'ip filter: left alone: it is kept by iptables-nft' "iptables-nft: says so"
	ok "iptables-nft: its rules are found by it still" \
		iptables-nft -D INPUT -p tcp --dport 26 -j ACCEPT
else
	skip "rules of iptables-nft" "iptables is not installed"
fi

# ---- names and comments that mislead ----

load </dev/null
ok "names with line ends, quotes and terminal codes" \
	"$BUILD/tests/net/hostile" 't\e[31mx' 'c\q\n accept' 's\n}' \
	'a\q; tcp dport 23 accept\n\t\t tcp dport 24 accept # \e[2J'
nft -f - <<<'table ip quiet { chain c { tcp dport 22 counter accept; }; }'
before=$(nft -a list ruleset)
live --apply
is "$code|$(listing)" "0|$before" "and nothing changes but a comment"
is "$(nft list table ip quiet | grep -c 'accept comment "\[ps\] 22 ssh: ')" 1 "the harmless rule has it"
[[ $out$said != *$'\e'* && $out$said != *$'\n accept'* ]]
is $? 0 "and none of them reaches the terminal"
like "$said" $'^portscribe annotate: 5 names or comments hold quotes or control bytes; \'_\' stands for those\ninet t\\\\x1b\\[31mx, chain c"\\\\x0a accept, handle 3: left alone: it has a comment already$' \
	"it says what it is about"
for what in rules "rules 22" "rules -v -a" "annotate --live" "annotate --live --strip"; do
	# shellcheck disable=SC2086 # words
	out=$("$PORTSCRIBE" $what 2>&1)
	[[ $out != *$'\e'* && $out != *$'\n accept'* && $out != *$'\n\t\t tcp dport 24'* ]]
	is $? 0 "$what: no byte of theirs changes what is seen"
done
is "$("$PORTSCRIBE" rules -j 2>/dev/null | jq -c '[.rules[] | .handle], (.rules[0].text | contains("\n"))')" \
	$'[3,2]\nfalse' "rules -j: two rules"

# So many rules before it that the kernel's notices of them fill the socket, and one
# of another table that has its handle.
{
	echo 'table inet crowd { chain c { tcp dport 1 accept'
	for ((i = 0; i < 600; i++)); do
		printf -v ports '%s, ' $(seq $((i + 1)) 3 $((i + 450)))
		echo "tcp dport { ${ports%, } } accept"
	done
	echo '}; }; table inet t { chain c { tcp dport 22 counter packets 1000 bytes 60000 accept; }; }'
} | load
like "$(nft -a list ruleset | grep -E 'dport (1|22) ')" 'dport 1 .*handle 2'$'\n''.*dport 22 .*handle 2$' \
	"a rule with a counter, and one with its handle elsewhere"
live --apply
is "$code|$said" "0|" "after six hundred rules nothing is unknown of its counter"
is "$out" $'602 of 602 rules: comments written\nread again: all is as it was but for comments' \
	"and nothing was put back"
like "$(nft list table inet t)" 'counter packets 1000 bytes 60000 accept comment' "and it has what it had"

# ---- counters under traffic ----

mkfifo "$work/tide"
hail() { # PORT RATE: begins; hailed ends it and sets sent
	exec 9<>"$work/tide"
	"$traffic" hail 127.0.0.1 "$1" "$2" 100000000 <"$work/tide" >"$work/hailed" 9>&- &
	hailer=$!
	wait_for grep -q ready "$work/hailed"
}
hailed() {
	exec 9>&-
	wait $hailer
	sent=$(sed -n 2p "$work/hailed")
}
counted() { # what the rule's or the named counter has
	nft list ruleset | grep -oE 'packets [0-9]+' | head -1 | cut -d' ' -f2
}
missing() { # what was said to be missing, in all
	grep -ohE 'misses [0-9,]+ packets' "$work/all" | tr -d ',' |
		awk '{ sum += $2 } END { print sum + 0 }'
}
rewrites() { # COUNT [ARGUMENT]...: there and back; failed has the first that did
	local i count=$1
	shift
	failed=
	for ((i = 0; i < count && ${#failed} == 0; i++)); do
		live --apply "$@"
		cat "$work/said" >>"$work/all"
		[ $code = 0 ] || failed="$code: $said"
		live --strip --apply "$@"
		cat "$work/said" >>"$work/all"
		[ $code = 0 ] || failed="$code: $said"
	done
}

: >"$work/all"
load <<<'table inet t { counter n { }; chain c { type filter hook output priority 0; udp dport 5001 counter name "n" drop; }; }'
hail 5001 0
rewrites 10
hailed
is "$failed|$(counted)|$(missing)" "|$sent|0" "a named counter misses none of a flood"
diag "20 rewrites, $sent packets"

: >"$work/all"
load <<<'table inet t { chain c { type filter hook output priority 0; udp dport 5000 counter drop; }; }'
hail 5000 5000
rewrites 10
hailed
is "$failed|$(($(counted) + $(missing)))" "|$sent" \
	"a rule's counter and what it is said to miss are what was sent"
diag "20 rewrites, $sent packets, $(missing) missing"
! grep -q 'is not known' "$work/all"
is $? 0 "and it is always known"

load <<<'table inet t { chain c { type filter hook output priority 0; udp dport 5000 counter drop; }; }'
before=$(settled)
hail 5000 0
live --apply
hailed
is "$code|$(settled)|$(counted)" "4|$before|$sent" "a rule hit faster than the limit is left alone"
like "$said" 'handle [0-9]+: left alone: it has a counter and is hit [0-9,]+ times a second, and packets would be missing in it above 12000 \(--force does it all the same\)' \
	"and it says why"
like "$out" '0 of 1 rules: comments written' "exit status 4: not all was done"

: >"$work/all"
already=$(counted)
hail 5000 0
rewrites 10 --force
hailed
untold=$((sent - ($(counted) - already + $(missing))))
# A packet that is on its way through the old rule when the kernel tells its end counts
# there afterwards: one a processor at most, each time.
[ -z "$failed" ] && [ $untold -ge 0 ] && [ $untold -le $((20 * 2 * $(nproc))) ]
is $? 0 "--force: what is missing of a flood is said, but for packets on their way"
diag "20 rewrites, $sent packets, $(missing) missing, $untold untold"
nft add rule inet t c udp dport 5000 quota over 1 mbytes used 5 bytes drop
live --apply --force
is "$code" 0 "a quota"

# ---- somebody else at the same time ----

{
	echo 'table inet t { chain ours { type filter hook input priority 0;'
	for ((i = 0; i < 50; i++)); do
		echo "tcp dport $((1000 + i)) counter accept; udp dport { $((1000 + i)), 2000 } drop"
	done
	echo '}; chain theirs { }; }'
} | load
before=$(nft -a list chain inet t ours)
foreign() { # until $work/stop: adds rules, deletes every second of them, and notes the rest
	local number=0 handle
	while [ ! -e "$work/stop" ]; do
		number=$((number + 1))
		handle=$(nft -ea add rule inet t theirs tcp dport $((number % 60000 + 1)) counter \
			comment "\"theirs $number\"" | grep -oE 'handle [0-9]+' | cut -d' ' -f2)
		[ -n "$handle" ] || echo "cannot add $number"
		if [ $((number % 2)) = 0 ]; then
			nft delete rule inet t theirs handle "$handle" || echo "cannot delete $number"
		else
			echo "theirs $number" >>"$work/kept"
		fi
	done
}
: >"$work/kept"
foreign >"$work/complaints" 2>&1 &
foreigner=$!
wait_for test -s "$work/kept"
done=0 restarts=0 failed=
for ((round = 0; round < 5 && ${#failed} == 0; round++)); do
	for direction in "" --strip; do
		# shellcheck disable=SC2086 # no word or one
		live --apply --force $direction
		[ $code = 0 ] || failed="$code: $said"
		all=$(grep -oE '^[0-9]+ of' <<<"$out" | cut -d' ' -f1)
		done=$((done + ${all:-0}))
			again=$(grep -oE 'anew [0-9]+' <<<"$out" | cut -d' ' -f2)
		restarts=$((restarts + ${again:-0}))
	done
done
touch "$work/stop"
wait $foreigner
is "$failed" "" "rewrites while somebody else adds and deletes rules"
[ "$done" -ge 1000 ]
is $? 0 "a thousand rewrites"
diag "$done rewrites, begun anew $restarts times, $(wc -l <"$work/kept") rules of theirs"
is "$(nft -a list chain inet t ours)" "$before" "ours are what they were"
is "$(nft list chain inet t theirs | grep -oE 'theirs [0-9]+')" "$(cat "$work/kept")" \
	"all of theirs are there, and none that they deleted"
is "$(cat "$work/complaints")" "" "and nothing of theirs failed"

# The window between our last look and our commit, held open by strace.
held() { # PID of strace: whether its child stands still
	local child i
	child=$(pgrep -P "$1") || return
	for ((i = 0; i < 5; i++)); do
		grep -q '^State:.*tracing stop' "/proc/$child/status" || return
		sleep 0.02
	done
}
between() { # COMMAND...: run when the first batch is about to be sent
	local trace="strace -o $work/trace -e trace=sendto" call running
	$trace "$PORTSCRIBE" annotate --live --apply >/dev/null 2>&1
	call=$(grep 'sendto(' "$work/trace" | grep -n -m 1 NFNL_MSG_BATCH_BEGIN | cut -d: -f1)
	"$PORTSCRIBE" annotate --live --apply --strip >/dev/null 2>&1
	$trace -e "inject=sendto:delay_enter=3000000:when=$call" \
		"$PORTSCRIBE" annotate --live --apply >"$work/out" 2>"$work/said" &
	running=$!
	wait_for held "$running"
	"$@"
	wait $running
	code=$?
	out=$(cat "$work/out") said=$(cat "$work/said")
}
window='table inet t { chain c { tcp dport 22 accept; tcp dport 23 accept; }; }'
load <<<"$window"
between nft add rule inet t c tcp dport 24 accept
is "$code|$(nft list ruleset | grep -c 'accept comment "\[ps\] 2[23] ')" "0|2" \
	"a rule is added in the window: ours are annotated"
is "$(nft list ruleset | grep -c 'dport 24 accept$')" 1 "and it is there"
like "$out" 'somebody else changed the ruleset meanwhile; begun anew 1 time'$'\n' "and it is said"
like "$out" 'read again: each rule that was changed is what it was but for comments; somebody else changed others' \
	"and looked at again"
load <<<"$window"
between eval 'nft delete rule inet t c handle $(nft -a list chain inet t c | sed -n "s/.*dport 22.*handle //p")'
is "$code|$(nft list ruleset | grep -c 'dport 22')" "0|0" \
	"a rule is deleted in the window: it does not come back"
like "$said" '^inet t, chain c, handle [0-9]+: is gone$' "and it is said"
is "$(nft list ruleset | grep -c 'dport 23 accept comment "\[ps\] ')" 1 "the other is annotated"
load <<<"$window"
between eval 'nft replace rule inet t c handle $(nft -a list chain inet t c | sed -n "s/.*dport 22.*handle //p") \
	tcp dport 22 drop'
is "$code|$(nft list ruleset | grep -c 'dport 22 drop$')" "4|1" \
	"a rule is replaced in the window: it is what somebody else made it"
like "$said" 'left alone: somebody else changed it meanwhile' "and it is said"

# A counter that is set back while its rate is measured, here by its rule's replacement.
load <<<'table inet t { chain c { tcp dport 22 counter packets 1000 bytes 60000 accept; }; }'
strace -o /dev/null -e trace=clock_nanosleep,nanosleep \
	-e inject=clock_nanosleep,nanosleep:delay_enter=2000000 \
	"$PORTSCRIBE" annotate --live --apply >"$work/out" 2>"$work/said" &
running=$!
wait_for held "$running"
nft replace rule inet t c handle 2 tcp dport 22 counter packets 7 bytes 420 accept
wait $running
is "$?|$(cat "$work/said")" "0|" "a counter that is set back meanwhile is not taken for a fast one"
is "$(nft list ruleset | grep -c 'counter packets 7 bytes 420 accept comment "\[ps\] 22')" 1 \
	"and is what it was set to"

# ---- kills, and errors of the kernel's ----

load <<'NFT'
table inet t {
	chain c {
		type filter hook input priority 0;
		tcp dport 22 counter packets 3 bytes 180 accept
		tcp dport { 25, 587 } accept
		udp dport vmap { 53 : accept, 123 : drop }
		tcp dport 80 counter packets 5 bytes 300 drop
		tcp dport 443 accept
	}
}
NFT
before=$(nft -a list ruleset)
strace -o "$work/trace" -e trace=sendto "$PORTSCRIBE" annotate --live --apply >/dev/null 2>&1
calls=$(grep -c 'sendto(' "$work/trace")
"$PORTSCRIBE" annotate --live --strip --apply >/dev/null 2>&1
wrong=
for ((call = 1; call <= calls; call++)); do
	strace -o /dev/null -e trace=sendto -e "inject=sendto:signal=KILL:when=$call" \
		"$PORTSCRIBE" annotate --live --apply >/dev/null 2>&1
	[ "$(listing)" = "$before" ] || wrong+=" $call"
	"$PORTSCRIBE" annotate --live --strip --apply >/dev/null 2>&1
	[ "$(nft -a list ruleset)" = "$before" ] || wrong+=" strip after $call"
done
[ "$calls" -ge 10 ]
is "$?|$wrong" "0|" "killed at each of $calls messages: always the same rules and counters"
wrong=
for ((call = 1; call <= calls; call++)); do
	strace -o /dev/null -e trace=sendto -e "inject=sendto:error=ENOBUFS:when=$call" \
		"$PORTSCRIBE" annotate --live --apply >"$work/out" 2>"$work/said"
	code=$?
	[ "$(listing)" = "$before" ] || wrong+=" $call"
	comments=$(nft list ruleset | grep -c '"\[ps\] ')
	[ $code != 0 ] || [ "$comments" = 5 ] || wrong+=" $call: exit status 0"
	[ $code = 0 ] || [ -s "$work/said" ] || wrong+=" $call: silent"
	"$PORTSCRIBE" annotate --live --strip --apply >/dev/null 2>&1
done
is "$wrong" "" "errors at each of $calls messages: nothing is lost, and it is said"

# ---- no privilege ----

setpriv --reuid 65534 --clear-groups "$PORTSCRIBE" annotate --live >"$work/out" 2>"$work/said"
is "$?|$(cat "$work/out")" "3|" "without privilege: exit status 3"
like "$(cat "$work/said")" '^portscribe annotate: .*needs CAP_NET_ADMIN; try sudo' "and what is needed"

done_testing
