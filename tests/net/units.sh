#!/bin/bash
# The unit of systemd for `watch`: understood without a word, hardened, and with all
# that watching needs. systemd itself need not run.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
require_root
require_command systemd-analyze strace setpriv
enter_private_namespaces "$@"
require_portscribe
churn=$BUILD/tests/net/churn

# As installed, but that the program is the one under test.
unit=$work/portscribe-watch.service
sed "s|@SBINDIR@/portscribe|$PORTSCRIBE|" user/portscribe-watch.service >"$unit"
mkdir -p "$work/man/man8"
cp user/portscribe.8 "$work/man/man8/"
export MANPATH=$work/man
pages=yes
command -v man >/dev/null || pages=no

is "$(systemd-analyze verify --man=$pages "$unit" 2>&1)" "" "systemd-analyze verify has nothing to say"
ok "its exposure is 2.5 at most" systemd-analyze security --offline=true --threshold=25 "$unit"

setting() { # NAME: all its lines
	sed -n "s/^$1=//p" "$unit"
}

# Calls of a filter, with those of the groups in it.
calls_of() { # WORD...
	local word
	for word; do
		case $word in
		@*)
			# shellcheck disable=SC2046 # words
			calls_of $(systemd-analyze syscall-filter "$word" |
				sed -n 's/^ *\([@a-z0-9_-]*\).*$/\1/p' | grep -vFx -e "$word" -e '')
			;;
		*) echo "$word" ;;
		esac
	done
}

read -ra wanted <<<"$(setting SystemCallFilter | grep -v '^~')"
read -ra refused <<<"$(setting SystemCallFilter | sed -n 's/^~//p')"
comm -23 <(calls_of "${wanted[@]}" | sort -u) <(calls_of "${refused[@]}" | sort -u) >"$work/allowed"
[ "$(wc -l <"$work/allowed")" -gt 200 ]
is $? 0 "the filter of system calls can be read"

# As the unit starts it, with what it then does: events, a look, the end.
five=$(setting AmbientCapabilities | sed 's/CAP_/+/g; s/ /,/g' | tr '[:upper:]' '[:lower:]')
is "$(setting AmbientCapabilities)" "$(setting CapabilityBoundingSet)" "no capability but those it gets"
strace -qq -o "$work/trace" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "$five" \
	--ambient-caps "$five" --bounding-set "-all,$five" \
	"$PORTSCRIBE" watch --interval 0.2 --for 1 >"$work/out" 2>"$work/said" &
watch=$!
wait_for grep -q '^watching ' "$work/said"
"$churn" random 10 7 2 >"$work/opened"
wait $watch
is $? 0 "with the unit's user and capabilities it watches"
is "$(grep -c ' opened ' "$work/out")" 10 "and nothing is missing"
awk -v start="execve(\"$PORTSCRIBE\"" 'ours { print } index($0, start) { ours = 1 }' "$work/trace" |
	grep -o '^[a-z0-9_]*(' | tr -d '(' | sort -u >"$work/made"
is "$(grep -xc 'bpf\|capset\|ppoll' "$work/made")" 3 "its system calls can be told"
is "$(comm -23 "$work/made" "$work/allowed")" "" "each of them is one that the unit allows"
done_testing
