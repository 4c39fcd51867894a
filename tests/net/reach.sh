#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# shellcheck disable=SC2086,SC2294 # the calls hold quotes
# Is it true what reach says? Rulesets are loaded in a namespace with listeners, from
# two others real first packets are sent, and what arrives is compared with what was
# said: rulesets by chance, those of the corpus, those that other programs write.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_portscribe
require_command nft
require_command ip

tool=$BUILD/tests/net/reach
[ -x "$tool" ] || bail_out "$tool is not built"
corpus=${CORPUS:-../shared/corpus/nft}
COUNT=${COUNT:-400} SEED=${SEED:-20261129}

new_netns server alpha beta
veth server eth0 "10.77.1.1/24 fd77:1::1/64" alpha a0 "10.77.1.2/24 192.168.5.9/32 fd77:1::2/64 2001:db8:5::9/128"
veth server eth1 "10.77.2.1/24 fd77:2::1/64" beta b0 "10.77.2.2/24 203.0.113.7/32 fd77:2::2/64 fd77:2::77/64"

# Neighbours and routes that do not have to be asked for: rules may drop the asking.
neighbours() { # NETNS DEVICE NETNS DEVICE ADDRESS...
	local netns=$1 device=$2 address mac
	mac=$(in_netns "$3" cat "/sys/class/net/$4/address" 2>/dev/null)
	mac=$(ip_in "$3" -o link show "$4" | sed -E 's/.*link\/ether ([0-9a-f:]+).*/\1/')
	for address in "${@:5}"; do
		ip_in "$netns" neigh replace "$address" lladdr "$mac" dev "$device" nud permanent ||
			bail_out "cannot set a neighbour"
	done
}
neighbours alpha a0 server eth0 10.77.1.1 fd77:1::1
neighbours beta b0 server eth1 10.77.2.1 fd77:2::1
neighbours server eth0 alpha a0 10.77.1.2 192.168.5.9 fd77:1::2 2001:db8:5::9
neighbours server eth1 beta b0 10.77.2.2 203.0.113.7 fd77:2::2 fd77:2::77
ip_in server route add 192.168.5.9 dev eth0
ip_in server route add 203.0.113.7 dev eth1
ip_in server route add 2001:db8:5::9 dev eth0
ip_in server link set eth1 group 7
in_netns server bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
	for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'

try() { # ARGUMENT...: of the tool
	"$tool" /run/netns/server /run/netns/alpha /run/netns/beta "$@"
}
number() { # WORD: behind it in the last line
	sed -nE "s/^$kind:.* $1 ([0-9]+).*/\\1/p" "$work/said" | tail -1
}
check() { # KIND RULESETS: at least so many were loaded; the output is in $work/said
	kind=$1
	diag "$(grep -v '^#' "$work/said" | tail -5)"
	is "$(number wrong)" 0 "$kind: nothing that was said is wrong" ||
		diag "$(grep '^#' "$work/said" | head -40)"
	ok "$kind: at least $2 rulesets" test "$(number rulesets)" -ge "$2"
	ok "$kind: some are open, some are closed" test "$(number open)" -gt 100 -a "$(number closed)" -gt 100
}

diag "seed $SEED"
try -s "$SEED" -n "$COUNT" >"$work/said" || not_ok "chance: the tool ran" "status $?"
check chance $((COUNT * 3 / 4))

if [ -r "$corpus/INDEX.tsv" ]; then
	mapfile -t files < <(awk -F'\t' -v at="$corpus" '$3 == "yes" { print at "/" $1 }' "$corpus/INDEX.tsv")
	try -v "${files[@]}" >"$work/said" || not_ok "files: the tool ran" "status $?"
	check files 100
	ok "files: cannot tell of at most one pair in 20" \
		test $(($(number unknown) * 20)) -le "$(number pairs)"
else
	skip "rulesets of the corpus" "$corpus is not there"
fi

# ---- what other programs write ----

# Each line is one ruleset: the arguments of several calls, separated by semicolons.
iptables_rulesets() {
	cat <<'END'
-P INPUT DROP; -A INPUT -i lo -j ACCEPT; -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT; -A INPUT -p tcp -m multiport --dports 22,80,443 -m conntrack --ctstate NEW -m comment --comment "web and ssh" -j ACCEPT; -A INPUT -p udp --dport 53 -j ACCEPT
-A INPUT -p tcp --dport 22 -s 10.77.1.0/24 -j ACCEPT; -A INPUT -p tcp --dport 22 -j REJECT --reject-with tcp-reset; -A INPUT -p udp -m multiport ! --dports 53,1000:2000 -j DROP
-N SVC; -A SVC -p tcp -m tcp --dport 3000:4000 -j ACCEPT; -A SVC -s 203.0.113.7 -j RETURN; -A SVC -p udp -j DROP; -A INPUT ! -i eth1 -j SVC; -A INPUT -p tcp --tcp-flags FIN,SYN,RST,ACK SYN -m tcp --dport 8080 -j DROP
-t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080; -t nat -A PREROUTING -p udp --dport 25 -j DNAT --to-destination 10.77.1.1:53; -A INPUT -p tcp --dport 8080 -m conntrack --ctstate DNAT -j ACCEPT; -A INPUT -p tcp --dport 8080 -j DROP
-t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 443 -j DNAT --to-destination 10.77.2.2:80; -t nat -A PREROUTING -p tcp --dport 3306 -j DNAT --to-destination :5432; -P FORWARD DROP
-t raw -A PREROUTING -p udp --dport 123 -j DROP; -t mangle -A PREROUTING -p tcp --dport 22 -j MARK --set-mark 0x7; -A INPUT -m mark --mark 0x7/0xf -j DROP; -A INPUT -m addrtype --src-type LOCAL -j DROP; -A INPUT -m addrtype ! --dst-type LOCAL -j DROP
-A INPUT -p tcp --dport 3069 -m limit --limit 1000/s -j ACCEPT; -A INPUT -p tcp --dport 3069 -j DROP; -A INPUT -p tcp --dport 22 -j LOG; -A INPUT -m state --state INVALID -j DROP; -A INPUT -p udp --sport 1:500 -j DROP
END
}
if command -v iptables-nft >/dev/null; then
	: >"$work/all"
	while read -r line; do
		in_netns server nft flush ruleset
		IFS=';' read -r -a calls <<<"$line"
		for call in "${calls[@]}"; do
			eval "set -- $call"
			in_netns server iptables-nft "$@" 2>"$work/errors" ||
				diag "iptables-nft $call: $(cat "$work/errors")"
		done
		try -v -l >"$work/said" || not_ok "iptables: the tool ran" "status $?"
		grep '^#' "$work/said" >>"$work/all"
		kind=loaded
		is "$(number wrong) $(number unknown)" "0 0" "iptables-nft: ${line:0:60}" ||
			diag "$(grep '^#' "$work/said" | head -5)"
	done < <(iptables_rulesets)
	in_netns server nft flush ruleset
else
	skip "rulesets of iptables-nft" "it is not installed"
fi
done_testing
