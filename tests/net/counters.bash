# shellcheck shell=bash
# What the tests in this directory share beyond lib.sh: reading all counters of a
# namespace, and comparing how far they went with what was sent. To be sourced
# after lib.sh.
#
# Keys of counters, with their values:
#   udp/5000:in           "PACKETS BYTES" of a local port; peer:udp/5000:in the other side's
#   tcp/80:attempts  tcp/80:answers
#   span:framehawk/udp:in "PACKETS BYTES"; peer:span:...
#   veth0:in:seen  veth0:in:ported  veth0:in:icmp ... packets by interface and bucket

traffic=$BUILD/tests/net/traffic
frames=$BUILD/tests/net/frames
foreign=$BUILD/tests/net/foreign

require_portscribe
require_command jq
for tool in "$traffic" "$frames" "$foreign"; do
	[ -x "$tool" ] || bail_out "$tool is not built (make tests)"
done

counter_keys='
def both: "\(.packets) \(.bytes)";
(.interfaces[] | . as $i | ("in", "out") as $d | $i[$d] |
	({seen, ported} + .buckets) | to_entries[] | "\($i.name):\($d):\(.key)\t\(.value)"),
(.ports[] | (if .side == "peer" then "peer:" else "" end + "\(.transport)/\(.port)") as $k |
	"\($k):in\t\(.in | both)", "\($k):out\t\(.out | both)",
	if has("attempts") then "\($k):attempts\t\(.attempts)", "\($k):answers\t\(.answers)"
	else empty end),
(.spans[] | (if .side == "peer" then "peer:" else "" end +
		"span:\(.name)/\(.transport)") as $k |
	"\($k):in\t\(.in | both)", "\($k):out\t\(.out | both)")'

declare -A marked counted

# Both sides, where both are counted; "-" is the namespace of the script.
show_json() { # NETNS
	local netns=() local_side
	[ "$1" = - ] || netns=(-N "$1")
	local_side=$("$PORTSCRIBE" show "${netns[@]}" -j) || return
	echo "$local_side"
	[[ $local_side == *'"local_only":true'* ]] ||
		"$PORTSCRIBE" show "${netns[@]}" -j --peer
}

read_counters() { # NETNS: into `counted`
	local key value
	counted=()
	while IFS=$'\t' read -r key value; do
		counted[$key]=$value
	done < <(show_json "$1" | jq -r "$counter_keys")
}

# Later `moved` and `expect` of this namespace count from here.
mark() { # NETNS...
	local netns key
	for netns; do
		read_counters "$netns"
		for key in "${!marked[@]}"; do
			[[ $key != "$netns "* ]] || unset "marked[$key]"
		done
		for key in "${!counted[@]}"; do
			marked[$netns $key]=${counted[$key]}
		done
	done
}

# How far a counter of `counted` went since the mark; 0s where it is not listed.
moved() { # NETNS KEY
	local now before
	case $2 in
	*/*:in | */*:out)
		read -ra now <<<"${counted[$2]-0 0}"
		read -ra before <<<"${marked[$1 $2]-0 0}"
		echo "$((now[0] - before[0])) $((now[1] - before[1]))"
		;;
	*) echo "$((${counted[$2]-0} - ${marked[$1 $2]-0}))" ;;
	esac
}

# Since the mark, each counter went exactly so far. The last packets may still be
# on their way, so it is asked again for a while.
expect() { # NETNS NAME KEY NUMBER(S) [KEY NUMBER(S)]...
	local netns=$1 name=$2 tries wanted actual i
	shift 2
	for ((tries = 0; tries < 60; tries++)); do
		read_counters "$netns"
		wanted='' actual=''
		for ((i = 1; i <= $#; i += 2)); do
			local key=${!i} next=$((i + 1))
			wanted+="$key ${!next}; "
			actual+="$key $(moved "$netns" "$key"); "
		done
		[ "$wanted" != "$actual" ] || break
		sleep 0.05
	done
	is "$actual" "$wanted" "$name"
}

sums='
def diff($what; $a; $b): if $a == $b then empty else "\($what): \($a) is not \($b)" end;
def sum($list): reduce $list[] as $n (0; . + $n);
(.[0].interfaces[] | . as $i | ("in", "out") as $d | $i[$d] |
	diff("\($i.name) \($d) seen"; .seen; .ported + sum([.buckets[]]))),
(.[0].interfaces[] | diff("\(.name) seen"; .seen; .in.seen + .out.seen)),
(.[] | . as $s | ("in", "out") as $d |
	(if $s.local_only and $s.ports == [] then empty else
	diff("ports \($d)"; sum([$s.ports[][$d].packets]);
		sum([$s.interfaces[][$d].ported])) end),
	($s.spans[] | . as $span |
		[$s.ports[] | select(.transport == $span.transport and .port >= $span.first and
			.port <= $span.last)] as $in |
		diff("\(.side) span \(.name)/\(.transport) \($d)"; .[$d].packets;
			sum([$in[][$d].packets])),
		diff("\(.side) span \(.name)/\(.transport) \($d) bytes"; .[$d].bytes;
			sum([$in[][$d].bytes]))))'

# At rest: seen = ported + buckets; ports = ported; spans = their ports. Both sides.
sums_hold() { # NETNS NAME
	local tries wrong
	for ((tries = 0; tries < 20; tries++)); do
		wrong=$(show_json "$1" | jq -rs "$sums")
		[ -n "$wrong" ] || break
		sleep 0.05
	done
	is "$wrong" "" "$2"
}

# The interface's own statistics: rx|tx packets|bytes.
link_statistic() { # NETNS DEVICE rx|tx packets|bytes
	ip_in "$1" -j -s link show "$2" | jq ".[0].stats64.$3.$4"
}

# Of /proc/net/snmp of a namespace, one word.
tcp_statistic() { # NETNS NAME (InSegs, OutSegs, RetransSegs)
	in_netns "$1" awk -v name="$2" '$1 == "Tcp:" {
		if (!column) {
			for (i = 2; i <= NF; i++)
				if ($i == name)
					column = i
		} else
			print $column
	}' /proc/net/snmp
}

# Start in the background, and go on when it says that it is ready. Its output is
# in $work/NAME. Sets `started`, its process.
start() { # NAME NETNS COMMAND [ARGUMENT]...
	local name=$1 netns=$2
	shift 2
	: >"$work/$name"
	# Not in_netns: the shell would stand between, and $! be the shell.
	nsenter --net="$(netns_path "$netns")" "$@" >"$work/$name" 2>"$work/$name.errors" </dev/null &
	started=$!
	wait_for grep -q ready "$work/$name" || bail_out "$name does not start"
}
