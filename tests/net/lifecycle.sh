#!/bin/bash
# Attach, upgrade, detach: counting outlives the command, nothing outlives detach,
# and what others have on the interfaces works on and stays.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash
require_command bpftool tc

pins=/sys/fs/bpf/portscribe
new_netns a b
veth a a0 10.1.0.1/24 b b0 10.1.0.2/24
# No ARP: what arrives is what a test sends.
ip_in a neigh add 10.1.0.2 lladdr "$(ip_in b -j link show b0 | jq -r '.[0].address')" dev a0
ip_in b neigh add 10.1.0.1 lladdr "$(ip_in a -j link show a0 | jq -r '.[0].address')" dev b0

ps_in() { # COMMAND NETNS [ARGUMENT]...
	local command=$1 netns=$2
	shift 2
	"$PORTSCRIBE" "$command" -N "$netns" "$@"
}

must() { # COMMAND...: what a later test stands on
	local output
	output=$("$@" 2>&1) || bail_out "$* failed: $output"
}

udp() { # COUNT [PORT]: from a to b, 100 bytes
	in_netns a "$traffic" udp 4000 10.1.0.2 "${2-5000}" "$1" 58
}

# Identifiers of all programs, maps and links that are pinned now, a line each.
our_ids() {
	local pin
	for pin in "$pins"/netns-*/*; do
		case ${pin##*/} in
		link-*) bpftool -j link show pinned "$pin" |
			jq -r '(if type == "array" then .[] else . end) |
				"link \(.id)", "prog \(.prog_id)"' ;;
		*) bpftool -j map show pinned "$pin" | jq -r '"map \(.id)"' ;;
		esac
	done 2>/dev/null
	for netns in "$@"; do
		for device in $(ip_in "$netns" -br link | sed 's/[@ ].*//'); do
			for direction in ingress egress; do
				in_netns "$netns" tc -j filter show dev "$device" $direction 2>/dev/null |
					jq -r '.[] | .options.prog // empty |
						select(.name | startswith("portscribe")) | "prog \(.id)"'
			done
		done
	done
}

program_ids() { # NETNS...
	our_ids "$@" | grep prog | sort -u | tr '\n' ' '
}

# Some kernels put iterators of their own there.
left_in_bpffs() {
	ls /sys/fs/bpf | grep -vx 'maps.debug\|progs.debug'
}

# The kernel frees maps and programs a moment after the last reference went.
all_gone() { # IDS, lines
	local kind id
	while read -r kind id; do
		[ -z "$kind" ] || ! bpftool "$kind" show id "$id" >/dev/null 2>&1 || return 1
	done <<<"$1"
}

qdiscs() { # NETNS DEVICE
	in_netns "$1" tc qdisc show dev "$2" | grep -c clsact
}

leaves_nothing() { # NAME IDS NETNS DEVICE...: after a detach
	local name=$1 ids=$2 netns=$3 device
	shift 3
	ok "$name: programs, maps and links are gone" wait_for all_gone "$ids"
	is "$(left_in_bpffs)" "" "$name: no pin stays"
	for device; do
		is "$(qdiscs "$netns" "$device")" 0 "$name: no qdisc stays on $device"
		is "$(in_netns "$netns" tc filter show dev "$device" ingress 2>/dev/null)" "" \
			"$name: no filter stays on $device"
	done
}

# ---- counting goes on, upgrade, detach ----

for options in "" --clsact --xdp --xdp=generic; do
	name="attach${options:+ $options}"
	# shellcheck disable=SC2086 # one option or none
	said=$(ps_in attach b $options)
	like "$said" '^counting: 1 interface added, 0 upgraded; [0-9.]+ MiB of memory$' "$name: says so"
	mark b
	udp 100
	expect b "$name: counts when no process runs" udp/5000:in "100 10000"
	ids=$(our_ids b)
	before=$(program_ids b)
	said=$(ps_in attach b)
	like "$said" '^counting on: 0 interfaces added, 1 upgraded; ' "$name: again, it upgrades"
	[ "$before" != "$(program_ids b)" ]
	is $? 0 "$name: by other programs"
	udp 100
	expect b "$name: and goes on from where it was" udp/5000:in "200 20000"
	ids+=$'\n'$(our_ids b)
	[ "$(wc -l <<<"$ids")" -ge 10 ]
	is $? 0 "$name: its programs, maps and links can be named"
	is "$(ps_in detach b)" "detached from 1 interface; the counters are gone" \
		"$name: detach says so"
	leaves_nothing "$name, detach" "$ids" b b0
