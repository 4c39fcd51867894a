#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# `portscribe audit`: each finding from the real situation, and beside it situations
# that look alike and must stay silent.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_portscribe
require_command nft jq perl setpriv

traffic=$BUILD/tests/net/traffic
new_netns a b
veth a a0 "10.1.0.1/24 fd00:1::1/64" b b0 "10.1.0.2/24 fd00:1::2/64"
in_netns b ip addr add 10.1.0.3/24 dev b0

# Listeners of a situation end with it.
mkfifo "$work/hold"
begin() { # the ruleset on standard input
	exec 7<>"$work/hold"
	{ echo 'flush ruleset' && cat; } | in_netns b nft -f - || bail_out "nft refuses a ruleset of this test"
}
# Sockets that only perl makes: IO::Socket::IP's ARGUMENT of each in one program.
hold() { # COUNT ARGUMENT...
	in_netns b perl -MIO::Socket::IP -e '
		my $count = shift;
		my @held = map { IO::Socket::IP->new(Listen => 1, @ARGV) or die "$@\n" } 1 .. $count;
		$| = 1;
		print "ready\n";
		<STDIN>' "$@" <"$work/hold" 7>&- >"$work/ready" &
	wait_for grep -q ready "$work/ready"
}
listen() { # TRANSPORT PORT [COMMAND THAT RUNS IT]...
	local transport=$1 port=$2
	shift 2
	in_netns b "$@" "$traffic" listen "$transport" "$port" <"$work/hold" 7>&- >"$work/ready" &
	wait_for grep -q ready "$work/ready"
}
end() {
	exec 7>&-
	wait
}
audit() { # ARGUMENT...: sets out, said, code; found: CODE SEVERITY PORT/TRANSPORT, a line each
	out=$("$PORTSCRIBE" audit -N b -j "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
	found=$(jq -r '.findings[] | "\(.code) \(.severity) \(.port)/\(.transport)"' <<<"$out" | sort)
}
evidence() { # CODE
	jq -r --arg code "$1" '.findings[] | select(.code == $code) |
		[.rule, .listener, .evidence] | map(. // "-") | join(" | ")' <<<"$out"
}

input='type filter hook input priority 0; policy drop; ct state established,related accept; iif lo accept;'

# ---- 1: open-unserved ----

begin <<<"table inet t { chain c { $input tcp dport { 22, 8443 } accept; udp dport 3224-3324 accept; }; }"
listen tcp 22
audit
is "$code|$found" "1|open-unserved warning 3224-3324/udp
open-unserved warning 8443/tcp" "open-unserved: what nobody serves"
like "$(evidence open-unserved)" \
	'inet t c, handle [0-9]+: tcp dport \{ 22, 8443 \} accept \| - \| The rule lets it in, and nobody listens\.' \
	"open-unserved: the rule and the reason"
listen udp 3300
audit
is "$found" "open-unserved warning 8443/tcp" "near: somebody listens within the range"
end

begin <<NFT
table inet t {
	chain c { $input
		tcp dport 8443 drop
		tcp dport 8444 reject
		tcp sport 8445 accept
		iif lo tcp dport 8446 accept
		udp dport { 68, 546 } accept
		udp dport 33434-33523 accept
		tcp dport != 8447 tcp dport 22 accept
	}
	chain f { type filter hook forward priority 0; policy drop; tcp dport 8448 accept; }
	chain o { type filter hook output priority 0; tcp dport 8449 accept; }
	chain n { type nat hook prerouting priority -100; tcp dport 80 redirect to :8080; }
	chain c2 { tcp dport 8450 accept; }
}
NFT
listen tcp 22
listen tcp 8080
audit
is "$(grep -c open-unserved <<<"$found")" 0 \
	"near: dropped, rejected, source ports, lo, DHCP, traceroute, forward, output, no hook"
end
begin <<<"table inet t { chain c { $input tcp dport 8080 accept; }
	chain n { type nat hook prerouting priority -100; tcp dport 80 redirect to :8080; }; }"
listen tcp 8080
audit
is "$(grep -c open-unserved <<<"$found")" 0 "near: redirected to who listens"
end

begin <<<"table inet t { chain c { $input tcp dport 8443 jump web; tcp dport 631 accept; }; chain web { accept; }; }"
hold 1 LocalAddr 127.0.0.1 LocalPort 631
audit
is "$found" "open-unserved warning 631/tcp
open-unserved warning 8443/tcp" "open-unserved: by a jump; and a listener on lo serves nobody who is let in"
like "$(evidence open-unserved)" 'and nobody listens but for this host alone: perl \([0-9]+\) at 127\.0\.0\.1\.' \
	"open-unserved: and who listens there"
end

# ---- 2: exposed, plaintext ----

begin <<<"table inet t { chain c { $input tcp dport { 6379, 110, 995, 9200 } accept; }; }"
listen tcp 6379
listen tcp 110
listen tcp 995
audit
like "$found" 'exposed critical 6379/tcp' "exposed: Redis for anybody"
like "$found" 'plaintext warning 110/tcp' "plaintext: POP3 beside POP3S"
like "$(evidence exposed)" '^inet t c, handle [0-9]+ \| traffic \([0-9]+\) at \* \| Anybody reaches it over IPv4 and IPv6, and Redis' \
	"exposed: rule, listener, reason"
end
begin <<<"table inet t { chain c { $input ip saddr 10.0.0.0/8 tcp dport 6379 accept; tcp dport 110 accept; }; }"
listen tcp 6379
listen tcp 110
audit
is "$(grep -cE 'exposed|plaintext' <<<"$found")" 0 "near: for some addresses only; no TLS beside it"
end
begin <<<"table inet t { chain c { $input tcp dport 22 accept; }; }"
listen tcp 22
listen tcp 6379
audit
is "$(grep -cE 'exposed' <<<"$found")" 0 "near: the firewall drops it"
end

begin <<<"table inet t { chain c { $input tcp dport { 5432, 6379 } accept; }; }"
hold 1 LocalAddr 10.1.0.2 LocalPort 5432
hold 3 LocalAddr 10.1.0.2 LocalPort 6379 ReusePort 1
audit
is "$found" "exposed warning 6379/tcp" \
	"exposed: at a private address less so, once for all workers; near: what is for own networks"
end
in_netns b ip link add out0 type veth peer name out1
in_netns b ip addr add 203.0.113.2/24 dev out0
in_netns b ip link set out1 up
in_netns b ip link set out0 up
begin <<<"table ip t { chain c { $input iifname b0 tcp dport { 5432, 6379 } accept; iifname out0 tcp dport 27017 accept; }; }"
for port in 5432 6379 27017; do hold 1 LocalAddr 0.0.0.0 LocalPort $port; done
audit
is "$found" "exposed critical 27017/tcp
exposed warning 6379/tcp" "exposed: by an interface of private addresses less so, by another as by all"
like "$(evidence exposed)" 'Anybody in networks of private addresses reaches it over IPv4' "exposed: and says so"
in_netns b ip link del out0
end

# ---- 3: shut-out ----

begin <<<"table inet t { chain c { $input tcp dport 22 accept; }; }"
listen tcp 22
listen tcp 8080
in_netns b "$PORTSCRIBE" attach >/dev/null 2>&1 || bail_out "cannot attach"
audit
is "$code|$found" "0|shut-out info 8080/tcp" "shut-out: nobody can reach it"
like "$(evidence shut-out)" '^the policy of inet t c \| traffic \([0-9]+\) at \* \| No rule lets anybody in from outside\. Not asked for since .*, which is too short a time to say more\.' \
	"shut-out: a zero has its age"
timeout 30 nsenter --net=/run/netns/a "$traffic" connect 10.1.0.2 8080 1 1 >/dev/null 2>&1 7>&- &
connecting=$!
wait_for eval '[ "$("$PORTSCRIBE" show -N b -j 8080 | jq ".ports[0].attempts")" -ge 1 ]'
kill $connecting 2>/dev/null
audit
like "$code|$found" '^1\|shut-out warning 8080/tcp' "shut-out: asked for, and unanswered: a warning"
like "$(evidence shut-out)" '[0-9]+ attempts? since [0-9-]+ [0-9:]+, none answered\.' "shut-out: says how often"
end

begin <<<"table inet t { chain c { $input tcp dport 8443 accept; }; }"
veth a a1 "10.2.0.1/24" b b1 "10.2.0.2/24"
audit
like "$(evidence open-unserved)" 'Not asked for since .*, which is too short a time to say more; not counted: b1\.$' \
	"a zero says which interface was not counted"
wait_for eval '(($(date +%s) > $(in_netns b "$PORTSCRIBE" status -j | jq ".since | fromdate") + 1))'
in_netns b "$PORTSCRIBE" attach >/dev/null 2>&1
audit
is "$(grep -o 'since [^,]*' <<<"$(evidence open-unserved)")" \
	"since $(in_netns b "$PORTSCRIBE" status | sed -n 's/^ *b1 .* since //p')" \
	"a zero reaches back to when the last interface was counted"
in_netns b ip link del b1
end

# ---- 6: probed ----

begin <<<"table inet t { chain c { type filter hook input priority 0; policy accept; }; }"
listen tcp 22
in_netns b "$PORTSCRIBE" detach >/dev/null 2>&1
in_netns b "$PORTSCRIBE" attach >/dev/null 2>&1
for port in 23 23 23 3389 5900; do
	in_netns a "$traffic" connect 10.1.0.2 $port 1 1 >/dev/null 2>&1
done
in_netns a "$traffic" udp 4000 10.1.0.2 5353 5 10
audit
is "$code|$found" "0|probed info null/tcp" "probed: one row for all"
like "$(evidence probed)" '^- \| - \| 5 attempts at 3 ports where nobody listens, none answered, since .* Most at 23 telnet \(3\), 3389 ms-wbt-server \(1\), 5900 rfb \(1\)\.' \
	"probed: how many, and the busiest"
in_netns b "$PORTSCRIBE" detach >/dev/null 2>&1
end
audit
is "$found" "" "near: nothing counted, nothing said"

# ---- 4: one-family ----

begin <<<"table ip t { chain c { $input tcp dport 22 accept; }; }
	table ip6 t { chain c { type filter hook input priority 0; policy accept; }; }"
listen tcp 22
listen tcp 8080
audit
is "$found" "one-family warning 8080/tcp" "one-family: closed in IPv4, open in IPv6"
like "$(evidence one-family)" 'Open over IPv6 \(the policy of ip6 t c\) and closed over IPv4 \(the policy of ip t c\)' "one-family: which"
end
begin <<<"table inet t { chain c { $input ip saddr 0.0.0.0/0 tcp dport 22 accept; }; }"
listen tcp 22
audit
is "$found" "one-family warning 22/tcp" "one-family: the reverse"
in_netns b ip -6 addr flush dev b0
audit
is "$found" "" "near: no IPv6 here"
in_netns b ip -6 addr add fd00:1::2/64 dev b0 nodad
end

# ---- 5: dead ----

begin <<<"table inet t { chain c { $input tcp dport { 3409, 22 } accept; }; }"
listen tcp 22
listen tcp 3409
audit
is "$found" "dead warning 3409/tcp
dead warning 3409/tcp" "dead: the rule and the listener"
end
begin <<<"table inet t { chain c { $input tcp dport 3409 drop; tcp dport 22 accept; }; }"
listen tcp 22
audit
is "$found" "" "near: dropped"
end

# ---- 7: published ----

in_netns b sysctl -qw net.ipv4.ip_forward=1
in_netns b ip route add 172.17.0.0/24 via 10.1.0.9
published='chain n { type nat hook prerouting priority -100; tcp dport 8080 dnat ip to 172.17.0.2:80; }'
begin <<<"table inet t { chain c { $input }; $published; }"
audit
is "$found" "published warning 8080/tcp" "published: passes by input"
like "$(evidence published)" '^inet t n, handle [0-9]+ \| - \| Anybody reaches it over IPv4: it is sent on to 172\.17\.0\.2:80, and so passes by the policy of inet t c, which would drop it\.' \
	"published: where to, and what it passes by"
end
begin <<<"table inet t { chain c { $input ip saddr 10.0.0.0/8 tcp dport 8080 accept; }; $published; }"
audit
is "$found" "published warning 8080/tcp" "published: input lets in some, and any come"
like "$(evidence published)" 'the policy of inet t c, which would drop all but some of it\.' \
	"published: and says so"
end
begin <<<"table inet t { chain c { $input }; chain n { type nat hook prerouting priority -100;
	iifname != x0 ip daddr 10.1.0.2 tcp dport 8080 dnat ip to 172.17.0.2:80; }; }"
