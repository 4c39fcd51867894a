#!/bin/bash
# What is counted is what was sent, to the packet and the byte: at every hook, for
# every transport, with tags, fragments, offloads and jumbo frames.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash

# a and b talk by sockets; c and d have no addresses: hand-made frames only.
new_netns a b c d
for netns in c d; do
	in_netns "$netns" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
		echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
done
veth a a0 "10.1.0.1/24 fd01::1/64" b b0 "10.1.0.2/24 fd01::2/64"
veth c c0 "" d d0 ""

attach() { # NETNS [OPTION]...
	"$PORTSCRIBE" attach -N "$@" >/dev/null || bail_out "cannot attach in $1"
}

detach() { # NETNS...
	local netns
	for netns; do
		"$PORTSCRIBE" detach -N "$netns" >/dev/null || bail_out "cannot detach in $netns"
	done
}

# The frame of a datagram: Ethernet, IP, UDP, payload.
frame4() { echo "$1 $(($1 * (42 + $2)))"; } # PACKETS PAYLOAD
frame6() { echo "$1 $(($1 * (62 + $2)))"; }

udp() {
	start echo b "$traffic" echo 5000 200
	in_netns a "$traffic" ask 4000 10.1.0.2 5000 100 100
	in_netns a "$traffic" ask 4001 fd01::2 5000 100 33
	local four six both
	four=$(frame4 100 100) six=$(frame6 100 33)
	both="200 $((${four#* } + ${six#* }))"
	expect b "$hook: udp in and out, local and peer" \
		udp/5000:in "$both" udp/5000:out "$both" peer:udp/5000:in "0 0" \
		peer:udp/4000:in "$four" peer:udp/4000:out "$four" \
		peer:udp/4001:in "$six" peer:udp/4001:out "$six" udp/4000:in "0 0"
	expect a "$hook: udp from the other end" \
		udp/4000:out "$four" udp/4000:in "$four" udp/4001:out "$six" \
		udp/4001:in "$six" peer:udp/5000:out "$both" peer:udp/5000:in "$both"
}

tcp() {
	local in out bytes
	in=$(tcp_statistic b InSegs) out=$(tcp_statistic b OutSegs)
	start serve b "$traffic" serve 8000 6 20000
	in_netns a "$traffic" connect 10.1.0.2 8000 3 5000
	in_netns a "$traffic" connect fd01::2 8000 3 5000
	in_netns a "$traffic" connect 10.1.0.2 8001 1 1 2>/dev/null
	wait_for tcp_is_quiet
	in=$(($(tcp_statistic b InSegs) - in)) out=$(($(tcp_statistic b OutSegs) - out))
	read_counters a
	bytes=$(moved a peer:tcp/8000:out)
	# One SYN to the closed port, with options; one RST, without.
	expect b "$hook: tcp segments as the kernel counts them, bytes as the other end's" \
		tcp/8000:in "$((in - 1)) ${bytes#* }" tcp/8000:attempts 6 tcp/8000:answers 6 \
		tcp/8001:in "1 74" tcp/8001:out "1 54" tcp/8001:attempts 1 tcp/8001:answers 0
	read_counters b
	bytes=$(moved b tcp/8000:out)
	read_counters a
	is "${bytes% *}" "$((out - 1))" "$hook: tcp segments that leave"
	is "$(moved a peer:tcp/8000:in)" "$bytes" "$hook: tcp that leaves is what arrives"
	is "$(moved a tcp/8000:attempts)$(moved a tcp/8000:answers)" 00 \
		"$hook: a client's own SYNs are no attempts"
}

# No connection of ours is open: the last FIN has been acknowledged.
tcp_is_quiet() {
	[ -z "$(in_netns a ss -H -t -n state connected exclude time-wait)$(in_netns b ss -H -t -n \
		state connected exclude time-wait)" ]
}

fragments() {
	in_netns a "$traffic" udp 4002 10.1.0.2 5001 10 4000
	in_netns a "$traffic" udp 4003 fd01::2 5002 10 4000
	expect b "$hook: of a datagram in three fragments one has a port" \
		udp/5001:in "10 15140" udp/5002:in "10 15100" b0:in:fragment 40
	expect a "$hook: the same where they leave" \
		peer:udp/5001:out "10 15140" peer:udp/5002:out "10 15100" a0:out:fragment 40
}

