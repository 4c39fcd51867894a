# shellcheck shell=bash
# What shell tests share: TAP, a private network, mount namespace and bpffs, and
# helpers for namespaces and links in there. To be sourced:
#
#   . "$(dirname "$0")/../lib.sh"
#   require_root
#   enter_private_namespaces "$@"
#   new_netns left; new_netns right
#   veth left veth0 10.1.0.1/24 right veth1 10.1.0.2/24
#   is "$(in_netns left COMMAND)" "what it should print" "name of the test"
#   done_testing
#
# A test that measures, or that needs the machine's own state, says `# serial`
# near its top; all others may run beside each other. Nothing made here can
# outlive the test, even when it is killed: it lives in namespaces that end with
# the last process in them. Needs bash, iproute2, ethtool and util-linux.

script=$(realpath "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C NO_COLOR=1

BUILD=$(realpath -m "${BUILD:-build}")
PORTSCRIBE=$(realpath -m "${PORTSCRIBE:-$BUILD/portscribe}")
export BUILD PORTSCRIBE

tests_run=0 tests_failed=0 plan_printed=

# TAP -------------------------------------------------------------------------

pass() { # NAME
	tests_run=$((tests_run + 1))
	echo "ok $tests_run - $1"
}

not_ok() { # NAME [DETAIL]...: false, so that it can end an && list
	tests_run=$((tests_run + 1))
	tests_failed=$((tests_failed + 1))
	echo "not ok $tests_run - $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
	return 1
}

# The command's output is shown only when it fails.
ok() { # NAME COMMAND [ARGUMENT]...; NAME alone: passes
	local name=$1 output status
	shift
	if [ $# = 0 ]; then
		pass "$name"
		return
	fi
	if output=$("$@" 2>&1); then
		pass "$name"
	else
		status=$?
		not_ok "$name" "exit status $status of: $*" "$output"
	fi
}

fails() { # NAME COMMAND [ARGUMENT]...: passes when the command does not
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		not_ok "$name" "succeeded: $*" "$output"
	else
		pass "$name"
	fi
}

is() { # ACTUAL EXPECTED NAME
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		not_ok "$3" "expected: $2" "     got: $1"
	fi
}

like() { # ACTUAL EXTENDED-REGEX NAME
	if [[ $1 =~ $2 ]]; then
		pass "$3"
	else
		not_ok "$3" "expected to match: $2" "              got: $1"
	fi
}

diag() { # TEXT...
	printf '%s\n' "$@" | sed 's/^/# /'
}

skip() { # NAME REASON: one test; tests/skips-allowed says where that is fine
	tests_run=$((tests_run + 1))
	echo "ok $tests_run - $1 # SKIP $2"
}

skip_all() { # REASON: the whole file, before any test
	plan_printed=yes
	echo "1..0 # SKIP $1"
	exit 0
}

bail_out() { # REASON: what the test stands on could not be had
	echo "Bail out! $1"
	exit 1
}

# The end of a test file: without it, the missing plan makes the file fail.
done_testing() {
	plan_printed=yes
	echo "1..$tests_run"
	[ "$tests_failed" = 0 ]
	exit
}

# What a test needs -------------------------------------------------------------

require_root() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
}

require_command() { # COMMAND...
	local command
	for command in "$@"; do
		command -v "$command" >/dev/null || skip_all "$command is not installed"
	done
}

require_portscribe() {
	[ -x "$PORTSCRIBE" ] || bail_out "$PORTSCRIBE is not built"
}

kernel_at_least() { # MAJOR.MINOR
	local have
	have=$(uname -r)
	[ "$(printf '%s\n' "$1" "${have%%[!0-9.]*}" | sort -V | head -1)" = "$1" ]
}

# Namespaces --------------------------------------------------------------------

# Run this script again where it can do no harm: another network, another set
# of mounts with a bpffs of its own (portscribe mounts one only in the mount
# namespace of PID 1) and no named network namespaces but those of the test.
enter_private_namespaces() { # "$@" of the script
	# The second time it is the same process: unshare does not fork.
	if [ "${PRIVATE_NAMESPACES-}" != "$$" ]; then
		PRIVATE_NAMESPACES=$$ exec unshare --net --mount --propagation private \
			bash "$script" "$@"
	fi
	mkdir -p /run/netns &&
		mount -t tmpfs -o mode=0755 tmpfs /run/netns &&
		mount -t bpf -o mode=0700 bpf /sys/fs/bpf &&
		ip link set lo up || bail_out "cannot set up private namespaces"
	work=$(mktemp -d) || bail_out "no temporary directory"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

clean_up() {
	local status=$?
	local pids
	trap - EXIT
	mapfile -t pids < <(jobs -p)
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
	wait 2>/dev/null
	[ -z "${work-}" ] || rm -rf "$work"
	# The namespaces of the test go with its last process.
	if [ -z "$plan_printed" ] && [ "$status" = 0 ]; then
		status=1
	fi
	exit "$status"
}

# Named as in `ip netns`, visible to this test only.
new_netns() { # NAME...
	local name
	for name in "$@"; do
		ip netns add "$name" && ip -n "$name" link set lo up ||
			bail_out "cannot make the network namespace $name"
		# No packet but those that the test sends.
		in_netns "$name" bash -c '
			cd /proc/sys/net/ipv6/conf 2>/dev/null || exit 0
			for which in all default; do
				echo 0 >$which/accept_ra
				echo 0 >$which/accept_dad
				echo 0 >$which/router_solicitations
			done'
	done
}

delete_netns() { # NAME
	ip netns del "$1"
}

# Not `ip netns exec`: that mounts another /sys and so hides the bpffs. "-" is
# the namespace of the script.
in_netns() { # NAME COMMAND [ARGUMENT]...
	local name=$1
	shift
	if [ "$name" = - ]; then
		"$@"
	else
		nsenter --net="/run/netns/$name" "$@"
	fi
}

ip_in() { # NAME ARGUMENT...: ip in there
	in_netns "$1" ip "${@:2}"
}

# Two ends with addresses (several: in one argument, by spaces), up, offloads off.
veth() { # NETNS DEVICE ADDRESSES NETNS DEVICE ADDRESSES
	local netns device address
	ip_in "$1" link add "$2" type veth peer name "$5" || bail_out "cannot make the veth $2"
	[ "$4" = "$1" ] || ip_in "$1" link set "$5" netns "$(netns_path "$4")" ||
		bail_out "cannot move $5 to $4"
	while [ $# -ge 3 ]; do
		netns=$1 device=$2
		ip_in "$netns" link set "$device" addrgenmode none 2>/dev/null
		for address in $3; do
			case $address in
			*:*) ip_in "$netns" addr add "$address" dev "$device" nodad ;;
			*) ip_in "$netns" addr add "$address" dev "$device" ;;
			esac || bail_out "cannot give $address to $device"
		done
		offloads off "$netns" "$device"
		ip_in "$netns" link set "$device" up || bail_out "cannot set $device up"
		shift 3
	done
	return 0
}

netns_path() { # NAME
	if [ "$1" = - ]; then
		echo "/proc/$$/ns/net"
	else
		echo "/run/netns/$1"
	fi
}

# With them on, one frame at tc stands for many on the wire.
offloads() { # on|off NETNS DEVICE
	in_netns "$2" ethtool -K "$3" tx "$1" sg "$1" tso "$1" gso "$1" gro "$1" >/dev/null 2>&1 ||
		bail_out "cannot set the offloads of $3 $1"
}

# Poll until the command succeeds; false after 30 seconds, which is no measure of
# speed but the end of patience.
wait_for() { # COMMAND [ARGUMENT]...
	local tries
	for ((tries = 0; tries < 600; tries++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	diag "waited in vain for: $*"
	return 1
}

# Somebody listens on that port: -t or -u, as ss has it.
listening() { # NETNS -t|-u PORT
	in_netns "$1" ss -H -n -l "$2" "sport = :$3" | grep -q .
}