listen tcp 8080
audit
is "$(grep -c shut-out <<<"$found")" 0 "near: a proxy listens beside what is sent on"
end
begin <<<"table inet t { chain c { $input }; $published; chain f { type filter hook forward priority 0; policy drop; }; }"
audit
is "$found" "" "near: the chain forward drops it"
end
begin <<<"table inet t { chain c { $input tcp dport 8080 accept; }; $published; }"
audit
is "$(grep -c published <<<"$found")" 0 "near: input lets it in, too"
end
in_netns b sysctl -qw net.ipv4.ip_forward=0

# ---- 8: never-reached ----

begin <<<"table inet t { chain c { $input tcp dport { 22, 80 } accept; tcp dport 22 drop; ip saddr 10.0.0.1 tcp dport 80 accept; }; }"
listen tcp 22
listen tcp 80
audit
is "$found" "never-reached warning 22/tcp
never-reached warning 80/tcp" "never-reached: an earlier rule decides"
like "$(evidence never-reached)" 'Every packet it is about is decided before, by inet t c, handle [0-9]+\.' "never-reached: which"
end
begin <<NFT
table inet t {
	chain c { $input
		tcp dport 22 ct state new accept
		tcp dport 22 accept
		tcp dport 80 limit rate 10/second accept
		tcp dport 80 drop
		ip saddr 10.0.0.1 tcp dport 443 accept
		tcp dport 443 drop
		ct state established tcp dport 25 accept
		tcp dport 25 accept
		tcp dport 110 counter
		tcp dport 110 accept
	}
	chain unused { tcp dport 22 accept; }
}
NFT
for port in 22 80 443 25 110; do listen tcp $port; done
audit
is "$(grep -c never-reached <<<"$found")" 0 \
	"near: state, limit, other sources, established, a counter, no hook"