spans() {
	in_netns a "$traffic" udp 4004 10.1.0.2 3223-3325 5 10
	expect b "$hook: a span and a port in it" \
		span:framehawk/udp:in "$(frame4 505 10)" udp/3248:in "$(frame4 5 10)" \
		udp/3223:in "$(frame4 5 10)" udp/3325:in "$(frame4 5 10)" \
		peer:span:framehawk/udp:in "0 0"
	expect a "$hook: a span of the peer's" peer:span:framehawk/udp:out "$(frame4 505 10)"
}

send() { # COUNT WORD...
	in_netns c "$frames" send c0 "$@"
}

# Of each shape another count, so that a mix-up shows.
shapes() {
	send 1 icmp 2>/dev/null # without IP: an unknown ethertype
	send 2 ip4 icmp
	send 3 ip6 icmp6
	send 4 ip6 hop dst icmp6
	send 5 arp len=28
	send 6 type=88cc len=50
	send 7 ip4 proto=47 len=20
	send 8 ip4 offset=1480 udp=1,2 len=10
	send 9 ip6 frag=1448 udp=1,2
	send 10 ip4 cut=30
	send 11 ip4 more udp=6000,6001 len=72
	send 12 ip6 frag=0 udp=6002,6003 len=2
	send 13 tag=5 ip4 udp=6004,6005 len=100
	send 14 stag=7 tag=5 ip6 udp=6006,6007 len=100
	send 15 stag=7 tag=5 tag=3 ip4 udp=6008,6009 len=100
	send 16 ip4 sctp=6010,6011 len=20
	send 17 ip6 dst sctp=6012,6013 len=20
	send 18 ip4 tcp=6014,6015,S len=10
	send 19 ip4 tcp=6014,6015,A len=10
	send 20 ip4 tcp=6014,6015,SA len=10
	send 21 ip4 tcp=6014,6015,SA tcpopt cut=45
	send 22 tag=5 arp len=28
	local wanted=(
		udp/6001:in "11 $((11 * 114))" udp/6003:in "12 $((12 * 72))"
		udp/6005:in "13 $((13 * 146))" udp/6007:in "14 $((14 * 170))"
		udp/6009:in "0 0" sctp/6011:in "16 $((16 * 66))" sctp/6013:in "17 $((17 * 94))"
		tcp/6015:in "78 $((57 * 64 + 21 * 45))" tcp/6015:attempts 18
		tcp/6015:answers 0 peer:udp/6004:in "13 $((13 * 146))"
		peer:sctp/6010:in "16 $((16 * 66))" peer:tcp/6014:in "78 $((57 * 64 + 21 * 45))"
		d0:in:seen 253 d0:in:ported 161 d0:in:fragment 17 d0:in:icmp 2 d0:in:icmpv6 7
		d0:in:other-ip 7 d0:in:arp 27 d0:in:other-l2 7 d0:in:unparsed 25)
	expect d "$hook: every shape where it arrives" "${wanted[@]}"
	# The same frames leave: what was the local port is now the peer's.
	local leaving=() i key
	for ((i = 0; i < ${#wanted[@]}; i += 2)); do
		key=${wanted[i]}
		case $key in
		tcp/*:attempts) leaving+=("$key" 0) && continue ;;
		tcp/*:answers) leaving+=("tcp/6014:answers" 20) && continue ;;
		d0:*) key=c0:${key#d0:} ;;
		peer:*) key=${key#peer:} ;;
		*) key=peer:$key ;;
		esac
		leaving+=("${key/:in/:out}" "${wanted[i + 1]}")
	done
	expect c "$hook: every shape where it leaves" "${leaving[@]}"
}

# What the interface counted since RX and TX, and nothing that we missed. An
# announcement of an address may pass while they are read: then once more.
seen_is_all() { # NETNS DEVICE RX TX
	local tries rx tx
	for ((tries = 0; tries < 20; tries++)); do
		rx=$(link_statistic "$1" "$2" rx packets) tx=$(link_statistic "$1" "$2" tx packets)
		read_counters "$1"
		[ "$rx $tx" != "$(link_statistic "$1" "$2" rx packets) $(
			link_statistic "$1" "$2" tx packets)" ] || break
	done
	is "$(moved "$1" "$2:in:seen") $(moved "$1" "$2:out:seen")" "$((rx - $3)) $((tx - $4))" \
		"$hook: seen is what $2 itself counts"
}

everything_at() { # HOOK OPTION...
	local rx tx
	hook=$1
	shift
	attach a
	attach c
	attach b "$@"
	attach d "$@"
	is "$("$PORTSCRIBE" status -N b -j | jq -r '.interfaces[0].in | "\(.hook) \(.alive)"')" \
		"$hook true" "$hook: is the hook"
	wait_for silent b b0
	mark a b c d
	rx=$(link_statistic b b0 rx packets) tx=$(link_statistic b b0 tx packets)
	udp
	tcp
	fragments
	spans
	shapes
	seen_is_all b b0 "$rx" "$tx"
	for netns in a b c d; do
		sums_hold "$netns" "$hook: the sums hold in $netns"
	done
	detach a b c d
}

# The device's numbers stand still: no announcement of its addresses is due.
silent() { # NETNS DEVICE
	local before
	before=$(ip_in "$1" -j -s link show "$2" | jq -c '.[0].stats64')
	sleep 0.3
	[ "$(ip_in "$1" -j -s link show "$2" | jq -c '.[0].stats64')" = "$before" ]
}

if kernel_at_least 6.6; then
	everything_at tcx
	everything_at clsact --clsact
else
	everything_at clsact
fi
everything_at xdp-native --xdp
everything_at xdp-generic --xdp=generic

# Offloads: one frame stands for many. What leaves as such, and is cut up behind
# the hook, is what arrives in pieces.
hook=offloads
attach a
attach b
bulk() { # NAME: as often as it takes for no segment to be sent twice
	local tries again segments
	for ((tries = 0; tries < 10; tries++)); do
		wait_for tcp_is_quiet
		mark a b
		again=$(tcp_statistic a RetransSegs) segments=$(tcp_statistic a OutSegs)
		start serve b "$traffic" serve 8000 1 0
		in_netns a "$traffic" connect "$address" 8000 1 600000
		wait_for tcp_is_quiet
		segments=$(($(tcp_statistic a OutSegs) - segments))
		[ "$again" != "$(tcp_statistic a RetransSegs)" ] || break
	done
	# SYN: no payload, 8 bytes of options more. Else timestamps, 12 bytes.
	expect a "$1: leaving" peer:tcp/8000:out \
		"$segments $((600000 + segments * (header + 32) + 8))"
	expect b "$1: arriving" tcp/8000:in \
		"$segments $((600000 + segments * (header + 32) + 8))"
}
for family in 4 6; do
	if [ "$family" = 4 ]; then
		address=10.1.0.2 header=34
	else
		address=fd01::2 header=54
	fi
	offloads on a a0
	offloads on b b0
	bulk "IPv$family, tso, gso and gro"
	offloads off b b0
	bulk "IPv$family, tso, no gro"
	in_netns a ethtool -K a0 tso off >/dev/null
	bulk "IPv$family, gso without tso: cut up between the hooks"
	offloads off a a0
	bulk "IPv$family, no offloads"
done
sums_hold a "offloads: the sums hold where they leave"
sums_hold b "offloads: the sums hold where they arrive"
detach a b
# Native XDP makes the other end cut up what it sends.
attach a
attach b --xdp
offloads on a a0
for family in 4 6; do
	if [ "$family" = 4 ]; then
		address=10.1.0.2 header=34
	else
		address=fd01::2 header=54
	fi
	bulk "IPv$family, offloads on, arriving at native XDP"
done
detach a b
offloads off a a0

# Jumbo frames: more than a page, in several buffers at XDP.
for options in "" --xdp; do
	ip_in a link set a0 mtu 9000
	ip_in b link set b0 mtu 9000
	attach a
	# shellcheck disable=SC2086 # one option or none
	if ! said=$("$PORTSCRIBE" attach -N b $options 2>&1); then
		not_ok "jumbo frames${options:+ at XDP}: attaches" "$said"
	else
		mark a b
		in_netns a "$traffic" udp 4000 10.1.0.2 5000 50 8900
		in_netns a "$traffic" udp 4000 fd01::2 5001 50 8900
		expect a "jumbo frames leave" peer:udp/5000:out "$(frame4 50 8900)" \
			peer:udp/5001:out "$(frame6 50 8900)"
		expect b "jumbo frames arrive${options:+ at XDP}" udp/5000:in "$(frame4 50 8900)" \
			udp/5001:in "$(frame6 50 8900)"
		detach b
	fi
	detach a
	ip_in a link set a0 mtu 1500
	ip_in b link set b0 mtu 1500
done

# VLAN devices: their tag is beside the frame at tc and in it at XDP; the bytes
# are the same.
if ip_in a link add link a0 name a0.5 type vlan id 5 2>/dev/null; then
	ip_in b link add link b0 name b0.5 type vlan id 5
	ip_in a addr add 10.5.0.1/24 dev a0.5
	ip_in b addr add 10.5.0.2/24 dev b0.5
	in_netns a ethtool -K a0 txvlan off >/dev/null
	ip_in a link set a0.5 up
	ip_in b link set b0.5 up
	for options in "" --xdp; do
		attach a -i a0
		# shellcheck disable=SC2086 # one option or none
		attach b -i b0 $options
		mark a b
		in_netns a "$traffic" udp 4000 10.5.0.2 5000 50 100
		expect a "a VLAN device: tags leave" peer:udp/5000:out "50 $((50 * 146))"
		expect b "a VLAN device: tags arrive${options:+ at XDP}" \
			udp/5000:in "50 $((50 * 146))"
		detach a b
	done
else
	skip "a VLAN device" "this kernel has no VLAN devices"
fi

# On loopback a packet leaves and arrives: it counts once.
attach c -i lo
mark c
in_netns c "$traffic" udp 4000 127.0.0.1 5000 20 100
expect c "loopback counts a packet once" udp/5000:in "$(frame4 20 100)" udp/5000:out "0 0" \
	peer:udp/4000:in "$(frame4 20 100)" lo:out:seen 0
mark c
in_netns c "$traffic" sctp 5002
case $? in
0)
	read_counters c
	like "$(moved c sctp/5002:in)" '^[1-9]' "sctp by sockets"
	;;
77) skip "sctp by sockets" "this kernel has no sctp sockets" ;;
*) not_ok "sctp by sockets" "the sockets failed" ;;
esac
sums_hold c "loopback: the sums hold"
detach c

# A device without Ethernet header.
if ip_in c tuntap add t0 mode tun 2>/dev/null; then
	ip_in c link set t0 up
	attach c -i t0
	mark c
	in_netns c "$frames" tun t0 20 ip4 udp=6000,6001 len=100
	in_netns c "$frames" tun t0 21 ip6 hop udp=6000,6001 len=100
	in_netns c "$frames" tun t0 22 ip6 icmp6
	expect c "a tun: bare IP" udp/6001:in "41 $((20 * 128 + 21 * 156))" \
		peer:udp/6000:in "41 $((20 * 128 + 21 * 156))" t0:in:icmpv6 22 t0:in:ported 41
	sums_hold c "a tun: the sums hold"
	detach c
	fails "a tun: no XDP where there is no Ethernet header" \
		"$PORTSCRIBE" attach -N c -i t0 --xdp=generic
else
	skip "a tun" "this kernel has no tun devices"
fi

# Half the table.
attach d --local-only
mark d
send 10 ip4 udp=6000,6001 len=100
expect d "--local-only: no peer ports" udp/6001:in "$(frame4 10 100)" peer:udp/6000:in "0 0" \
	d0:in:ported 10
sums_hold d "--local-only: the sums hold"
detach d
done_testing
