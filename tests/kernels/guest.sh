#!/bin/busybox sh
# The first process of a virtual machine that tests/kernels/run boots: attaches,
# sends, reads, detaches, and says on the console how that went, in TAP. Each
# line that starts with GUEST is for the host.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp NO_COLOR=1
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /var
ln -s /run /var/run

# busybox prefers its own of that name.
ip() {
	/bin/ip "$@"
}
tc() {
	/bin/tc "$@"
}

say() {
	sed 's/^/GUEST /'
}

number=0
result() { # ok|"not ok" NAME
	number=$((number + 1))
	echo "$1 $number - $2" | say
}

# Shows what the command said only when it fails.
try() { # NAME COMMAND...
	local name=$1 status
	shift
	"$@" >/tmp/try 2>&1
	status=$?
	if [ $status = 0 ]; then
		result ok "$name"
	else
		result "not ok" "$name"
		{
			echo "exit status $status of: $*"
			tail -60 /tmp/try
		} | sed 's/^/# /' | say
	fi
}

is() { # ACTUAL EXPECTED NAME
	if [ "$1" = "$2" ]; then
		result ok "$3"
	else
		result "not ok" "$3"
		printf '# expected: %s\n#      got: %s\n' "$2" "$1" | say
	fi
}

kernel=$(uname -r)
echo "kernel $kernel" | say
while read -r module; do
	insmod "/modules/$module" 2>/dev/null
done </modules/order

