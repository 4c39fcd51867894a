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
for program in /tests/test_*; do
	[ -x "$program" ] || continue
	try "${program##*/}" env CMOCKA_MESSAGE_OUTPUT=TAP "$program"
	grep -E '# (SKIP|skipped)' /tmp/try | sed 's/^/# /' | say
done
echo "1..$number" | say
sync
poweroff -f