done
is "$(ps_in detach b)" "nothing is attached here" "detach where nothing is"

descriptors() {
	local all=(/proc/self/fd/*)
	echo ${#all[@]}
}

before=$(descriptors) ids=
for ((i = 0; i < 50; i++)); do
	option=()
	[ $((i % 2)) = 0 ] || option=(--clsact)
	ps_in attach b "${option[@]}" >/dev/null || break
	[ $((i % 10)) != 0 ] || ids+=$'\n'$(our_ids b)
	ps_in detach b >/dev/null || break
done
is "$i" 50 "50 times attach and detach"
leaves_nothing "50 times" "$ids" b b0
is "$(descriptors)" "$before" "50 times: no descriptor stays"

# ---- some of several interfaces ----

must ip_in b link add extra0 type veth peer name extra1
must ip_in b link set extra0 up
must ip_in b link set extra1 up
must ps_in attach b -i b0
mark b
udp 10
like "$(ps_in attach b -i extra0 -i b0)" '^counting on: 1 interface added, 1 upgraded' \
	"attach -i adds an interface"
udp 10
expect b "and what was counted stays" udp/5000:in "20 2000"
fails "detach -i of an interface that is not counted" ps_in detach b -i extra1
is "$(ps_in detach b -i b0)" "detached from 1 interface; counting goes on on others" "detach -i"
udp 10
expect b "detach -i: its counts stay, and do not grow" udp/5000:in "20 2000"
like "$(ps_in attach b -i b0)" '1 interface added' "attach -i again"
udp 10
expect b "it goes on" udp/5000:in "30 3000"
ids=$(our_ids b)
must ps_in detach b -i b0 -i extra0
leaves_nothing "detach -i of the last" "$ids" b b0 extra0 extra1
must ip_in b link del extra0

# ---- devices that change under us ----

for options in "" --clsact; do
	name="${options:-tcx}"
	must ip_in b link add x0 type veth peer name x1
	for device in x0 x1; do must ip_in b link set $device up addrgenmode none; done
	# shellcheck disable=SC2086 # one option or none
	must ps_in attach b -i b0 -i x0 -i x1 $options
	must ip_in b link set x0 down
	must ip_in b link set x0 name y0
	must ip_in b link set y0 up
	mark b
	in_netns b "$frames" send x1 10 ip4 udp=6000,6001 len=58
	expect b "$name: renamed, it counts on" udp/6001:in "10 1000"
	is "$(ps_in status b -j | jq -r '[.interfaces[] | .name] | sort | join(" ")')" "b0 x1 y0" \
		"$name: status has the new name"
	is "$(ps_in show b -j | jq -r '[.interfaces[] | .name] | sort | join(" ")')" "b0 x1 y0" \
		"$name: show has the new name"
	ok "$name: detach -i by the new name" ps_in detach b -i y0
	must ps_in attach b -i y0 $options

	# Deleted, and made again under the same name.
	must ip_in b link del x1
	is "$(ps_in status b -j | jq -c '[.interfaces[] | select(.name != "b0") |
		.in.alive or .out.alive] | any')" "false" \
		"$name: a deleted device's hooks are not alive"
	must ip_in b link add y0 type veth peer name x1
	for device in y0 x1; do must ip_in b link set $device up addrgenmode none; done
	# shellcheck disable=SC2086 # one option or none
	like "$(ps_in attach b -i y0 $options)" '1 interface added, 1 upgraded' \
		"$name: made again, it is another one"
	mark b
	in_netns b "$frames" send x1 10 ip4 udp=6000,6001 len=58
	expect b "$name: which counts" udp/6001:in "10 1000"
	ok "$name: detach -i finds the one that is there" ps_in detach b -i y0
	mark b
	in_netns b "$frames" send x1 10 ip4 udp=6000,6001 len=58
	expect b "$name: and ends its counting" udp/6001:in "0 0"
	ps_in detach b >/dev/null
	is "$(left_in_bpffs)$(qdiscs b y0)" 0 "$name: nothing stays"
	must ip_in b link del y0

	# Moved: a link goes with it, a filter does not.
	must ip_in b link add x0 type veth peer name x1
	for device in x0 x1; do must ip_in b link set $device up addrgenmode none; done
	# shellcheck disable=SC2086 # one option or none
	must ps_in attach b -i b0 -i x0 $options
	ids=$(our_ids b)
	must ip_in b link set x0 netns "$(netns_path a)"
	must ip_in a link set x0 up addrgenmode none
	in_netns b "$frames" send x1 10 ip4 udp=6000,6001 len=58
	mark b
	udp 10
	expect b "$name: another moved away, it counts on" udp/5000:in "10 1000"
	ok "$name: attach after one moved away" ps_in attach b -i b0
	sums_hold b "$name: the sums hold after one moved away"
	must ps_in detach b
	leaves_nothing "$name, moved away" "$ids" b b0
	is "$(in_netns a tc filter show dev x0 ingress; bpftool -j net show 2>/dev/null |
		grep -c portscribe_)" 0 "$name: nothing stays where it moved to"
	must ip_in a link del x0
done

# ---- network namespaces ----

must ps_in attach a
must "$PORTSCRIBE" attach -N /proc/self/fd/9 9</run/netns/b
mark a b
udp 30
expect a "two namespaces: one" peer:udp/5000:out "30 3000" udp/5000:in "0 0"
expect b "two namespaces: the other" udp/5000:in "30 3000" peer:udp/5000:out "0 0"
nsenter --net=/run/netns/b sleep 60 &
in_b=$!
wait_for test "$(stat -L -c %i /run/netns/b)" = "$(stat -L -c %i /proc/$in_b/ns/net)"
is "$("$PORTSCRIBE" show -N /proc/$in_b/ns/net -j udp/5000 | jq '.ports[0].in.packets')" 30 \
	"-N takes /proc/PID/ns/net"
is "$(in_netns b "$PORTSCRIBE" show -j udp/5000 | jq '.ports[0].in.packets')" 30 \
	"without -N it is where the command runs"
kill $in_b
wait $in_b 2>/dev/null
is "$(ls $pins | wc -l)" 2 "each has its pins"
must ps_in detach a
udp 10
expect b "detach in one leaves the other" udp/5000:in "40 4000"
must ps_in attach a
new_netns c
must ip_in c link add c0 type veth peer name c1
must ip_in c link set c0 up
must ps_in attach c
ids=$(our_ids a b)
delete_netns c
wait_for test ! -e /run/netns/c
like "$(ps_in status a)" 'pinned counting, all network namespaces:.*netns-.*netns-.*netns-' \
	"status lists the pins of a namespace that ended"
ok "detach --all-netns" "$PORTSCRIBE" detach --all-netns
leaves_nothing "--all-netns" "$ids" a a0
is "$("$PORTSCRIBE" detach --all-netns)" "nothing is attached in any network namespace" \
	"--all-netns again"
is "$("$PORTSCRIBE" detach --all-netns -j | jq -c '[.schema, .interfaces, .removed]')" \
	'["portscribe.detach.v1",0,false]' "--all-netns again, as JSON"
"$PORTSCRIBE" status -N nowhere >/dev/null 2>"$work/said"
is $? 3 "a namespace that is not: exit 3"
like "$(cat "$work/said")" "nowhere.*No such file" "a namespace that is not: says so"

# ---- neighbours ----

seen() { # DIRECTORY
	"$foreign" count "/sys/fs/bpf/$1"
}

add_foreign() { # DIRECTORY HOOK DEVICE DIRECTION VERDICT
	mkdir "/sys/fs/bpf/$1"
	must in_netns b "$foreign" attach "$2" "$3" "$4" "$5" "/sys/fs/bpf/$1"
}

hooks="tcx clsact"
kernel_at_least 6.6 || hooks=clsact
for hook in $hooks; do
	option=()
	[ $hook = tcx ] || option=(--clsact)
	# Behind ours, then another before ours.
	add_foreign behind $hook b0 in -1
	must ps_in attach b "${option[@]}"
	is "$(ps_in status b -j | jq '.interfaces[0].in.before_count')" 0 \
		"$hook: we go before what is there"
	add_foreign before $hook b0 in -1
	mark b
	at=$(seen behind)
	udp 10
	expect b "$hook: with neighbours, ours counts" udp/5000:in "10 1000"
	is "$(seen before) $(($(seen behind) - at))" "10 10" "$hook: and so do they"
	like "$(ps_in status b)" "before ours \(in\): $hook program [0-9]+ 'neighbour" \
		"$hook: status names who is before ours"
	is "$(ps_in status b -j | jq -c '.interfaces[0].in | [.before_count, .before[0].hook,
		(.before[0].name | startswith("neighbour"))]')" "[1,\"$hook\",true]" \
		"$hook: as JSON too"
	must ps_in attach b
	udp 10
	expect b "$hook: upgraded beside neighbours" udp/5000:in "20 2000"
	is "$(seen before) $(($(seen behind) - at))" "20 20" "$hook: who count on"
	ids=$(our_ids b)
	said=$(ps_in detach b)
	udp 10
	is "$(seen before) $(($(seen behind) - at))" "30 30" "$hook: also after detach"
	ok "$hook: ours are gone" wait_for all_gone "$ids"
	case $hook in
	tcx) is "$said" "detached from 1 interface; the counters are gone" "tcx: detach" ;;
	clsact)
		is "$(qdiscs b b0)" 1 "clsact: a qdisc of somebody else's stays"
		in_netns b tc qdisc del dev b0 clsact
		;;
	esac
	rm -r /sys/fs/bpf/before /sys/fs/bpf/behind
done

# A qdisc that we made and somebody else uses now.
must ps_in attach b --clsact
add_foreign user clsact b0 out -1
said=$(ps_in detach b)
like "$said" '1 clsact qdisc stays: others have filters there' "detach says that a qdisc stays"
is "$(qdiscs b b0)" 1 "and it stays"
in_netns b "$traffic" udp 4000 10.1.0.1 5000 10 10
is "$(seen user)" 10 "and its user works on"
in_netns b tc qdisc del dev b0 clsact
rm -r /sys/fs/bpf/user
# One that was there, empty.
in_netns b tc qdisc add dev b0 clsact
must ps_in attach b --clsact
must ps_in detach b
is "$(qdiscs b b0)" 1 "an empty qdisc that was there before stays"
in_netns b tc qdisc del dev b0 clsact

# One that ends packets hides them; status tells.
add_foreign hides clsact b0 in 0
must ps_in attach b
must ps_in detach b
must ps_in attach b --clsact
is "$(ps_in status b -j | jq '.interfaces[0].in.before_count')" 0 "clsact: first in the chain"
mark b
udp 10
expect b "before a program that ends the chain, ours counts" udp/5000:in "10 1000"
must ps_in detach b
in_netns b tc qdisc del dev b0 clsact
rm -r /sys/fs/bpf/hides

# XDP: one program a device.
for mode in xdp xdpgeneric; do
	add_foreign xdp $mode b0 in 2
	for option in --xdp --xdp=generic; do
		ps_in attach b $option >"$work/out" 2>"$work/said"
		is "$?" 3 "$mode of somebody else, $option: exit 3"
		like "$(cat "$work/said")" \
			"^portscribe attach: cannot attach XDP to 'b0': another XDP program \(id [0-9]+\) is there; " \
			"$mode of somebody else, $option: says so"
		is "$(left_in_bpffs) $(wc -l <"$work/said")" "xdp 1" \
			"$mode of somebody else, $option: leaves nothing, says no more"
	done
	at=$(seen xdp)
	must ps_in attach b
	like "$(ps_in status b)" "before ours \(in\): xdp program [0-9]+ 'neighbour'" \
		"$mode of somebody else: status names it"
	mark b
	udp 10
	expect b "$mode of somebody else: tc counts behind it" udp/5000:in "10 1000"
	is "$(($(seen xdp) - at))" 10 "$mode of somebody else: it works on"
	# Counting at tc on, XDP cannot be added; what counted counts on.
	fails "$mode: no --xdp where tc counts" ps_in attach b --xdp
	udp 10
	expect b "$mode: and tc counts on" udp/5000:in "20 2000"
	must ps_in detach b
	udp 10
	is "$(($(seen xdp) - at))" 30 "$mode of somebody else: it works on after detach"
	rm -r /sys/fs/bpf/xdp
done
is "$(left_in_bpffs)" "" "nothing stays at the end"
done_testing