end

begin <<NFT
table ip t {
	chain c { type filter hook input priority 0; policy drop; iif lo accept
		tcp flags & (fin|syn|rst|ack) == syn tcp dport 22 accept
		tcp dport 22 accept
		ip saddr 10.0.0.0/8 tcp dport 80 accept
		ip saddr 192.168.0.0/16 ct state new tcp dport 80 accept
		ip saddr 192.168.0.0/16 tcp dport 80 accept
		iifname { a0, b0 } tcp dport 443 accept
		tcp dport 443 drop
	}
}
NFT
for port in 22 80 443; do listen tcp $port; done
audit
is "$(grep -c never-reached <<<"$found")" 0 \
	"near: the first packet only, by flags or state of any source; interfaces that may come"
end
in_netns b sysctl -qw net.ipv4.ip_forward=1
begin <<NFT
table ip t {
	chain r { type filter hook prerouting priority -300
		ip daddr { 10.0.0.0/8, 127.0.0.0/8 } tcp dport 22 accept
		tcp dport 22 drop
	}
	chain n { type nat hook prerouting priority -100; tcp dport 80 dnat to 172.17.0.2; }
	chain f { type filter hook forward priority 0
		ip daddr 172.17.0.2 tcp dport 80 drop
		tcp dport 80 drop
		jump shared
	}
	chain i { type filter hook input priority 0; jump shared; }
	chain shared { ip saddr 0.0.0.0/0 tcp dport 25 accept; tcp dport 25 accept; }
}
NFT
for port in 22 25 80; do listen tcp $port; done
audit
is "$(grep -c never-reached <<<"$found")" 0 "near: what is sent on comes there, too"
in_netns b sysctl -qw net.ipv4.ip_forward=0
end

