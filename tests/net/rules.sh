#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# `portscribe rules`: the ruleset as nft lists it, with lines of ours in between.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_portscribe
require_command nft jq

traffic=$BUILD/tests/net/traffic
rules() { # ARGUMENT...: portscribe rules; sets out, said, code
	out=$("$PORTSCRIBE" rules "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
load() { # the ruleset on standard input, instead of what is there
	{ echo 'flush ruleset' && cat; } | nft -f - || bail_out "nft refuses a ruleset of this test"
}
theirs() { # what is left of $out without our lines
	grep -v $'^\t*  > ' <<<"$out"
}

new_netns a b
veth a a0 10.1.0.1/24 b b0 10.1.0.2/24

# ---- all of it ----

load <<'NFT'
table inet filter {
	comment "of the table"
	set web { type inet_service; elements = { 80, 443, 8080 comment "mine" }; }
	map to { type inet_service : verdict; elements = { 25 : accept, 110 : drop }; }
	counter tls { comment "of the counter"; packets 7 bytes 420; }
	chain input {
		type filter hook input priority 0; policy accept;
		ct state established,related accept
		tcp dport { 22, 9100 } counter packets 41 bytes 2460 accept
		tcp dport @web counter name "tls" accept comment "web # handle 7"
		tcp dport vmap @to
		udp dport { 5, 7, 9, 11, 13, 17, 18, 19, 20 } drop
		tcp dport 22 jump { tcp dport 993 accept; }
	}
}
table ip nat { chain d { type nat hook prerouting priority -100; tcp dport 81 dnat to 10.0.0.1:8081; }; }
table bridge b { chain c { udp dport 69 drop; }; }
NFT
before=$(nft -a list ruleset)
rules
is "$code|$said" "0|" "all of it"
is "$(theirs)" "$(nft list ruleset)" "without our lines, it is what nft lists"
rules -a
is "$(theirs)" "$before" "-a: with handles"
is "$(nft -a list ruleset)" "$before" "and nothing is changed"
like "$out" $'\t\ttcp dport \\{ 22, 9100 \\} counter packets 41 bytes 2460 accept # handle [0-9]+
\t\t  > 22 ssh: The Secure Shell \\(SSH\\) Protocol; nobody listens
\t\t  > 9100 hp-pdl-datastr \\(in practice node_exporter\\); nobody listens
\t\t  > counter of the rule itself: 41 packets, 2\\.4 KiB
' "a rule: each port, who listens, its own counter"
like "$out" $'\t\t  > counter tls, of all rules that name it: 7 packets, 420 B\n' "a counter with a name"
like "$out" $'\t\telements = \\{ 80, 443, 8080 comment "mine" \\}
\t\t  > 80 http: [^\n]*
\t\t  > 443 https: [^\n]*
\t\t  > 8080 http-alt: ' "elements of a set"
like "$out" $'\t\telements = \\{ 25 : accept, 110 : drop \\}
\t\t  > 25 smtp: [^\n]*
\t\t  > 110 pop3: ' "elements of a map"
like "$out" $'\t\t\ttcp dport 993 accept\n\t\t\t  > 993 imaps: ' "a rule in a block"
like "$out" $'\t\ttcp dport 81 dnat to 10.0.0.1:8081 # handle [0-9]+
\t\t  > 81 unassigned; nobody listens
\t\t  > to 8081 sunproxyadmin [^\n]*' "a translation"
is "$(grep -c '  > .*Echo Protocol' <<<"$out")" 0 "many ports in one line"
like "$out" $'\t\t  > 5 rje; 7 echo; 9 \\(Wake-on-LAN\\); 11 systat' "which names them"
rules -v
is "$(grep -cE '  > (5|7|9|11|13|17|18|19|20) ' <<<"$out")" 9 "-v: each in a line of its own"

# ---- some of it ----

rules 443
is "$(grep -vc $'^\t\t  > ' <<<"$out")" 5 "443: a set's element and a rule"
like "$out" $'^inet filter, set web:\n\t\t443\n\t\t  > 443 https: [^\n]*\n\ninet filter, chain input:\n\t\ttcp dport @web ' \
	"under what they are in"
rules tcp/22
is "$(grep -c 'tcp dport.* 22' <<<"$out")" 2 "tcp/22: two rules"
rules 22/udp
is "$code|$out" "0|no rule and no element of a set names 22/udp" "22/udp: none, and it says so"
rules ssh
is "$(grep -c 'tcp dport.* 22' <<<"$out")" 2 "a name"
rules 1-9
is "$(grep -c 'dport' <<<"$out")" 1 "a range"
rules nonsense
like "$code|$said" "^2\|portscribe rules: .*'?nonsense" "what there is not: exit status 2"
rules 22 80
like "$code|$said" '^2\|portscribe rules: one WHAT at a time' "two of them: exit status 2"
rules -f x -N y
is "$code" 2 "-f and -N: exit status 2"

# ---- who listens, what was counted ----

nsenter --net=/run/netns/b nft -f - <<'NFT'
table inet t {
	chain input {
		type filter hook input priority 0
		udp dport 3248 counter accept
		tcp dport 2222 accept
		udp dport 4000-4100 accept
	}
}
NFT
mkfifo "$work/hold"
exec 7<>"$work/hold"
in_netns b "$traffic" listen tcp 2222 <"$work/hold" >"$work/ready" 7>&- &
wait_for grep -q ready "$work/ready"
in_netns b "$PORTSCRIBE" attach >/dev/null 2>&1 || bail_out "cannot attach"
in_netns a "$traffic" udp 4000 10.1.0.2 3248 12 100
in_netns a "$traffic" udp 4000 10.1.0.2 4050 3 100
rules -N b
like "$out" '  > 3248 [^>]*; nobody listens; 12 packets in since ' "packets of the port"
like "$out" '  > counter of the rule itself: 12 packets, 1\.5 KiB' "and those of the rule"
like "$out" '  > 2222 [^>]*; somebody listens; 0 packets in since ' "who listens"
like "$out" '  > 4000-4100: 4000 terabase[^>]*; nobody listens; 3 packets in since ' "a range"
rules -N b -j
is "$(jq -c '.schema, (.rules[] | [.family, .table, .chain, .ports[0].first, .ports[0].in.packets,
	.ports[0].listened, .counter.packets])' <<<"$out" | paste -sd ' ')" \
	'"portscribe.rules.v1" ["inet","t","input",3248,12,0,12] ["inet","t","input",2222,0,1,null] ["inet","t","input",4000,3,0,null]' \
	"-j has the same"
