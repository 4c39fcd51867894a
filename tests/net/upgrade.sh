#!/bin/bash
# Upgrades under load lose nothing and count nothing twice: when the program is
# swapped, when spans change, and wherever a kill falls.
# serial
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash
respan=$BUILD/tests/net/respan
[ -x "$respan" ] || bail_out "$respan is not built (make tests)"

# Seconds of load for each part; never an assertion.
part=${PART_SECONDS:-2}

new_netns a b
veth a a0 10.1.0.1/24 b b0 10.1.0.2/24
ip_in a neigh add 10.1.0.2 lladdr "$(ip_in b -j link show b0 | jq -r '.[0].address')" dev a0

flood() { # PORTS: at most a million datagrams of 100 bytes, until `ebb`
	mkfifo "$work/tide"
	: >"$work/flood"
	nsenter --net=/run/netns/a "$traffic" flood 4000 10.1.0.2 "$1" 1000000 58 \
		<"$work/tide" >"$work/flood" &
	flooding=$!
	exec 8>"$work/tide"
	wait_for grep -q ready "$work/flood"
}

ebb() { # sets `sent`
	exec 8>&-
	wait "$flooding" || bail_out "the sender failed"
	rm "$work/tide"
	sent=$(tail -1 "$work/flood")
}

all_counted() { # NAME KEY
	expect a "$1: counted are those that were sent" "peer:$2:out" "$sent $((sent * 100))"
	expect b "$1: and those that arrive" "$2:in" "$sent $((sent * 100))"
	sums_hold a "$1: the sums hold where they leave"
	sums_hold b "$1: the sums hold where they arrive"
}

again() { # COMMAND...: 5 times, and until the part's time is over; sets `times`
	local end=$((SECONDS + part))
	for ((times = 0; times < 5 || (times < 500 && SECONDS < end); times++)); do
		"$@" >"$work/said" 2>&1 || {
			not_ok "attach under load" "$(cat "$work/said")"
			break
		}
	done
}

both() { # COMMAND...: in a and in b
	in_netns a "$@" && in_netns b "$@"
}

modes=("" --clsact --xdp)
kernel_at_least 6.6 || modes=("" --xdp)
for option in "${modes[@]}"; do
	name="attach${option:+ $option}"
	# shellcheck disable=SC2086 # one option or none
	both "$PORTSCRIBE" attach $option >/dev/null || bail_out "cannot attach"
	mark a b
	before=$(link_statistic b b0 rx packets)
	flood 5000
	again both "$PORTSCRIBE" attach
	ebb
	[ "$times" -ge 3 ]
	is $? 0 "$name: attach again and again under load"
	diag "$name: $times times under a load of $sent packets"
	expect b "$name: seen is what the device itself counts" \
		b0:in:seen "$(($(link_statistic b b0 rx packets) - before))"
	all_counted "$name, again under load" udp/5000
	both "$PORTSCRIBE" detach >/dev/null
done

# Other spans at each attach: their counters start from what their ports counted.
both "$PORTSCRIBE" attach >/dev/null
mark a b
flood 5000-5099
again both "$respan" one:5000-5049,two:5025-5099 three:4900-5010,two:5025-5099 "" all:1-65535
again both "$respan" one:5000-5049,two:5025-5099,last:5099-5099
residue=$(cat "$work/said")
ebb
diag "spans changed under load $times times; residue of the last: ${residue//$'\n'/ }"
read_counters b
left=0 port=0
for key in "${!counted[@]}"; do
	[[ $key == udp/50??:in ]] || continue
	read -ra numbers <<<"${counted[$key]}"
	left=$((left + numbers[0])) port=$((port + 1))
done
is "$port $left" "100 $sent" "spans change under load: the ports lose nothing"
# With residue 0 the spans are exact; else they may be off by as much, and it was said.
if [ "$(tr '\n' ' ' <<<"$residue")" = "0 " ]; then
	sums_hold b "spans change under load: they are the sum of their ports"
else
	pass "spans change under load: what cannot be told is said"
fi
# At rest it is exact, whatever was said before.
for netns in a b; do
	in_netns $netns "$respan" "" one:5000-5049,two:5025-5099 >"$work/said"
	is "$(cat "$work/said")" 0 "spans change at rest: no residue in $netns"
	sums_hold $netns "spans change at rest: they are the sum of their ports in $netns"
done
in_netns a "$traffic" udp 4000 10.1.0.2 5000-5099 7 58
sums_hold b "and stay it"
both "$PORTSCRIBE" attach >/dev/null
sums_hold b "the spans that ship come back"
both "$PORTSCRIBE" detach >/dev/null

# ---- kills ----

