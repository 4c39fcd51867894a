#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# A story in two network namespaces, in some seconds: a server with three listeners and
# a firewall, a client that asks for things, and what the audit says of it. Stand-ins
# with the names of real programs listen; all else is real. Nothing of it stays.
# usage: make demo
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || {
	echo "make demo needs root: it makes network namespaces" >&2
	exit 1
}
enter_private_namespaces "$@"
# shellcheck disable=SC2034
plan_printed=yes # for lib.sh: this is no test and has no plan

traffic=$BUILD/tests/net/traffic
PATH=$(dirname "$PORTSCRIBE"):$PATH

tell() {
	printf '\n# %s\n' "$*"
}
run() { # COMMAND...: shown, then done
	printf '$ %s\n' "$*"
	"$@"
}
serve() { # NAME TRANSPORT PORT: a stand-in
	cp "$traffic" "$work/$1"
	in_netns server "$work/$1" listen "$2" "$3" <"$work/hold" 7>&- >"$work/ready" &
	wait_for grep -q ready "$work/ready"
}
ask() { # PORT TIMES: connections that are given up where nobody answers
	local i
	for ((i = 0; i < $2; i++)); do
		timeout 0.2 nsenter --net=/run/netns/client "$traffic" connect 10.1.0.2 "$1" 1 1 \
			>/dev/null 2>&1
	done
}

new_netns server client
veth server eth0 "10.1.0.2/24 fd00:1::2/64" client eth1 "10.1.0.1/24 fd00:1::1/64"
mkfifo "$work/hold"
exec 7<>"$work/hold"

tell "A server: three listeners ..."
serve sshd tcp 22
serve redis-server tcp 6379
serve nginx tcp 8080
run portscribe listeners -N server

tell "... a firewall ..."
cat >"$work/rules.nft" <<'NFT'
table inet filter {
	chain input {
		type filter hook input priority 0; policy drop;
		ct state established,related accept
		iif lo accept
		tcp dport 22 accept
		tcp dport 6379 accept
		tcp dport 8443 accept
		ip saddr 10.1.0.0/24 tcp dport 22 drop
	}
}
NFT
cat "$work/rules.nft"
in_netns server nft -f "$work/rules.nft"

tell "... and traffic: some for 22, some for 8080, which the firewall drops, and a scan."
run portscribe attach -N server
ask 22 2
ask 8080 4
for port in 23 3389 5900; do
	ask $port 1
done

tell "Who is let in where?"
run portscribe listeners -N server
run portscribe reach -N server 8080/tcp

tell "What should somebody look at?"
run portscribe audit -N server
echo "exit status $?"
run portscribe detach -N server
exec 7>&-
wait
