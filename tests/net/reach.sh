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

# ---- what the command says ----

foreign=$BUILD/tests/net/foreign
reach() { # ARGUMENT...: in server; sets out, said, code
	out=$(in_netns server "$PORTSCRIBE" reach "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
ruleset() { # TEXT
	in_netns server nft flush ruleset
	printf '%s\n' "$1" >"$work/rules.nft"
	in_netns server nft -f "$work/rules.nft" || bail_out "nft does not load a ruleset of the test"
}

ruleset 'table inet filter {
	set office { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.7 }; }
	chain services {
		tcp dport { 80, 443 } accept comment "web"
		tcp dport 8443 limit rate 5/second accept
	}
	chain input {
		type filter hook input priority 0; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iifname "lo" accept
		ip saddr @office tcp dport 22 accept comment "ssh from the office"
		tcp dport 5432 reject
		iifname "eth1" udp dport 53 accept
		tcp dport 9999 tcp dport set 80
		jump services
	}
	chain pre {
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 8080 redirect to :80
		tcp dport 2222 dnat ip to 10.77.2.2:22
	}
}'
handle() { # PATTERN: of the rule that matches it
	in_netns server nft -a list ruleset | sed -nE "s/.*$1.* # handle ([0-9]+)$/\1/p" | head -1
}
reach -t 22
is "$code|$said" "0|" "reach: done"
is "$out" "22/tcp ssh; nobody listens
  IPv4        open to 192.0.2.0/24, 198.51.100.7 (accepted by inet filter input, handle $(handle 'saddr @office'): ssh from the office)
              closed to all others (dropped by inet filter input, policy)
              open on lo (accepted by inet filter input, handle $(handle 'iifname "lo"'))
  IPv6        closed to any (dropped by inet filter input, policy)
              open on lo (accepted by inet filter input, handle $(handle 'iifname "lo"'))" \
	"open to some, closed to all others"
reach -t 80
is "$out" "80/tcp http; nobody listens
  IPv4, IPv6  open to any (accepted by inet filter services, handle $(handle 'web'): web)" "open to any"
reach -t4 8080
like "$out" "open to any, comes to port 80 \(accepted by .*: web; translated by inet filter pre, handle $(handle 'redirect')\)" \
	"redirected"
reach -t4 2222
like "$out" "sent on to 10.77.2.2 port 22 from any \(.*translated by inet filter pre, handle $(handle 'dnat')\)" \
	"sent on"
reach -t4 8443
like "$out" "open to any only when the rate is within 5/second \(accepted" "only when"
reach -t4 5432
like "$out" "closed to any \(rejected by inet filter input, handle $(handle 'reject')\)" "rejected"
reach -u4 53
like "$out" "open to any on eth1 .*closed to any on eth0 \(dropped by" "on one interface"
reach -v -t4 443
like "$out" "path: inet filter input, handle $(handle 'jump services') -> inet filter services, handle $(handle 'web'): web" \
	"-v: the path"
reach -t4 9999
is "$code" 4 "what cannot be told: exit status 4"
like "$out" "cannot tell: a rule that rewrites ports, for what comes from any \(at inet filter input, handle" \
	"and why"
reach -t --from 192.0.2.0/25 22
is "$out" "22/tcp ssh; nobody listens
  IPv4        open to 192.0.2.0/25 (accepted by inet filter input, handle $(handle 'saddr @office'): ssh from the office)" \
	"--from"
reach -u4 --iface eth0 53
like "$out" "IPv4 +closed to any \(dropped by" "--iface"
reach -t4 1-100
like "$out" "1-21/tcp"$'\n'.*"22/tcp ssh.*23-79/tcp.*80/tcp http.*81-100/tcp" "ranges are folded"

reach -j -t 22 80
is "$(jq -r '[.schema, .file, (.answers | length), (.beside | length)] | map(tostring) | join(" ")' <<<"$out")" \
	"portscribe.reach.v1 null 4 0" "-j: schema and size"
is "$(jq -c '[.answers[] | [.port, .transport, .family, .verdict]]' <<<"$out")" \
	'[[22,"tcp","ipv4","open"],[22,"tcp","ipv6","dropped"],[80,"tcp","ipv4","open"],[80,"tcp","ipv6","open"]]' \
	"-j: verdicts"
is "$(jq -c '.answers[0].parts[0] | [.where[0].sources, .decided_by.handle, .decided_by.comment, .port]' <<<"$out")" \
	"[[\"192.0.2.0/24\",\"198.51.100.7\"],$(handle 'saddr @office'),\"ssh from the office\",22]" "-j: a part"

