#!/bin/bash
# Frames that a guest hands in through a tap with vnet_hdr: one that stands for
# many packets without saying how many, and ones whose headers lie outside of the
# linear part of the buffer.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash

new_netns a
in_netns a sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null
ip_in a tuntap add t0 mode tap vnet_hdr 2>/dev/null || skip_all "this kernel has no tap devices"
ip_in a link set t0 up

tap() { # COUNT WORD...
	in_netns a "$frames" tap t0 "$@" || bail_out "cannot write to the tap: $*"
}

cases() { # HOOK
	mark a
	# 10,000 bytes in segments of 1,000: 10 packets; a byte more: 11.
	tap 3 ip4 tcp=6000,6001,A len=10000 gso=tcp4:1000
	tap 5 ip4 tcp=6000,6002,A len=10001 gso=tcp4:1000
	tap 3 ip4 tcp=6000,6003,A tcpopt len=60000 gso=tcp4:1448 linear=66
	tap 3 ip6 tcp=6000,6004,A len=10000 gso=tcp6:1000
	tap 5 ip6 tcp=6000,6005,A tcpopt len=10001 gso=tcp6:1000
	# No more than one segment's worth: one packet.
	tap 7 ip4 tcp=6000,6006,A len=1000 gso=tcp4:1000
	expect a "$1: TCP that stands for many, IPv4" \
		tcp/6001:in "30 $((30 * 54 + 30000))" tcp/6002:in "55 $((55 * 54 + 50005))" \
		tcp/6003:in "$((3 * 42)) $((3 * (42 * 66 + 60000)))" \
		tcp/6006:in "7 $((7 * 1054))"
	expect a "$1: TCP that stands for many, IPv6" \
		tcp/6004:in "30 $((30 * 74 + 30000))" tcp/6005:in "55 $((55 * 86 + 50005))"
	expect a "$1: seen are the packets, not the frames" \
		t0:in:seen $((30 + 55 + 126 + 30 + 55 + 7)) t0:in:ported 303

	# A guest's SYN is never offloaded, but nothing stops a hostile one.
	mark a
	tap 2 ip4 tcp=6000,6001,S len=2500 gso=tcp4:1000
	expect a "$1: attempts are packets too" tcp/6001:attempts 6 tcp/6001:in "6 5324"

	# Larger than a page, and the kernel is told to keep the first 14 bytes apart.
	mark a
	tap 3 linear=14 ip4 udp=6000,6001 len=5000
	tap 4 linear=14 ip6 hop dst udp=6000,6002 len=5000
	tap 5 linear=14 tag=5 ip4 tcp=6000,6003,S tcpopt len=5000
	tap 6 linear=14 stag=7 tag=5 ip6 frag=0 sctp=6000,6004 len=5000
	tap 7 linear=14 ip4 offset=1480 udp=6000,6001 len=5000
	tap 8 linear=14 ip4 proto=47 len=5000
	expect a "$1: headers outside of the linear part" \
		udp/6001:in "3 $((3 * 5042))" peer:udp/6000:in "7 $((3 * 5042 + 4 * 5078))" \
		udp/6002:in "4 $((4 * 5078))" \
		tcp/6003:in "5 $((5 * 5070))" tcp/6003:attempts 5 \
		sctp/6004:in "6 $((6 * 5082))" \
		t0:in:fragment 7 t0:in:other-ip 8 t0:in:unparsed 0 t0:in:seen 33
	sums_hold a "$1: the sums hold"
}

udp_cases() { # HOOK
	mark a
	tap 3 ip4 udp=6000,6001 len=10001 gso=udp:1000 || return
	tap 3 ip6 udp=6000,6002 len=30000 gso=udp:1200 linear=14
	expect a "$1: UDP that stands for many" \
		udp/6001:in "33 $((33 * 42 + 30003))" udp/6002:in "75 $((75 * 62 + 90000))"
}

hooks=("tcx" "clsact --clsact")
kernel_at_least 6.6 || hooks=("clsact")
for hook in "${hooks[@]}"; do
	read -ra words <<<"$hook"
	"$PORTSCRIBE" attach -N a -i t0 "${words[@]:1}" >/dev/null || bail_out "cannot attach"
	cases "${words[0]}"
	if kernel_at_least 6.2; then
		udp_cases "${words[0]}"
	else
		skip "${words[0]}: UDP that stands for many" "a tap takes it since Linux 6.2"
	fi
	"$PORTSCRIBE" detach -N a >/dev/null
done
done_testing
