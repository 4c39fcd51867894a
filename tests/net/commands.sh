#!/bin/bash
# What the commands say and refuse: no privilege, no bpffs or one that somebody
# else was at, other layouts, memory, wrong words; what `show` picks, sorts and
# folds; JSON with the documented members.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash
require_command bpftool setpriv

bpffs=/sys/fs/bpf
pins=$bpffs/portscribe
new_netns a b
veth a a0 "10.1.0.1/24 fd01::1/64" b b0 "10.1.0.2/24 fd01::2/64"

ps() { # ARGUMENT...: in b; sets out, said, code
	out=$(in_netns b "$PORTSCRIBE" "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}

# Exit status, nothing on stdout, one line on stderr that matches.
refuses() { # EXIT REGEX ARGUMENT...
	local exit=$1 regex=$2
	shift 2
	ps "$@"
	is "$code|$out|$(wc -l <"$work/said")" "$exit||1" "refuses: $*"
	like "$said" "$regex" "and says why: $*"
}

# ---- nothing attached ----

refuses 3 '^portscribe show: nothing is counted here; type: portscribe attach$' show
refuses 3 'type: portscribe attach$' show -j
refuses 3 '^portscribe show: nothing is counted here; type: portscribe attach$' show --watch
"$PORTSCRIBE" show -N b 2>"$work/said"
like "$(cat "$work/said")" 'type: portscribe attach -N b$' "and with -N what to type has it"
refuses 3 'nothing is counted here.*portscribe attach' annotate --traffic user/nft/example.nft
ps detach
is "$code $out" "0 nothing is attached here" "detach where nothing is"
refuses 3 'nothing is attached here' detach -i b0
ps status
is "$code" 0 "status where nothing is"
like "$out" '^not counting here; begin with: portscribe attach' "status says so"
like "$out" 'attach would count on:.*b0 ' "and what attach would take"
like "$out" 'lo  +loopback: counted only when asked for' "and what it would leave out"
ps explain 3069
is "$code" 0 "explain needs no counting"
like "$out" '3069.*ls3' "explain knows the port"
[ "$("$PORTSCRIBE" 3069 2>/dev/null)" = "$("$PORTSCRIBE" explain 3069 2>/dev/null)" ]
is $? 0 "a port alone is explained"

# ---- wrong words ----

usage() { # ARGUMENT...
	ps "$@"
	is "$code|$out" "2|" "usage error: $*"
	like "$said" '^portscribe( [a-z]+)?: .*see: portscribe ' "with a sentence: $*"
}
for words in "show 3069x" "show 70000" "show 5-3" "show --top 0" "show --top x" "show --sort name" \
	"show --interval 0" "show --interval" "show --nonsense" "show -x" "show nosuchservice" \
	"show udp/" "show 1-70000" "show 80/icmp" "attach b0" "attach --memory lots" \
	"attach --memory 0" "attach --xdp=fast" "detach b0" "detach --all-netns -N b" \
	"detach --all-netns -i b0" "status all" "annotate" "annotate a b" "annotate -N b file" \
	"run --for 0" "run --for ever" "run 10" "explain" "explain 3069x" "nosuchcommand" "--nonsense"; do
	# shellcheck disable=SC2086 # words
	usage $words
done
ps show ""
is "$code" 2 "usage error: an empty word"
ps --version
like "$code $out" '^0 portscribe [0-9]+\.[0-9]+' "--version"
for command in run attach detach status show explain annotate; do
	ps $command --help
	like "$code $out" "^0 usage: portscribe $command" "$command --help"
done
ps
like "$code $out" '^0 usage: .*Not counting here' "alone: help, and whether it counts"

# ---- nowhere to write to ----

for words in "explain 22" "explain -j 22" "search ssh" "registry info" "--version" ""; do
	for where in /dev/full -; do
		# shellcheck disable=SC2086 # words
		if [ $where = - ]; then
			"$PORTSCRIBE" $words >&- 2>"$work/said"
		else
			"$PORTSCRIBE" $words >$where 2>"$work/said"
		fi
		like "$? $(cat "$work/said")" '^3 portscribe: cannot write the answer: ' \
			"an answer that is lost is none: portscribe $words >$where"
	done
done

# ---- attach refuses ----

refuses 3 "no interface 'nosuch' here" attach -i nosuch
refuses 3 'counting would take [0-9]+ MiB \([0-9]+ rows\), more than the 1.0 MiB of --memory; allow it with --memory [0-9]+M, or halve it with --local-only$' \
	attach --memory 1M
is "$(ls -A $bpffs | grep -c portscribe)" 0 "a refused attach leaves no directory"
ps attach --memory 1G
is "$code" 0 "attach with memory enough"
ps attach --local-only
like "$code $said" '^3 .*detach' "attach --local-only where peers are counted"
ps detach

# ---- bpffs ----

refuses_directory() { # NAME REGEX
	local name=$1 regex=$2 command
	for command in attach show detach run; do
		[ "$command" != run ] || set -- --for 0.1
		[ "$command" = run ] || set --
		ps $command "$@"
		is "$code" 3 "$name: $command refuses"
		like "$said" "^portscribe $command: .*$regex" "$name: $command says why"
	done
	ps status
	is "$code" 4 "$name: status cannot tell"
	like "$out" "$regex" "$name: status says why"
	ps explain 22
	is "$code" 0 "$name: explain works"
}

mkdir -m 0700 $pins
chown 65534 $pins
refuses_directory "a directory of another user" 'belongs to uid 65534'
rmdir $pins
mkdir $pins
chmod 0777 $pins
refuses_directory "a directory that all may write" 'with mode 0777'
rmdir $pins
mkdir "$work/elsewhere"
ln -s "$work/elsewhere" $pins
refuses_directory "a symbolic link" "'$pins': not a directory"
rm $pins
is "$(ls -A "$work/elsewhere")" "" "nothing was written through the link"
# Also the one of the machine below ours, where it has one.
while mountpoint -q $bpffs; do umount $bpffs || bail_out "cannot unmount $bpffs"; done
nsenter --net=/run/netns/b bash -c '"$@"; exit' - "$PORTSCRIBE" show >"$work/out" 2>"$work/said"
is "$?" 3 "no bpffs: show"
ps status
like "$out" 'missing bpffs: not mounted at /sys/fs/bpf' "no bpffs: status says so"
# From a shell of its own, as `ip netns exec` would run it.
unshare --mount nsenter --net=/run/netns/b "$PORTSCRIBE" attach >"$work/out" 2>"$work/said"
is "$?" 3 "no bpffs, in a mount namespace that ends: attach refuses"
like "$(cat "$work/said")" 'no bpffs at /sys/fs/bpf in this mount namespace.*attach -N NAME' \
	"no bpffs, in a mount namespace that ends: attach says why"
mount -t bpf -o mode=1777 bpf $bpffs
ps attach
is "$code" 0 "attach in a bpffs that all may write"
is "$(stat -c '%a %u' $pins $pins/* | sort -u)" "700 0" "makes directories for us alone"
is "$(stat -c %a $pins/*/* | sort -u)" 600 "and pins for us alone"

# ---- another layout ----

poke() { # OFFSET BYTE: into what is pinned beside the counters
	"$foreign" poke $pins/netns-*/meta "$1" "$2" || bail_out "cannot change the layout"
}
poke 4 99
for command in attach show; do
	refuses 3 "another version of portscribe \(layout 99, this one has [0-9]+\).*portscribe detach" $command
done
refuses 3 'another version' run --for 0.1
ps status
is "$code" 4 "another layout: status cannot tell"
like "$out" 'another version' "another layout: status says why"
ps explain 22
is "$code" 0 "another layout: explain works"
link_id=$(bpftool -j link show pinned "$(echo $pins/netns-*/link-*-in | cut -d' ' -f1)" 2>/dev/null |
	jq '(if type == "array" then .[0] else . end).id')
ps detach
is "$code|$said" "0|" "another layout: detach removes it"
is "$(ls -A $bpffs | grep -c portscribe)" 0 "another layout: no pin stays"
[ -z "$link_id" ] || fails "another layout: no link stays" bpftool link show id "$link_id"
ps attach --clsact
poke 0 0
refuses 3 'another version of portscribe \(unknown\)' show
ps detach
is "$code" 0 "no layout at all: detach removes it"
is "$(in_netns b tc filter show dev b0 ingress)" "" "no layout at all: no filter stays"

# ---- without privilege ----

chmod 0755 "$work"
unprivileged() { # ARGUMENT...
	out=$(in_netns b setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$work/portscribe" "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
cp "$PORTSCRIBE" "$work/portscribe"
chmod 0755 "$work/portscribe"
for state in none attached; do
	if [ $state = attached ]; then
		ps attach
	fi
	unprivileged attach
	like "$code $said" '^3 portscribe attach: .*CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; try sudo$' \
		"unprivileged, $state: attach names what is missing"
	unprivileged run --for 0.1
	like "$code $said" '^3 portscribe run: .*(CAP_BPF.*CAP_NET_ADMIN|root)' \
		"unprivileged, $state: run names what is missing"
	unprivileged status
	like "$out" 'missing privilege: lacks CAP_[A-Z_]+.*sudo' \
		"unprivileged, $state: status names what is missing"
	unprivileged explain 3069
	like "$code $out" '^0 .*ls3' "unprivileged, $state: explain works"
	unprivileged annotate user/nft/example.nft
	is "$code" 0 "unprivileged, $state: annotate works"
	unprivileged attach -N b
	is "$code" 3 "unprivileged, $state: -N"
	like "$said" 'CAP_SYS_ADMIN' "unprivileged, $state: -N names what is missing"
done
for command in show detach; do
	unprivileged $command
	like "$code $said" "^3 portscribe $command: .*(root|CAP_|sudo)" \
		"unprivileged, attached: $command names what is missing"
done
unprivileged explain 3069
like "$said$out" 'left out' "unprivileged, attached: explain says that it left counters out"
# Root, but without one of the three.
out=$(in_netns b setpriv --bounding-set=-perfmon,-sys_admin "$PORTSCRIBE" attach 2>"$work/said")
like "$? $(cat "$work/said")" '^3 .*needs CAP_PERFMON' "root without CAP_PERFMON"
ps detach

# ---- what show picks ----

ps attach
in_netns a "$traffic" udp 4000 10.1.0.2 3248 3 100
in_netns a "$traffic" udp 4000 10.1.0.2 3069 5 100
in_netns a "$traffic" udp 4000 10.1.0.2 40000-40009 2 100
in_netns a "$traffic" udp 4000 10.1.0.2 53 1 1000
in_netns a "$traffic" connect 10.1.0.2 3069 1 1 2>/dev/null
in_netns a "$traffic" connect 10.1.0.2 80 1 1 2>/dev/null

# port/transport:packets in, in the order shown
picks() { # EXPECTED ARGUMENT...
	local expected=$1
	shift
	ps show -j "$@"
	is "$(jq -r '[.ports[] | "\(.port)/\(.transport):\(.in.packets)"] | join(" ")' <<<"$out")" \
		"$expected" "show $*"
}
both="3069/udp:5 3069/tcp:1"
for what in 3069 :3069; do
	picks "$both" $what
done
picks "3069/udp:5" udp/3069
picks "3069/udp:5" 3069/udp
picks "3069/udp:5" -u 3069
picks "3069/tcp:1" -t 3069
picks "3069/tcp:1" 3069/tcp
picks "$both" ls3
picks "3248/udp:3" framehawk
picks "3248/udp:3" 3224-3324/udp
picks "3069/udp:5 3248/udp:3" udp/3000-4000
picks "80/tcp:1 80/udp:0" http
picks "53/udp:1" domain/udp
picks "3069/udp:5 3248/udp:3" udp/3069 framehawk
picks "9/tcp:0" 9/tcp
picks "3069/udp:5 3248/udp:3" -u --top 2 3000-4000
picks "53/udp:1 3069/udp:5 3248/udp:3" --sort port -u 1-4000
picks "53/udp:1 3069/udp:5 3248/udp:3" --sort bytes -u 1-4000
picks "3069/udp:5 3248/udp:3 53/udp:1" --sort in -u 1-4000
picks "80/tcp:1 3069/tcp:1" --sort attempts -t --top 2
picks "4000/udp:29" --peer -u
is "$(ps show -j framehawk && jq -c '.spans[] | select(.name == "framehawk") |
	[.transport, .first, .last, .in.packets]' <<<"$out")" '["udp",3224,3324,3]' "show of a span has the span"

# The ephemeral range in one row, unless somebody listens there.
folded=$(in_netns b sh -c 'tr "\t" - </proc/sys/net/ipv4/ip_local_port_range')
rows() { # the port column
	ps show "$@"
	awk '/^$/ { exit } NR > 1 { print $1 }' <<<"$out" | sort -V | tr '\n' ' '
}
is "$(rows -u)" "53/udp 3069/udp 3248/udp $folded/udp " "the ephemeral range is one row"
like "$(ps show -u && echo "$out")" "$folded/udp +\(ephemeral\) +20 " "with the sum of its ports"
is "$(rows -u --all | wc -w)" 13 "show --all folds nothing"
is "$(rows -u 40000-40001)" "40000/udp 40001/udp " "nor does asking for ports"
mkfifo "$work/hold"
in_netns b "$traffic" listen udp 40003 <"$work/hold" >"$work/listener" &
exec 8>"$work/hold"
wait_for listening b -u 40003
is "$(rows -u)" "53/udp 3069/udp 3248/udp $folded/udp 40003/udp " \
	"unless somebody listens there"
like "$(ps show -u && echo "$out")" "$folded/udp +\(ephemeral\) +18 " "then it is not in the sum"
is "$(ps show -j 40003/udp && jq '.ports[0].listening' <<<"$out")" true "listening, as JSON"
exec 8>&-
ps show
like "$out" 'SPAN.*framehawk +3224-3324/udp +3 ' "spans have a part of their own"
like "$out" 'b0: in [0-9]+ seen, [0-9]+ ported' "buckets are shown"
like "$out" '3069/udp +ls3 +5 ' "names beside numbers"
[[ $out != *$'\e'* ]]
is $? 0 "no colour without a terminal"

in_netns b sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ps show
like "$said" 'this host forwards packets' "a host that forwards: show says so"
is "$(ps show -j && jq .forwards <<<"$out")" true "a host that forwards: as JSON"
in_netns b sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
ps show
[[ $said != *forwards* ]]
is $? 0 "a host that does not forward"

# ---- --watch ----

nsenter --net=/run/netns/b "$PORTSCRIBE" show -w -j --interval 0.2 -u 3069 >"$work/watch" 2>&1 &
watcher=$!
wait_for grep -q schema "$work/watch"
in_netns a "$traffic" udp 4000 10.1.0.2 3069 7 100
wait_for grep -q '"packets":12' "$work/watch"
kill -INT $watcher
wait $watcher
is $? 0 "show --watch ends well"
is "$(jq -r .schema "$work/watch" | sort -u)" portscribe.show.v1 "show --watch -j: a line each time"
is "$(jq -s '[.[].ports[] | select(.port == 3069) | .in.packets] | max' "$work/watch")" 12 \
	"show --watch -j: the counts"
is "$(jq -s '[.[].ports[] | select(.port == 3069) | .rate.in.packets] | max > 0' "$work/watch")" \
	true "show --watch -j: rates"
nsenter --net=/run/netns/b "$PORTSCRIBE" show -w --interval 0.1 >"$work/watch" 2>&1 &
watcher=$!
wait_for grep -q 'IN/S\|in this interval' "$work/watch"
kill -TERM $watcher
wait $watcher
is $? 0 "show --watch ends well on SIGTERM, too"

# ---- JSON ----

members() { # NAME EXPECTED JQ
	is "$(jq -c "$3" <<<"$out" 2>&1)" "$2" "$1"
}
in_netns b "$frames" send b0 1 ip4 tcp=80,1,SA # so that each kind of member is there
ps show -j
members "show -j: members" \
	'["forwards","interfaces","local_only","ports","schema","since","spans","taken"]' keys
members "show -j: of an interface" \
	'["buckets","hook","ifindex","in","name","netns","out","ported","seen","since"]' \
	'.interfaces[0] | keys'
members "show -j: buckets" \
	'["arp","fragment","icmp","icmpv6","other-ip","other-l2","unparsed"]' \
	'.interfaces[0].buckets | keys'
members "show -j: of a tcp port" \
	'["answers","attempts","in","listening","name","out","port","side","transport"]' \
	'.ports[] | select(.port == 80 and .transport == "tcp") | keys'
members "show -j: attempts and answers" '[1,1]' \
	'.ports[] | select(.port == 80 and .transport == "tcp") | [.attempts, .answers]'
members "show -j: of a udp port" '["in","listening","name","out","port","side","transport"]' \
	'.ports[] | select(.port == 3069 and .transport == "udp") | keys'
members "show -j: of a span" '["first","in","last","name","out","side","transport"]' \
	'.spans[] | select(.name == "framehawk") | keys'
members "show -j: packets and bytes" '["bytes","packets"]' '.ports[0].in | keys'
members "show -j: the schema" '"portscribe.show.v1"' .schema
for words in status "explain 3069" "annotate user/nft/example.nft" "attach" "run --for 0.1"; do
	# shellcheck disable=SC2086 # words
	ps $words -j
	members "$words -j: the schema" "\"portscribe.${words%% *}.v1\"" .schema
done
ps status -j
members "status -j: counting" '[true,1,"b0"]' \
	'[.counting, (.interfaces | length), .interfaces[0].name]'
ps detach -j
members "detach -j" '["portscribe.detach.v1",1,true]' '[.schema, .interfaces, .removed]'
ps status -j
members "status -j: not counting" '[false,[]]' '[.counting, .interfaces]'

# A name that no terminal and no JSON should take as it is.
hostile=$'x"\e[3m};#\\'
if ip_in b link add "$hostile" type veth peer name plain 2>/dev/null; then
	ps attach -i "$hostile"
	ps show -j
	is "$(jq -r '.interfaces[0].name' <<<"$out")" "$hostile" "a hostile name as JSON"
	ps show
	[[ $out != *$'\e'* ]]
	is $? 0 "a hostile name on the screen"
	ps detach -i "$hostile"
	is "$code" 0 "detach by a hostile name"
else
	skip "a hostile interface name" "this ip does not take it"
fi
done_testing