major=${kernel%%.*} minor=${kernel#*.} minor=${minor%%.*}
hook=clsact
[ $((major * 1000 + minor)) -lt 6006 ] || hook=tcx

set_up() (
	set -ex
	ip link set lo up
	ip netns add far
	ip link add v0 type veth peer name v1
	ip link set v1 netns far
	ip link set v0 addrgenmode none
	ip -n far link set v1 addrgenmode none
	ip addr add 10.1.0.1/24 dev v0
	ip addr add fd00::1/64 dev v0 nodad
	ip -n far addr add 10.1.0.2/24 dev v1
	ip -n far addr add fd00::2/64 dev v1 nodad
	ip link set v0 up
	ip -n far link set v1 up
	ip -n far link set lo up
)
try "two network namespaces, a veth between them" set_up

far() {
	nsenter --net=/run/netns/far "$@"
}

counted() { # PORT TRANSPORT: "packets in, packets out"
	portscribe show --all -j 2>/dev/null | jq -r --argjson port "$1" --arg transport "$2" '
		[.ports[] | select(.port == $port and .transport == $transport and .side == "local")][0] |
		"\(.in.packets // 0) in, \(.out.packets // 0) out"'
}

exchange() {
	far traffic udp 0 10.1.0.1 5000 40 100 &&
		far traffic udp 0 fd00::1 5000 2 100 &&
		traffic udp 5001 10.1.0.2 6000 7 100
}

# How ARGUMENT... counts, from attach to detach.
round() { # NAME HOOK_OF_INGRESS ATTACH_ARGUMENT...
	local name=$1 hook_in=$2
	shift 2
	try "$name: attach" portscribe attach -i v0 "$@"
	portscribe status -j >/tmp/status 2>&1
	is "$(jq -r '.interfaces[] | select(.name == "v0") | .in.hook' /tmp/status 2>&1)" "$hook_in" \
		"$name: the hook"
	try "$name: traffic" exchange
	is "$(counted 5000 udp), $(counted 5001 udp)" "42 in, 0 out, 0 in, 7 out" "$name: exact counts"
	try "$name: attach again, an upgrade in place" portscribe attach -i v0 "$@"
	try "$name: traffic again" exchange
	is "$(counted 5000 udp), $(counted 5001 udp)" "84 in, 0 out, 0 in, 14 out" \
		"$name: exact counts over the upgrade"
	try "$name: status" portscribe status
	try "$name: show" portscribe show
	try "$name: detach" portscribe detach
	is "$(ls -A /sys/fs/bpf 2>/dev/null)" "" "$name: no pin is left"
	is "$(tc qdisc show dev v0 | grep -c clsact)" 0 "$name: no qdisc is left"
	is "$(tc filter show dev v0 ingress 2>/dev/null)" "" "$name: no filter is left"
	is "$(ip link show v0 | grep -c xdp)" 0 "$name: no XDP program is left"
}

mkdir -p /sys/fs/bpf
try "explain without anything attached" portscribe explain 22
round "tc" $hook
[ $hook = clsact ] || round "clsact asked for" clsact --clsact
round "xdp" xdp-native --xdp
round "generic xdp" xdp-generic --xdp=generic
round "local only" $hook --local-only
try "run" portscribe run --for 1
# ---- listeners ----

skip() { # NAME REASON
	result ok "$1 # SKIP $2"
}

patient() { # COMMAND...: until it succeeds; false at the end of patience
	local tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.3
	done
}

# In the background: its lines in /tmp/seen, its talk in /tmp/said, its pid in $watch.
watch_begin() { # ARGUMENT...
	: >/tmp/said
	: >/tmp/seen
	portscribe watch -j "$@" >/tmp/seen 2>/tmp/said &
	watch=$!
	patient grep -q '^watching ' /tmp/said
}

watch_end() { # sets $code
	kill -TERM $watch
	wait $watch
	code=$?
}

# "TRANSPORT FAMILY PORT PID" of each, sorted.
seen() { # EVENT
	jq -r --arg event "$1" 'select(.event == $event) |
		"\(.listener.transport) \(.listener.family) \(.listener.port) \(.listener.owners[0].pid)"' \
		/tmp/seen | sort
}

seen_ends() { # COUNT
	[ "$(seen closed | wc -l)" -ge "$1" ]
}

# The churn is told of, and nothing else.
told() { # NAME CHURN_ARGUMENT...
	local name=$1
	shift
	watch_begin
	churn "$@" >/tmp/opened
	if [ $? = 77 ]; then
		watch_end
		skip "$name" "this kernel does not have it"
		return
	fi
	patient seen_ends "$(wc -l </tmp/opened)"
	sort /tmp/opened >/tmp/expected
	seen opened >/tmp/began
	seen closed >/tmp/ended
	try "$name: each opened once, with its process" diff /tmp/expected /tmp/began
	try "$name: each closed once" diff /tmp/expected /tmp/ended
	watch_end
	is "$code" 0 "$name: watch ends well"
}

try "listeners" portscribe listeners
watch_begin
is "$(grep -c 'UDP sockets cannot be told of by the kernel: no unified cgroup hierarchy' /tmp/said)" 1 \
	"watch: without a unified hierarchy of cgroups it says that UDP is only looked for"
watch_end
is $code 4 "and ends with status 4"
mkdir -p /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
watch_begin
is "$(cat /tmp/said)" "watching 0 listeners" "watch: nothing is missing"
# Before 5.19 bpf() itself wants CAP_BPF.
is "$(sed -n 's/^CapEff:[^1-9a-f]*//p' /proc/$watch/status)" \
	"$([ $((major * 1000 + minor)) -lt 5019 ] && echo 8000080004 || echo 80004)" \
	"watch: it keeps only the capabilities that it needs"
watch_end
told "1 to 50 ms" random 300 7 3
told "failing listen()" fail 127.0.0.1 8001 20
told "MPTCP" mptcp 8002 20
told "SCTP" sctp 8003 20

# Without the kernel's events; how often it looks depends on how fast it can.
mkfifo /tmp/hold
exec 9<>/tmp/hold
watch_begin --poll --interval 0.1
churn hold tcp 8004 <&9 >/tmp/held &
held=$!
patient grep -q '"event":"opened"' /tmp/seen
kill $held
patient grep -q '"event":"closed"' /tmp/seen
is "$(seen opened), $(seen closed)" "tcp ipv4 8004 $held, tcp ipv4 8004 $held" "looking alone finds it"
is "$(jq -r .seen_by /tmp/seen | sort -u)" look "and says so"
watch_end
is $code 0 "and ends well"

for program in /tests/test_*; do
	[ -x "$program" ] || continue
	try "${program##*/}" env CMOCKA_MESSAGE_OUTPUT=TAP "$program"
	grep -E '# (SKIP|skipped)' /tmp/try | sed 's/^/# /' | say
done
echo "1..$number" | say
sync
poweroff -f