# ---- the same facts elsewhere ----

begin <<NFT
table inet t {
	chain c { $input
		tcp dport 22 accept
		ip saddr 10.0.0.0/8 tcp dport 6379 accept
		ip saddr { 10.0.0.0/8, 192.168.0.0/16 } tcp dport 80 limit rate 3/second accept
	}
}
NFT
for port in 22 80 6379 8080; do listen tcp $port; done
out=$("$PORTSCRIBE" listeners -N b)
is "$(awk '/\/tcp/ { print $1, $6, $7, $8, $9 }' <<<"$out" | grep -v mismatch: | sed 's/ mismatch.*//; s/ expected.*//; s/ registered.*//' | sed -n 1,4p)" \
	"22/tcp any
80/tcp v4 maybe, v6 lo
6379/tcp v4 10.0.0.0/8, v6 lo
8080/tcp lo" "listeners: REACH"
is "$("$PORTSCRIBE" listeners -N b -j 6379 | jq -r '.listeners[0].reach')" "v4 10.0.0.0/8, v6 lo" \
	"listeners -j: reach"
like "$("$PORTSCRIBE" rules -N b 6379)" '; somebody listens; the ruleset lets in: v4 10\.0\.0\.0/8, v6 lo' \
	"rules: whom the ruleset lets in"
