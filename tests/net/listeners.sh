#!/bin/bash
# Who listens, against what ss and /proc/net say, field by field and in several network
# namespaces: v6only, SO_BINDTODEVICE, SO_REUSEPORT, sockets that several processes
# share, another PID namespace, MPTCP, the kernel's own. Then what cannot be read,
# names that would do harm, the policy, counters beside it.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_command ss jq setpriv unshare
require_portscribe

listen=$BUILD/tests/net/listen
mkfifo "${work:?}/never" && exec 7<>"$work/never" || bail_out "no fifo"

# An /etc of this test's own.
cp -a /etc "$work/etc" && mount -t tmpfs -o mode=0755 tmpfs /etc && cp -a "$work/etc/." /etc ||
	bail_out "cannot make an /etc for the test"
rm -rf "${work:?}/etc" /etc/portscribe
mkdir -m 0755 /etc/portscribe

holders=() held=0
# Sockets until release(); $pid is the process that holds them.
hold() { # NETNS COMMAND...
	local said=$work/ready.$((++held))
	local inside=(nsenter --net="$(netns_path "$1")")
	shift
	"${inside[@]}" "$@" <"$work/never" >"$said" 2>"$work/holder" 7>&- &
	holders+=($!)
	wait_for grep -q ready "$said" || bail_out "cannot listen: $* $(cat "$work/holder")"
	pid=$(awk '{ print $2 }' "$said")
}

