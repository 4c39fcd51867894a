#!/bin/bash
# `portscribe run`: a look that leaves nothing behind, whatever ends it.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash
require_command bpftool tc nft

new_netns a b
veth a a0 10.1.0.1/24 b b0 10.1.0.2/24

in_b() { # ARGUMENT...: in the background, as $running; ends with finish
	: >"$work/said"
	nsenter --net=/run/netns/b "$PORTSCRIBE" run "$@" >"$work/out" 2>"$work/said" &
	running=$!
	wait_for grep -q 'counting, ' "$work/said" || bail_out "run does not begin"
}

finish() { # sets out, said, code
	wait $running
	code=$?
	out=$(cat "$work/out") said=$(cat "$work/said")
}

attached() { # a filter of ours or an XDP program is on the device; tcx has links alone
	in_netns b bpftool -j net show dev b0 2>/dev/null | grep -q portscribe ||
		in_netns b tc filter show dev b0 ingress 2>/dev/null | grep -q portscribe ||
		in_netns b tc filter show dev b0 egress 2>/dev/null | grep -q portscribe ||
		ip_in b -j link show b0 | jq -e '.[0].xdp' >/dev/null
}

# Programs, maps and links that a process has.
ids_of() { # PID
	sed -nE 's/^(prog|map|link)_id:\s*([0-9]+)$/\1 \2/p' /proc/"$1"/fdinfo/* 2>/dev/null | sort -u
}

all_gone() { # IDS
	local kind id
	! attached && [ "$(in_netns b tc qdisc show dev b0 | grep -c clsact)" = 0 ] || return 1
	while read -r kind id; do
		[ -z "$kind" ] || ! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <<<"$1"
}

leaves_nothing() { # NAME
	ok "$1: programs, maps, links, filters and qdisc are gone" wait_for all_gone "$ids"
	is "$(ls /sys/fs/bpf | grep -c portscribe)" 0 "$1: no pin was made"
}

# ---- the summary ----

in_b --for 2
ids=$(ids_of $running)
[ "$(wc -l <<<"$ids")" -ge 6 ]
is $? 0 "while it runs, its programs, maps and links can be named"
in_netns a "$traffic" udp 4000 10.1.0.2 3248 10 100
in_netns a "$traffic" connect 10.1.0.2 22 1 1 2>/dev/null
finish
is "$code" 0 "run --for 2"
like "$out" '3248/udp +[^ ]+ +10 +1.4 KiB ' "ports"
like "$out" '22/tcp +ssh +1 +74 B +1 +54 B +1 +0' "names, attempts, answers"
like "$out" 'framehawk +3224-3324/udp +10 ' "spans"
like "$out" 'b0: in [0-9]+ seen, 11 ported' "buckets"
like "$out" 'nftables: no ruleset is loaded here; the example ruleset, annotated:' \
	"no ruleset: it says so"
like "$out" 'comment "\[ps\] ' "and annotates the example"
like "$said" 'counting, [0-9] s left' "progress goes to stderr"
[[ $out$said != *$'\e'* ]]
is $? 0 "no terminal codes without a terminal"
leaves_nothing "run --for 2"

in_netns b nft -f - <<'NFT'
table inet filter {
	chain input {
		type filter hook input priority 0; policy accept;
		udp dport 3248 accept
		tcp dport 22 accept
	}
}
NFT
before=$(in_netns b nft -a list ruleset)
in_b --for 1 -j
ids=$(ids_of $running)
in_netns a "$traffic" udp 4000 10.1.0.2 3248 10 100
finish
is "$code" 0 "run -j"
is "$(jq -c '[.schema, .borrowed, .show.schema, .ruleset.source]' <<<"$out")" \
	'["portscribe.run.v1",false,"portscribe.show.v1","live"]' "run -j: members"
is "$(jq -c '.show.ports[] | select(.port == 3248 and .transport == "udp") | .in' <<<"$out")" \
	'{"packets":10,"bytes":1420}' "run -j: counts"
like "$(jq -r .ruleset.text <<<"$out")" 'udp dport 3248 accept comment "\[ps\] [^"]*"' \
	"run -j: the live ruleset, annotated"
leaves_nothing "run -j"
in_b --for 0.5
finish
like "$out" 'the live ruleset annotated \(for reading; nothing was changed\)' "the live ruleset"
like "$out" 'tcp dport (22|ssh) accept comment "\[ps\] ' "annotated"
is "$(in_netns b nft -a list ruleset)" "$before" "and not changed"

# ---- what ends it ----

hooks=("" --xdp --xdp=generic --clsact "--xdp --clsact")
for option in "${hooks[@]}"; do
	for signal in INT TERM KILL; do
		name="run${option:+ $option}, SIG$signal"
		# shellcheck disable=SC2086 # options or none
		in_b --for 60 $option
		ids=$(ids_of $running)
		attached || grep -q ^link <<<"$ids"
		is $? 0 "$name: it is attached"
		kill -$signal $running
		finish 2>/dev/null
		case $signal in
		KILL) is "$code" 137 "$name: ends" ;;
		*)
			is "$code" 0 "$name: ends well"
			like "$out" 'packets since' "$name: with the summary"
			;;
		esac
		leaves_nothing "$name"
	done
done

# Somebody else's qdisc stays.
in_netns b tc qdisc add dev b0 clsact
in_b --for 60 --clsact
kill -KILL $running
finish 2>/dev/null
wait_for eval '! attached'
is "$(in_netns b tc qdisc show dev b0 | grep -c clsact)" 1 \
	"run --clsact, SIGKILL: a qdisc that was there stays"
in_netns b tc qdisc del dev b0 clsact

# ---- beside pinned counting ----

"$PORTSCRIBE" attach -N b >/dev/null
in_netns a "$traffic" udp 4000 10.1.0.2 3248 5 100
in_b --for 1 -j
in_netns a "$traffic" udp 4000 10.1.0.2 3248 10 100
finish
like "$said" 'counting is attached already: reading it, and leaving it alone' \
	"pinned counting: it says so"
is "$(jq -c '[.borrowed, (.show.ports[] | select(.port == 3248 and .transport == "udp") |
	.in.packets)]' <<<"$out")" '[true,15]' "and is what is read"
in_netns a "$traffic" udp 4000 10.1.0.2 3248 5 100
is "$("$PORTSCRIBE" show -N b -j 3248/udp | jq '.ports[0].in.packets')" 20 "and counts on"
"$PORTSCRIBE" detach -N b >/dev/null
done_testing