# Kill at a random moment within the first 120 ms, in each mode.
for option in "${modes[@]}"; do
	name="kill -9 of attach${option:+ $option}"
	# shellcheck disable=SC2086 # one option or none
	both "$PORTSCRIBE" attach $option >/dev/null || bail_out "cannot attach"
	mark a b
	flood 5000
	for ((i = 0; i < 10; i++)); do
		# shellcheck disable=SC2086 # one option or none
		nsenter --net=/run/netns/b "$PORTSCRIBE" attach $option >/dev/null 2>&1 &
		victim=$!
		sleep "0.$(printf %03d $((RANDOM % 120)))"
		kill -KILL $victim 2>/dev/null
		wait $victim 2>/dev/null
	done
	ebb
	ok "$name: attach again" in_netns b "$PORTSCRIBE" attach
	all_counted "$name" udp/5000
	both "$PORTSCRIBE" detach >/dev/null
	is "$(ls /sys/fs/bpf | grep -c portscribe)" 0 "$name: detach leaves no pin"
done

# At each system call that changes anything: some of them, evenly spread.
calls=bpf,rename,unlink,mkdir,rmdir,mmap,sendto,sendmsg

killed_at() { # CALL NUMBER COMMAND...: true when it was killed at that one
	local call=$1 number=$2
	shift 2
	(nsenter --net=/run/netns/b strace -f -o /dev/null -e trace="$call" \
		-e inject="$call":signal=SIGKILL:when="$number" "$PORTSCRIBE" "$@" >/dev/null 2>&1
	[ $? = 137 ]) 2>/dev/null
}

# About so many of the calls that COMMAND makes, each as "call number".
points() { # MANY COMMAND...
	local many=$1
	shift
	nsenter --net=/run/netns/b strace -f -o "$work/trace" -e trace=$calls "$PORTSCRIBE" "$@" \
		>/dev/null 2>&1
	sed -nE 's/^[0-9]+ +([a-z_]+)\(.*/\1/p' "$work/trace" | awk -v many="$many" '
		{ point[NR] = $1 " " ++times[$1] }
		END {
			step = NR > many ? NR / many : 1
			for (at = 1; int(at) <= NR; at += step)
				print point[int(at)]
		}'
}

# After a detach; what is wrong, a line each.
what_stays() {
	! ls /sys/fs/bpf/portscribe* >/dev/null 2>&1 || echo "pins stay"
	[ -z "$(in_netns b tc filter show dev b0 ingress 2>/dev/null)" ] || echo "filters stay"
}

kills() { # OPTION...
	local name="killed at calls of attach${1:+ $1}" all at missed wrong sent
	mapfile -t all < <(points 10 attach "$@")
	"$PORTSCRIBE" detach -N b >/dev/null
	missed=0 wrong=''
	for at in "${all[@]}"; do
		# shellcheck disable=SC2086 # two words
		killed_at $at attach "$@" || missed=$((missed + 1))
		"$PORTSCRIBE" attach -N b "$@" >/dev/null 2>"$work/said" ||
			wrong+="$at: $(cat "$work/said")"$'\n'
		mark b
		in_netns a "$traffic" udp 4000 10.1.0.2 5000 20 58
		read_counters b
		[ "$(moved b udp/5000:in)" = "20 2000" ] ||
			wrong+="$at: $(moved b udp/5000:in) of 20"$'\n'
		"$PORTSCRIBE" detach -N b >/dev/null 2>"$work/said" ||
			wrong+="$at: detach: $(cat "$work/said")"$'\n'
		wrong+=$(what_stays)
	done
	is "$wrong" "" "$name, then attach: counts each packet once"
	# How often a loop asks whether something is there may differ.
	[ $((missed * 4)) -lt ${#all[@]} ]
	is $? 0 "$name: it was killed there"
	diag "$missed of ${#all[@]} calls did not come"

	"$PORTSCRIBE" attach -N b "$@" >/dev/null
	mapfile -t all < <(points 10 attach)
	mark b
	sent=0
	for at in "${all[@]}"; do
		# shellcheck disable=SC2086 # two words
		killed_at $at attach
		in_netns a "$traffic" udp 4000 10.1.0.2 5000 20 58
		sent=$((sent + 20))
	done
	expect b "$name, as an upgrade: nothing lost, nothing double" \
		udp/5000:in "$sent $((sent * 100))"
	ok "$name, as an upgrade: attach again" "$PORTSCRIBE" attach -N b
	sums_hold b "$name, as an upgrade: the sums hold"

	mapfile -t all < <(points 8 detach)
	wrong=''
	for at in "${all[@]}"; do
		"$PORTSCRIBE" attach -N b "$@" >/dev/null 2>"$work/said" ||
			wrong+="$at: attach: $(cat "$work/said")"$'\n'
		# shellcheck disable=SC2086 # two words
		killed_at $at detach
		"$PORTSCRIBE" detach -N b >/dev/null 2>"$work/said" ||
			wrong+="$at: $(cat "$work/said")"$'\n'
		wrong+=$(what_stays)
	done
	is "$wrong" "" "killed at calls of detach${1:+, attached with $1}, then detach: nothing stays"
	# A kill between making the qdisc and noting that leaves it, empty.
	in_netns b tc qdisc del dev b0 clsact 2>/dev/null
}

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	for option in "${modes[@]}"; do
		# shellcheck disable=SC2086 # one option or none
		kills $option
	done
else
	skip "killed at each system call" "strace is not installed or may not trace"
fi
done_testing