in_netns b "$PORTSCRIBE" detach >/dev/null 2>&1
rules -N b
[[ $out != *'packets in since'* ]]
is $? 0 "where nothing counts, nothing is said of packets"
exec 7>&-

# ---- other programs' tables ----

load <<'NFT'
table inet firewalld { chain filter_INPUT { tcp dport 22 accept; }; }
table ip kube-proxy { chain services { tcp dport 30080 drop; }; }
table ip docker-bridges { chain c { tcp dport 8080 accept; }; }
NFT
rules
is "$(theirs)" "$(nft list ruleset)" "tables of other programs"
for line in 'kept by firewalld: change it with firewall-cmd' 'kept by kube-proxy: change it with ' \
	'kept by docker: change it with docker'; do
	is "$(grep -c "  > $line" <<<"$out")" 1 "$line"
done
is "$(grep -c '  > [0-9]' <<<"$out")" 3 "their rules are explained"
if command -v iptables-nft >/dev/null; then
	load </dev/null
	iptables-nft -A INPUT -p tcp --dport 25 -m conntrack --ctstate NEW -j ACCEPT
	iptables-nft -t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 8081
	iptables-nft -A INPUT -p tcp -m multiport --dports 110,143 -j ACCEPT
	rules
	is "$(theirs)" "$(nft list ruleset 2>/dev/null)" "iptables-nft"
	is "$(grep -c '  > kept by iptables-nft: change it with iptables' <<<"$out")" 2 "who keeps it"
	like "$out" '  > 25 smtp' "a port that nft can name"
else
	skip "rules of iptables-nft" "iptables is not installed"
fi

# ---- files ----

printf 'define WEB = { 80, 443 }\ntable inet t {\n\tchain c {\n\t\ttcp dport $WEB accept # ours\n\t}\n}\n' >"$work/f.nft"
rules -f "$work/f.nft"
is "$code|$(theirs)" "0|$(cat "$work/f.nft")" "-f: the file, with lines of ours"
is "$(grep -c 'listens' <<<"$out")" 0 "and nothing of this machine"
rules -f - <"$work/f.nft"
is "$code|$(theirs)" "0|$(cat "$work/f.nft")" "standard input"
rules -f "$work/f.nft" -j
is "$(jq -c '[.file, (.rules[].ports[] | .first)]' <<<"$out")" "[\"$work/f.nft\",80,443]" "-f -j"
printf 'table inet t {\n\tchain c { tcp dport 22 accept\n' >"$work/broken.nft"
rules -f "$work/broken.nft"
like "$code|$said" "^3\|portscribe rules: .*broken.nft:[0-9]+:[0-9]+: " "a broken file: line and column"
rules -f "$work/none.nft"
like "$code|$said" "^3\|portscribe rules: .*none.nft.*: No such file" "a file that is not there"

# ---- what is not there ----

load </dev/null
rules
is "$code|$out" "0|" "no ruleset"
rules 22
is "$code|$out" "0|no rule and no element of a set names 22" "no ruleset, and a port"
setpriv --reuid 65534 --clear-groups "$PORTSCRIBE" rules >"$work/out" 2>"$work/said"
is "$?|$(cat "$work/out")" "3|" "without privilege: exit status 3"
like "$(cat "$work/said")" '^portscribe rules: .*needs CAP_NET_ADMIN; try sudo' "and what is needed"
unshare --mount bash -c 'mount --bind /dev/null "$(command -v nft)" && exec "$1" rules' - \
	"$PORTSCRIBE" >"$work/out" 2>"$work/said"
like "$?|$(cat "$work/said")" '^3\|portscribe rules: .*nft' "without nft: it says so"

# ---- a ruleset that changes meanwhile ----

{
	echo 'table inet t { chain c {'
	for ((i = 1; i <= 1000; i++)); do echo "tcp dport $i accept"; done
	echo '}; chain d { }; }'
} | load
(while [ ! -e "$work/stop" ]; do nft 'add rule inet t d tcp dport 22 accept; flush chain inet t d'; sleep 0.02; done) &
changer=$!
wrong=
for ((i = 0; i < 5; i++)); do
	rules -a
	[ "$code" = 3 ] && [[ $said == *'changes faster than it can be read'* ]] && continue
	[ "$code|$(grep -c '  > ' <<<"$out")" = "0|1000" ] || wrong+=" $i: $code $said"
done
touch "$work/stop"
wait $changer
is "$wrong" "" "a ruleset that changes all the time: all of it or a clear word"

done_testing
