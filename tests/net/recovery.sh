#!/bin/bash
# What goes wrong around counting must not cost counts, nor make an answer untrue:
# an attach that fails, pins half removed, indexes given out again, namespaces out
# of sight, devices that vanish meanwhile.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash
require_command bpftool tc

pins=/sys/fs/bpf/portscribe
new_netns a b
veth a a0 10.1.0.1/24 b b0 10.1.0.2/24
ip_in a neigh add 10.1.0.2 lladdr "$(ip_in b -j link show b0 | jq -r '.[0].address')" dev a0

udp() { # COUNT: from a to b
	in_netns a "$traffic" udp 4000 10.1.0.2 5000 "$1" 58
}

packets() { # NETNS [PORT]: arrived at it
	"$PORTSCRIBE" show -N "$1" -j "${2-5000}/udp" | jq '[.ports[].in.packets] | add // 0'
}

# An attach that cannot even open what is pinned leaves it as it is.
ok "attach" "$PORTSCRIBE" attach -N b
udp 7
is "$(packets b)" 7 "counted"
for limit in 'ulimit -v 28000' 'ulimit -n 5' 'ulimit -n 7' 'ulimit -n 9' 'ulimit -n 12'; do
	(eval "$limit"; exec "$PORTSCRIBE" attach -N b) >/dev/null 2>&1
	is "$? $(packets b)" "3 7" "attach that fails ($limit) keeps the counts"
done
udp 3
is "$(packets b)" 10 "and the counting"

# A detach that was killed half-way: never a table that does not match its sums.
rm "$pins"/netns-*/ports
like "$("$PORTSCRIBE" show -N b 2>&1)" "half removed.*portscribe detach" "half removed: show says so"
"$PORTSCRIBE" show -N b >/dev/null 2>&1
is $? 3 "half removed: show fails"
like "$("$PORTSCRIBE" attach -N b 2>&1)" "half removed" "half removed: attach does not build on it"
ok "half removed: detach removes the rest" "$PORTSCRIBE" detach -N b
ok "nothing is left" test ! -e "$pins"

ok "attach again" "$PORTSCRIBE" attach -N b
udp 4
rm "$pins"/netns-*/meta
like "$("$PORTSCRIBE" show -N b 2>&1)" "nothing is counted here" "without its first pin there is nothing"
ok "attach begins anew" "$PORTSCRIBE" attach -N b
udp 5
is "$(packets b)" 5 "and counts once"
is "$(ls "$pins"/netns-*/ | grep -c link)" 2 "with no pin of before"
ok "detach" "$PORTSCRIBE" detach -N b

mkdir -m 700 "$pins"
ok "detach where one was killed at its last step" "$PORTSCRIBE" detach -N b
ok "nothing is left of that" test ! -e "$pins"

# An index is given out again: the new device has counts, name and time of its own.
new_netns c
ip_in c link add one index 77 type veth peer name two
ip_in c link set two up
ok "attach to one" "$PORTSCRIBE" attach -N c -i one
ip_in c link set one up # IPv6 says hello
wait_for [ "$("$PORTSCRIBE" show -N c -j | jq '.interfaces[0].seen')" != 0 ]
ip_in c link del one
ip_in c link add new index 77 type veth peer name other
is "$("$PORTSCRIBE" show -N c -j | jq -r '[.interfaces[].name] | join(" ")')" one \
	"what was counted keeps its name"
ok "attach to new" "$PORTSCRIBE" attach -N c -i new
is "$("$PORTSCRIBE" show -N c -j | jq -r '[.interfaces[] | select(.seen > 0) | .name] | join(" ")')" \
	one "what one counted is not new's"
is "$("$PORTSCRIBE" show -N c -j | jq -r '[.interfaces[] | select(.hook == "tcx" or
	.hook == "clsact") | .name] | join(" ")')" new "new is counted"
ok "detach" "$PORTSCRIBE" detach -N c

# Devices come and go while we attach.
(
	for ((i = 0; i < 60; i++)); do
		ip_in c link add "x$((i % 6))" type veth peer name "y$((i % 6))"
		ip_in c link del "x$(((i + 3) % 6))"
	done
) >/dev/null 2>&1 &
ip_in c link add stays type veth peer name here
failed=0
for ((i = 0; i < 10; i++)); do
	"$PORTSCRIBE" attach -N c >/dev/null 2>&1 || failed=$((failed + 1))
done
wait
is "$failed" 0 "a device that vanishes meanwhile fails no attach"
ok "detach" "$PORTSCRIBE" detach -N c

# Programs of \`ip netns exec\` do not see bpffs: they must not say "nothing".
ok "attach" "$PORTSCRIBE" attach -N b
hidden() { # ARGUMENT...: exit code and words without bpffs, parent in another mount namespace
	local said
	said=$(ip netns exec b "$PORTSCRIBE" "$@" 2>&1)
	echo "$? $said"
}
like "$(hidden show)" "^3 .*cannot tell.*-N NAME" "show without bpffs"
like "$(hidden detach)" "^3 .*cannot tell.*-N NAME" "detach without bpffs"
like "$(hidden status)" "^4 .*cannot tell.*-N NAME" "status without bpffs"
like "$(hidden explain 22)" "^0 .*left out: cannot tell" "explain without bpffs"

# A watch notices that its counting ended, or began anew.
"$PORTSCRIBE" show -w -j --interval 0.05 -N b >"$work/watched" 2>"$work/said" &
watcher=$!
wait_for [ -s "$work/watched" ]
ok "detach under a watch" "$PORTSCRIBE" detach -N b
wait $watcher
is $? 3 "a watch whose counting ended fails"
like "$(cat "$work/said")" "the counting has ended" "and says so"

# A namespace that is only out of sight keeps its filters' record.
new_netns d
ip_in d link add d0 type veth peer name d1
ok "attach --clsact" "$PORTSCRIBE" attach -N d -i d0 --clsact
mkdir -p "$work/elsewhere"
touch "$work/elsewhere/d"
mount --bind /run/netns/d "$work/elsewhere/d"
umount /run/netns/d
mv /run/netns/d "$work/name-of-d"
like "$("$PORTSCRIBE" detach --all-netns 2>&1; echo "exit $?")" "cannot be found.*exit 3" \
	"--all-netns leaves what it cannot reach, and says so"
ok "detach by path" "$PORTSCRIBE" detach -N "$work/elsewhere/d"
is "$(nsenter --net="$work/elsewhere/d" tc qdisc show dev d0 | grep -c clsact)" 0 \
	"nothing is left there"
umount "$work/elsewhere/d"
ok "nothing is pinned at the end" test ! -e "$pins"
done_testing