release() {
	[ ${#holders[@]} != 0 ] || return 0
	# unshare passes over anything softer.
	kill -KILL "${holders[@]}" 2>/dev/null
	wait "${holders[@]}" 2>/dev/null
	holders=()
}

ps() { # NETNS ARGUMENT...: sets out, said, code
	out=$(in_netns "$1" "$PORTSCRIBE" listeners "${@:2}" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}

# ---- the truth ----

# A line a socket: TRANSPORT ADDRESS:PORT QUEUED BACKLOG UID INODE COOKIE V6ONLY PIDS
by_ss() { # NETNS
	in_netns "$1" ss -H -O -n -l -t -u -p -e | awk '
	{
		uid = 0; ino = sk = v6only = pids = ""
		for (i = 6; i <= NF; i++) {
			if ($i ~ /^uid:/) uid = substr($i, 5)
			if ($i ~ /^ino:/) ino = substr($i, 5)
			if ($i ~ /^sk:/) sk = substr($i, 4)
			if ($i ~ /^v6only:/) v6only = substr($i, 8)
		}
		rest = $0
		while (match(rest, /pid=[0-9]+/)) {
			pid = substr(rest, RSTART + 4, RLENGTH - 4)
			if (index("," pids ",", "," pid ",") == 0)
				pids = pids (pids == "" ? "" : ",") pid
			rest = substr(rest, RSTART + RLENGTH)
		}
		n = split(pids, p, ",")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && p[j] + 0 < p[j - 1] + 0; j--) { t = p[j]; p[j] = p[j - 1]; p[j - 1] = t }
		pids = n ? p[1] : ""
		for (i = 2; i <= n; i++) pids = pids "," p[i]
		print $1, $5, $3, ($1 == "udp" ? 0 : $4), uid, ino, sk, (v6only == "" ? 0 : v6only), pids
	}' | sort
}

by_us() { # NETNS [OPTION]...
	in_netns "$1" "$PORTSCRIBE" listeners -j "${@:2}" | jq -r '
	def hex: if . < 16 then "0123456789abcdef"[. : . + 1]
		 else ((. / 16 | floor) | hex) + ((. % 16) | hex) end;
	.listeners[] | select(.namespace == 0) |
	[ .transport,
	  (if .family == "ipv4" then .address
	   elif .address == "::" and (.v6only | not) then "*"
	   else "[" + .address + "]" end)
	  + (if .interface then "%" + .interface else "" end) + ":" + (.port | tostring),
	  .queued, .backlog, .uid, .inode, (.cookie | hex), (if .v6only then 1 else 0 end),
	  ([.owners[].pid | tostring] | join(",")) ] | join(" ")' |
		sed -E 's/\[([^]]*)\]%([^:]*):/[\1]%\2:/' | sort
}

# A line a socket: TRANSPORT FAMILY PORT UID INODE
by_proc() { # NETNS
	local name
	for name in tcp tcp6 udp udp6; do
		# shellcheck disable=SC2016
		in_netns "$1" sed -n '2,$p' "/proc/thread-self/net/$name" |
			awk -v name="$name" '
			$4 == (name ~ /^tcp/ ? "0A" : "07") {
				n = split($2, part, ":")
				port = 0
				for (i = 1; i <= 4; i++)
					port = port * 16 + index("123456789ABCDEF", substr(part[n], i, 1))
				print substr(name, 1, 3), (name ~ /6$/ ? "ipv6" : "ipv4"), port, $8, $10
			}'
	done | sort
}

by_us_short() { # NETNS
	in_netns "$1" "$PORTSCRIBE" listeners -j | jq -r '.listeners[] |
		[.transport, .family, .port, .uid, .inode] | map(tostring) | join(" ")' | sort
}

agree() { # NETNS WHAT HOW-MANY
	local ours
	ours=$(by_us "$1")
	is "$(grep -c . <<<"$ours")" "$3" "$2: $3 sockets"
	is "$ours" "$(by_ss "$1")" "$2: the same as ss, in every field"
	is "$(by_us_short "$1")" "$(by_proc "$1")" "$2: the same as /proc/net"
}

new_netns a b c
veth a a0 "10.1.0.1/24 fd01::1/64" b b0 "10.1.0.2/24 fd01::2/64"
ip_in a addr add fe80::77/64 dev a0 nodad

ps a
is "$code|$out" "0|nobody listens here" "where nobody listens"

hold a "$listen" tcp:0.0.0.0:22,backlog=3 'tcp:[::]:22,v6only=1' 'tcp:[::]:80' tcp:127.0.0.1:3069 \
	'tcp:[::1]:3069' tcp:10.1.0.1:443,dev=a0 'tcp:[fd01::1]:443,backlog=0' tcp:0.0.0.0:444,dev=lo \
	'tcp:[fe80::77%a0]:445' udp:0.0.0.0:53 'udp:[::]:53,v6only=1' udp:127.0.0.1:5353,reuse \
	udp:127.0.0.1:5353,reuse 'udp:[::]:40000' udp:10.1.0.1:514,dev=a0 'tcp:[::ffff:10.1.0.1]:81' \
	udp:127.0.0.1:7777,peer
agree a "every kind" 16
release

hold b "$listen" -f 3 tcp:0.0.0.0:8080 udp:0.0.0.0:8080
shared=$pid
for _ in 1 2 3; do
	hold b "$listen" tcp:0.0.0.0:9000,reuse
done
agree b "shared by processes, and a group" 5
is "$(in_netns b "$PORTSCRIBE" listeners -j 8080/tcp | jq -c '[.listeners[0].owners | length, .[0].pid]')" \
	"[4,$shared]" "a socket that a parent and three children hold has four owners"
is "$(in_netns b "$PORTSCRIBE" listeners -j 9000 | jq -c '[.listeners[].sharing]')" "[3,3,3]" \
	"each of a group of three knows it"
ps b 9000
is "$(grep -c '^9000/tcp  ' <<<"$out")" 1 "which is one line of the table"
like "$out" '9000/tcp .* listen x3 ' "with three processes"
release

# A socket in the queue, and one that waits with a reader.
hold a "$listen" tcp:127.0.0.1:1025,backlog=2 udp:127.0.0.1:1025
nsenter --net=/run/netns/a bash -c 'exec 8<>/dev/tcp/127.0.0.1/1025
	echo four >/dev/udp/127.0.0.1/1025; exec sleep 600' 7>&- &
holders+=($!)
queued() {
	by_us a | awk '$3 > 0' | grep -c . | grep -qx 2
}
ok "two sockets have something in their queues" wait_for queued
agree a "with queues" 2
release

# Open in a thread alone, where ss and /proc/PID/fd do not look.
hold a "$listen" -t tcp:0.0.0.0:2000
alone() { # COMMAND...
	in_netns a "$@" "$PORTSCRIBE" listeners -j | jq -c '.listeners[] | [.port, .owners[].pid]'
}
is "$(alone)" "[2000,$pid]" "what only a thread has open is its process's"
is "$(alone setpriv --bounding-set=-bpf,-perfmon,-sys_admin)" "[2000,$pid]" "also without BPF"
release

# Its own PID namespace: the number is ours, the namespace is said.
hold a unshare --pid --fork --kill-child "$listen" tcp:0.0.0.0:23
agree a "another PID namespace" 1
is "$(in_netns a "$PORTSCRIBE" listeners -j | jq -c '.listeners[0].owners[0] | [.name, (.pidns > 0)]')" \
	'["listen",true]' "which is said"
ps a -v
like "$out" 'PID namespace [0-9]+' "also to a person"
release

# MPTCP: in ss a socket of its own, of which the TCP one is the listener.
if [ "$(cat /proc/sys/net/mptcp/enabled 2>/dev/null)" = 1 ]; then
	hold a "$listen" mptcp:0.0.0.0:2000 'mptcp:[::]:2001' tcp:0.0.0.0:2002
	agree a MPTCP 3
	is "$(in_netns a "$PORTSCRIBE" listeners -j | jq -c '[.listeners[].mptcp]')" \
		"[true,true,false]" "MPTCP is told from TCP"
	release
else
	skip MPTCP "the kernel has no MPTCP"
fi

# The kernel's own.
ip_in c link add v0 type vxlan id 1 dstport 4789 dev lo && ip_in c link set v0 up
hold c "$listen" tcp:0.0.0.0:22
ps c
like "$out" '4789/udp +vxlan +0\.0\.0\.0 +kernel \(vxlan v0\) +expected' "a socket of the kernel's"
is "$code|$said" "0|" "is nothing that could not be read"
is "$(in_netns c "$PORTSCRIBE" listeners -j 4789 | jq -c '.listeners[0] | [.owners_known, .kernel, .owners]')" \
	'["kernel","vxlan v0",[]]' "and so in JSON"

release

# What was closed before its process was looked at is not taken for the kernel's.
nsenter --net=/run/netns/a bash -c 'for ((i = 0; i < 2000; i++)); do
	"$1" tcp:127.0.0.1:2000,reuse tcp:127.0.0.1:2001,reuse < <(sleep 0.03) >/dev/null
done' - "$listen" 7>&- &
holders+=($!)
strange=0 seen=0
for ((i = 0; i < 60; i++)); do
	answer=$(in_netns a "$PORTSCRIBE" listeners -j)
	strange=$((strange + $(jq '[.listeners[] | select(.owners_known != "known")] | length' <<<"$answer")))
	seen=$((seen + $(jq '.listeners | length' <<<"$answer")))
done
is "$strange" 0 "sockets that live for a moment have an owner or are not there"
[ "$seen" != 0 ]
is $? 0 "and some were seen"
release

# ---- what is asked for ----

ports() { # NETNS ARGUMENT...
	in_netns "$1" "$PORTSCRIBE" listeners -j "${@:2}" |
		jq -r '[.listeners[] | "\(.port)/\(.transport)"] | join(" ")'
}
hold a "$listen" tcp:0.0.0.0:22 'tcp:[::]:22,v6only=1' udp:0.0.0.0:3248 'udp:[::]:40000'
is "$(ports a)" "22/tcp 22/tcp 3248/udp 40000/udp" "all"
is "$(ports a -t)" "22/tcp 22/tcp" "-t"
is "$(ports a -u)" "3248/udp 40000/udp" "-u"
is "$(ports a -tu4)" "22/tcp 3248/udp" "-4"
is "$(ports a -6)" "22/tcp 40000/udp" "-6"
is "$(ports a -46)" "22/tcp 22/tcp 3248/udp 40000/udp" "-4 and -6"
is "$(ports a ssh)" "22/tcp 22/tcp" "a name"
is "$(ports a framehawk)" "3248/udp" "a span"
is "$(ports a 1-30000 40000/udp)" "22/tcp 22/tcp 3248/udp 40000/udp" "ranges"
is "$(ports a 40000/tcp)" "" "nothing"
is "$("$PORTSCRIBE" listeners -N a -j 3248 | jq '.listeners | length')" 1 "-N"
ps a
like "$out" 'and 1 UDP port of clients, in the ephemeral range \(-a shows it\)' "clients' are folded"
ps a -a
like "$out" '40000/udp .* ephemeral' "-a shows them"
ps a 40000
like "$out" '40000/udp .* ephemeral' "and so does who asks for the port"
ps a 4
is "$code|$out" "0|nobody listens here on these ports" "nobody"

ps a --help
like "$code $out" '^0 usage: portscribe listeners' "--help"
usage() { # ARGUMENT...
	ps a "$@"
	is "$code|$out" "2|" "usage error: $*"
	like "$said" '^portscribe listeners: .*see: portscribe listeners --help' "with a sentence: $*"
}
for words in "22x" "-N a --all-netns" "--learn --check" "--strict" "--learn -j" "--no-owners --check" \
	"--nonsense" "-z" "--check --strict 22" "--check --strict -t" "--policy"; do
	# shellcheck disable=SC2086 # words
	usage $words
done

# ---- all network namespaces, each once ----

ln -s a /run/netns/again 2>/dev/null
touch /run/netns/alias && mount --bind /run/netns/a /run/netns/alias
hold - unshare --net "$listen" tcp:0.0.0.0:7
all=$("$PORTSCRIBE" listeners --all-netns -j)
of() { # INODE-OF-NAMESPACE
	jq --argjson inode "$1" '[.namespaces | to_entries[] | select(.value.inode == $inode).key] as $at |
		[.listeners[] | select(.namespace == $at[0])] | length' <<<"$all"
}
is "$(jq '[.namespaces[].inode] | length - (unique | length)' <<<"$all")" 0 "each namespace once"
is "$(of "$(stat -L -c %i /run/netns/a)")" 4 "a named one"
is "$(of "$(stat -L -c %i /run/netns/c)")" 1 "another"
is "$(of "$(stat -L -c %i "/proc/$pid/ns/net")")" 1 "one that only a process has"
is "$(jq -r '.namespaces[0].name' <<<"$all")" null "ours comes first and has no name"
"$PORTSCRIBE" listeners --all-netns >"$work/text"
like "$(cat "$work/text")" 'network namespace (a|alias|again):' "a table for each"
umount /run/netns/alias
rm -f /run/netns/alias /run/netns/again
release

# ---- what cannot be read ----

unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
hold a "$listen" tcp:0.0.0.0:22 udp:0.0.0.0:53
limited() { # COMMAND... --: runs listeners as it says
	out=$(in_netns a "$@" "$PORTSCRIBE" listeners "${more[@]}" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
more=()
limited "${unprivileged[@]}"
is "$code" 4 "without privilege the exit status is 4"
is "$said" "portscribe listeners: the owners of 2 listeners cannot be read (needs CAP_BPF and CAP_PERFMON, or CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH; try sudo)
portscribe listeners: whom the firewall lets in is left out: cannot read the ruleset: Operation not permitted (needs CAP_NET_ADMIN; try sudo)" \
	"a line for each thing says what is needed"
like "$out" '22/tcp +ssh +0\.0\.0\.0 +\? ' "and the owner is ?"
more=(--no-owners)
limited "${unprivileged[@]}"
is "$code|$said" "0|" "where nobody asks for owners there is no gap"
more=(--learn)
limited "${unprivileged[@]}"
is "$code $(grep -c '^# not known: ' <<<"$out")" "4 2" "--learn says what it does not know"
more=(-j)
limited "${unprivileged[@]}"
is "$(jq -c '[.listeners[].owners_known], (.missing | startswith("the owners of 2"))' <<<"$out" | paste -sd' ')" \
	'["unreadable","unreadable"] true' "and so does JSON"
# Its own processes anybody may see.
more=(-j)
hold a "${unprivileged[@]}" "$listen" tcp:0.0.0.0:8088
limited "${unprivileged[@]}"
is "$(jq -c '[.listeners[] | select(.port == 8088).owners[].pid]' <<<"$out")" "[$pid]" \
	"except of one's own processes"
# Either way alone.
limited setpriv --bounding-set=-bpf,-perfmon,-sys_admin
is "$(jq -c '[.listeners[] | [.port, .owners[].name]]' <<<"$out")" \
	'[[22,"listen"],[53,"listen"],[8088,"listen"]]' "without BPF, /proc tells"
by_iterator=$(in_netns a "$PORTSCRIBE" listeners -j | jq -cS '[.listeners[] | {port, owners}]')
is "$(jq -cS '[.listeners[] | {port, owners}]' <<<"$out")" "$by_iterator" "and it tells the same"
limited setpriv --bounding-set=-sys_ptrace
is "$code $(jq -c '[.listeners[].owners[] | .exe]' <<<"$out")" '4 [null,null,null]' \
	"without CAP_SYS_PTRACE there are owners and no executables"
like "$said" 'the programs of 2 processes cannot be read \(needs CAP_SYS_PTRACE\)' "and a line says so"
limited setpriv --bounding-set=-bpf,-perfmon,-sys_admin,-sys_ptrace
is "$code" 4 "without both"
limited unshare --pid --fork --mount-proc
is "$code $(jq -c '[.listeners[].owners_known] | unique' <<<"$out")" '4 ["unreadable"]' \
	"from within a PID namespace nobody is in sight, which is not taken for the kernel"
like "$said" 'cannot be seen from within this PID namespace' "and said"
release

# ---- names ----

name=$(printf 'a) \033[1m"\n\\')
hold a bash -c 'exec -a "$1" "$2" -n "$3" tcp:0.0.0.0:22' - "$(printf 'z\033]0;x\007"\n)')" "$listen" "$name"
for option in "" -v; do
	# shellcheck disable=SC2086
	ps a $option
	is "$(LC_ALL=C tr -d '\n\040-\176' <<<"$out" | wc -c)" 0 "a hostile name is harmless in text $option"
done
ps a -j
is "$(jq -r '.listeners[0].owners[0].name' <<<"$out")" "$name" "and whole in JSON"
is "$(wc -l <<<"$out")" 1 "which is one line"
ps a --learn
is "$(LC_ALL=C tr -d '\n\040-\176' <<<"$out" | wc -c)" 0 "and in a policy"
release

# ---- the policy ----

policy=/etc/portscribe/listeners.conf
cp "$listen" "$work/server" && cp "$listen" "$work/other" || bail_out "no copy"
chmod 755 "$work"
hold b "$work/server" tcp:0.0.0.0:22 'tcp:[::]:22,v6only=1' tcp:127.0.0.1:5432 udp:0.0.0.0:40001
ps b --check
is "$code|$out" "3|" "--check without a policy"
like "$said" "cannot read '$policy': No such file or directory \(portscribe listeners --learn prints one\)" \
	"says how to get one"
in_netns b "$PORTSCRIBE" listeners --learn >$policy
is "$(cat $policy)" "# What may listen on this host; portscribe(8), listeners, explains it.
# transport, ports, reach, who  # comment
tcp   22         all          $work/server  # ssh
tcp   5432       loopback     $work/server  # postgresql
udp   ephemeral  0.0.0.0/0    $work/server" "--learn"
ps b --check --strict
is "$code|$out|$said" "0||" "what was learned is allowed"
ps b 22
like "$out" '22/tcp .* known$' "and known"
# Another process of the same program, on another ephemeral port; and an upgrade of it.
release
hold b "$work/server" tcp:0.0.0.0:22 'tcp:[::]:22,v6only=1' tcp:127.0.0.1:5432 udp:0.0.0.0:40002
ps b --check --strict
is "$code|$out" "0|" "a restart is no change"
mv "$work/other" "$work/server"
ps b --check --strict
is "$code|$out" "0|" "an upgrade below a running program is none either"
is "$(in_netns b "$PORTSCRIBE" listeners -j 22 | jq -c '.listeners[0].owners[0] | [.exe, .exe_deleted]')" \
	"[\"$work/server\",true]" "which is seen"
release
hold b "$work/server" tcp:0.0.0.0:22 tcp:0.0.0.0:5432 'tcp:[::]:81' udp:0.0.0.0:40002
ps b --check
is "$code" 1 "what is not allowed is a finding"
is "$(awk 'NF > 3 && /^[0-9]/ && !/:/ { print $1 } /^[0-9]+\/.*\*|0\.0\.0\.0/ { print $1 }' <<<"$out" | sort -u | paste -sd' ')" \
	"5432/tcp 81/tcp" "wider than allowed, and new"
ps b --check -j
is "$(jq -c '[.listeners[] | [.port, .address]]' <<<"$out")" '[[81,"::"],[5432,"0.0.0.0"]]' "and so in JSON"
ps b --check 22
is "$code|$out" "0|" "WHAT narrows it"
release
hold b "$work/server" tcp:0.0.0.0:22
ps b --check
is "$code|$out" "0|" "what is absent is none"
ps b --check --strict
is "$code|$out" "1|absent: line 4: tcp   5432       loopback     $work/server" "unless it is asked for"
ps b --check --strict -j
is "$code $(jq -c .absent <<<"$out")" \
	"1 [{\"line\":4,\"rule\":\"tcp   5432       loopback     $work/server\"}]" "also in JSON"
# Another program of that path, where its mounts make it so.
release
mkdir "$work/mine" && cp "$listen" "$work/mine/server"
hold b unshare --mount bash -c 'mount --bind "$1" "$2" && exec "$2" tcp:0.0.0.0:22' - \
	"$work/mine/server" "$work/server"
ps b --check
is "$code" 1 "another file under the same path is not allowed"
is "$(in_netns b "$PORTSCRIBE" listeners -j | jq -c '.listeners[0].owners[0] | [.exe, .exe_foreign]')" \
	"[\"$work/server\",true]" "since it is another's"
release
# Bad ones.
hold b "$work/server" tcp:0.0.0.0:22
printf 'tcp 22 all *\ntcp 22 everywhere *\n' >"$work/bad.conf"
ps b --policy "$work/bad.conf"
is "$code|$out" "3|" "a policy that was asked for and is wrong"
is "$said" "portscribe listeners: $work/bad.conf:2:8: no reach: all, loopback, an address, a prefix" \
	"has its place"
# What is said of backslashes holds none: a terminal gets each of them twice.
printf 'tcp 22 all "/a\\n"\n' >"$work/escape.conf"
ps b --policy "$work/escape.conf"
is "$code|$said" "3|portscribe listeners: $work/escape.conf:1:15: no such escape: behind a backslash stand another, a quote, or x and two hexadecimal digits" \
	"an escape that is none"
printf 'tcp 22 all *\r\n' >"$work/escape.conf"
ps b --policy "$work/escape.conf"
is "$code|$said" "3|portscribe listeners: $work/escape.conf:1:13: a byte that is no text; in quotes it is a backslash, x and two hexadecimal digits" \
	"a byte that is no text"
cp "$work/bad.conf" $policy
ps b
is "$code" 4 "one that was not asked for is left out"
like "$said" 'the policy is left out: .*listeners\.conf:2:8: ' "and said"
like "$out" '22/tcp' "and the answer is there"
printf 'tcp 22 all *\n' >$policy
chmod g+w $policy
ps b --check
is "$code|$out" "3|" "one that others may write is refused"
like "$said" 'may be written by its group' "and said"
chmod g-w $policy
more=(--check)
out=$(in_netns b "${unprivileged[@]}" "$PORTSCRIBE" listeners --check 2>&1)
is $? 4 "where an owner cannot be read, a rule for anybody allows it, and the gap is said"
printf 'tcp 22 all /usr/sbin/sshd\n' >$policy
out=$(in_netns b "${unprivileged[@]}" "$PORTSCRIBE" listeners --check 2>/dev/null)
is "$?|$out" "4|" "and a rule for somebody cannot be judged, which is no finding"
printf 'tcp 23 all /usr/sbin/sshd\n' >$policy
out=$(in_netns b "${unprivileged[@]}" "$PORTSCRIBE" listeners --check 2>/dev/null)
is $? 1 "what no rule can allow is a finding all the same"
release
rm $policy

# ---- counters ----

hold b "$listen" tcp:0.0.0.0:8080
in_netns b "$PORTSCRIBE" attach -i b0 >/dev/null || bail_out "cannot attach"
for _ in 1 2 3; do
	in_netns a bash -c 'exec 8<>/dev/tcp/10.1.0.2/8080; exec 8>&-'
done
ps b 8080
like "$out" 'IN +ATTEMPTS +ANSWERS +VERDICT' "counters stand beside it where they count"
like "$out" '8080/tcp .* 3 +3 +[a-z]+' "attempts and answers"
is "$(in_netns b "$PORTSCRIBE" listeners -j 8080 | jq -c '.listeners[0].counters | [.attempts, .answers]')" \
	"[3,3]" "and so in JSON"
in_netns b "$PORTSCRIBE" detach >/dev/null

done_testing