for words in "" "22 --from 10.0.0.x" "22 --from 10.0.0.0/33" "22 -6 --from 10.0.0.1" "22 --iface none" \
	"nosuchservice" "-f file -N server 22" "22x" "-u tcp/22"; do
	# shellcheck disable=SC2086 # words
	reach $words
	is "$code|$out" "2|" "usage error: reach $words"
done
chmod 0755 "$work"
cp "$PORTSCRIBE" "$work/portscribe"
out=$(in_netns server setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
	"$work/portscribe" reach 22 2>"$work/said")
is "$?|$out" "4|" "without privilege: exit status 4, and no guess"
like "$(cat "$work/said")" "cannot read the ruleset: .*CAP_NET_ADMIN" "and what is needed"

# A file, which may be another host's.
reach -t4 -f "$work/rules.nft" 22
like "$out" "22/tcp ssh"$'\n'"  IPv4        open to 192.0.2.0/24, 198.51.100.7 \(accepted by" "-f: a file"
out=$("$PORTSCRIBE" reach -t4 -f - 22 <"$work/rules.nft")
like "$out" "closed to all others" "-f -: standard input"
echo 'table inet t { chain c { nonsense } }' >"$work/bad.nft"
reach -f "$work/bad.nft" 22
is "$code|$out" "3|" "-f: what does not load"
like "$said" "bad.nft: nft does not load it: .*:1:" "and where"
reach -f "$work/none.nft" 22
is "$code|$out" "3|" "-f: no such file"

# A bridge's packets have been through other chains before.
in_netns server ip link add br7 type bridge && in_netns server ip link set br7 up
ruleset 'table bridge b { chain c { type filter hook input priority 0; policy drop; }; }'
reach -t4 22
is "$code" 4 "chains of the bridge family: cannot tell"
like "$out" "open to any on eth0, eth1 .*cannot tell: chains of the bridge family, which see it before, for what comes from any on br7" \
	"but only of the bridge"
in_netns server ip link del br7

# Foreign text is harmless wherever it is shown.
in_netns server nft -j -f - <<'END'
{"nftables": [{"flush": {"ruleset": null}}, {"add": {"table": {"family": "inet", "name": "t"}}},
{"add": {"chain": {"family": "inet", "table": "t", "name": "c", "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}}},
{"add": {"rule": {"family": "inet", "table": "t", "chain": "c", "comment": "a\u001b[31m\"\nb", "expr": [{"drop": null}]}}}]}
END
reach -t4 22
is "$(grep -c $'\033' <<<"$out")|$(wc -l <<<"$out")" "0|3" "a comment with control bytes is made harmless"
reach -j -t4 22
is "$(jq -r '.answers[0].parts[0].decided_by.comment' <<<"$out")" $'a\033[31m"\nb' "-j: and is whole in JSON"

# ---- what decides beside nftables ----

in_netns server nft flush ruleset
reach -t4 22
like "$code $out" "^0 .*open to any \(no chain decides\)" "no ruleset: all is open"
if command -v iptables-legacy >/dev/null && in_netns server iptables-legacy -A INPUT -p tcp --dport 22 -j DROP 2>/dev/null; then
	reach -t 22
	is "$code" 4 "legacy iptables: cannot tell"
	like "$out" "IPv4 +cannot tell: the table filter of iptables-legacy, which has rules decides, too; nftables alone: open to any" \
		"legacy iptables: why"
	like "$out" "IPv6 +open to any" "legacy iptables: not for IPv6"
	in_netns server iptables-legacy -F
	reach -t4 22
	is "$code" 0 "legacy iptables without rules decides nothing"
else
	skip "legacy iptables" "it is not there"
fi
mkdir -p /sys/fs/bpf/foreign
in_netns server "$foreign" attach xdpgeneric eth0 in 2 /sys/fs/bpf/foreign || bail_out "cannot attach a program"
reach -t4 22
is "$code" 4 "an XDP program of somebody else: cannot tell"
like "$out" "cannot tell: the xdp program [0-9]+ '.*' on eth0 decides, too; nftables alone: open to any" "and why"
reach -t4 --iface eth1 22
is "$code" 0 "but not on the other interface"
rm -r /sys/fs/bpf/foreign
in_netns server "$PORTSCRIBE" attach -i eth0 >/dev/null || bail_out "cannot attach"
reach -t4 22
is "$code" 0 "programs of ours pass every packet"
in_netns server "$PORTSCRIBE" detach >/dev/null
done_testing