like "$("$PORTSCRIBE" explain -N b 6379)" 'the firewall lets in: tcp v4 10\.0\.0\.0/8, v6 lo; udp lo' \
	"explain: the same"
is "$("$PORTSCRIBE" explain -N b -j 6379 | jq -c .reach)" '{"tcp":"v4 10.0.0.0/8, v6 lo","udp":"lo"}' \
	"explain -j: the same"
end
begin </dev/null
listen tcp 22
[[ $("$PORTSCRIBE" listeners -N b) != *REACH* ]]
is $? 0 "no ruleset: no column"
end

# ---- what is accepted ----

begin <<<"table inet t { chain c { $input tcp dport 8443 accept; tcp dport 9443 accept; }; }"
printf '# ours\nopen-unserved 8443/tcp  started by hand for the yearly inventory\n' >"$work/accept"
audit --accept "$work/accept"
is "$code|$found|$(jq .accepted <<<"$out")" "1|open-unserved warning 9443/tcp|1" "--accept"
audit --severity critical
is "$code" 0 "--severity critical: a warning is none"
audit --severity nonsense
is "$code" 2 "--severity nonsense"
refused() { # LINE PLACE-AND-REASON
	echo "$1" >"$work/accept"
	audit --accept "$work/accept"
	like "$code|$said" "^3\|portscribe audit: $work/accept:$2" "accept: $1"
}
refused 'open-unserved 8443/tcp' '1:23: a reason is missing'
refused 'open-unserved' '1:14: a port, a range, a name or \* is missing'
refused 'open-unserved nope because' '1:15: this is no port, range or name'
refused 'opn 22 because' '1:1: this is no code of a finding'
echo 'open-unserved * all of it' >"$work/accept"
chmod 666 "$work/accept"
audit --accept "$work/accept"
is "$code" 3 "a file that all may write is not read"
end

# ---- without privilege, and a ruleset that is hostile ----

begin </dev/null
in_netns b setpriv --reuid 65534 --clear-groups "$PORTSCRIBE" audit >"$work/out" 2>"$work/said"
is "$?|$(cat "$work/out")" "4|" "without privilege: exit status 4, and no guess"
like "$(cat "$work/said")" 'needs CAP_NET_ADMIN' "and what is needed"
audit
is "$code|$found" "0|" "no ruleset, no listener: no finding"
in_netns b "$BUILD/tests/net/hostile" 't\e[31mx' 'c\q\n accept' 's' 'a\q; accept'
in_netns b nft -f - <<<"table inet u { chain c { $input tcp dport 8443 accept; }; }"
text=$("$PORTSCRIBE" audit -N b 2>&1)
[[ $text != *$'\e'* && $text != *$'\n accept'* ]]
is $? 0 "hostile names change nothing of what is seen"
end

# ---- the demonstration ----

out=$(bash tests/demo.sh </dev/null 2>&1)
is "$(grep -oE '^(critical|warning|info): [a-z-]+( [0-9]+/tcp)?' <<<"$out")" \
	"critical: exposed 6379/tcp
warning: open-unserved 8443/tcp
warning: shut-out 8080/tcp
warning: never-reached 22/tcp
info: probed" "make demo tells its story"
like "$out" 'exit status 1' "and ends as an audit with findings does"

done_testing
