#!/bin/bash
# What the administrator knows better: files in /etc/portscribe/ports.d over what
# ships, spans of theirs counted from the next attach on, files that are wrong or
# not to be trusted left out with their name, line and column; a user's own files;
# what explain and search say with all that, and with nmap installed or not.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
. tests/net/counters.bash
require_command setpriv jq

# An /etc of this test's own.
cp -a /etc "$work/etc" && mount -t tmpfs -o mode=0755 tmpfs /etc && cp -a "$work/etc/." /etc ||
	bail_out "cannot make an /etc for the test"
rm -rf "$work/etc" /etc/portscribe
directory=/etc/portscribe/ports.d
mkdir -p -m 0755 $directory
new_netns a b
veth a a0 10.1.0.1/24 b b0 10.1.0.2/24

ps() { # ARGUMENT...: in b; sets out, said, code
	out=$(in_netns b "$PORTSCRIBE" "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}

row() { # COLUMN...
	local IFS=$'\t'
	echo "$*"
}

# ---- rows of ours ----

ps explain 9100
is "$code|$said" "0|" "no directory's files: nothing is said of them"
like "$out" '^9100 hp-pdl-datastr: in practice node_exporter' "what ships"
{
	echo "# What runs here."
	echo
	row 9100 tcp use label-printers "Label printers" "Zebras of the warehouse" zebrad internal
	row 8123 tcp,udp risk payroll "Payroll application" "Nobody but the office" payrolld never
	row 7700-7709 udp span media-relays "Media relays"
	printf '9100\ttcp\tuse\tnode-exporter\tOur node_exporter' # an editor left the newline out
} >$directory/site.conf
ps explain 9100
is "$code|$said" "0|" "a file of ours"
like "$out" '^9100 hp-pdl-datastr: in practice Label printers or' "its row comes first"
like "$out" 'Zebras of the warehouse.*/site.conf:3; high' "with file and line as the source"
like "$out" 'Our node_exporter' "a row of the same name and ports replaces the shipped one"
[[ $out != *"Host metrics"* ]]
is $? 0 "of which nothing is left"
ps explain payroll
like "$out" '^8123 unassigned: in practice Payroll application' "a name of ours is found"
ps explain udp/7705
like "$out" 'Media relays 7700-7709/udp' "a span of ours"
unfold() { # a paragraph's lines become one
	sed -z 's/\n    / /g' <<<"$1"
}
like "$(unfold "$out")" 'in 7700-7709/udp media-relays \(Media relays\) \[[^]]*/site.conf:5; high\]' \
	"with file and line as the source, too"
ps explain media-relays
like "$(unfold "$out")" 'span 7700-7709/udp media-relays \(Media relays\) \[[^]]*/site.conf:5; high\]' \
	"and where it is asked for by name"
ps explain ephemeral
like "$out" "^[0-9]+-[0-9]+/tcp,udp ephemeral: this host's ephemeral ports; nobody listens here"$'\n' \
	"what is said of a range fits into a line"
ps search payrolld
like "$code $out" '^0 .*8123/tcp,udp  payroll  risk' "search finds a program of ours"
for words in "" "  " "x" "label x" " x "; do
	ps search "$words"
	is "$code|$out" "2|" "search for '$words' is refused"
	like "$said" '^portscribe search: .*see: portscribe search --help' "with a sentence: '$words'"
done
ps search "  label   printers "
like "$code $out" '^0 .*9100/tcp +label-printers' "blanks around and between words"
ps search -j media relays
is "$(jq -c '[.matches[0] | .name, .text]' <<<"$out")" '["media-relays","Media relays"]' \
	"in JSON the label stands for a missing sentence, as in the table"
ps explain -j 9100
is "$(jq -c '[.practice[] | [.name, .local]] | .[0:2]' <<<"$out")" \
	'[["label-printers",true],["node-exporter",true]]' "JSON tells local rows"
echo 'table ip t { chain c { tcp dport 8123 accept
} }' >"$work/rule.nft"
ps annotate "$work/rule.nft"
like "$out" 'comment "\[ps\] 8123 \(in practice Payroll application\)"' "comments use them"

# ---- spans are counted from the next attach on ----

ps attach -i b0
is "$code" 0 "attach"
in_netns a bash -c 'for port in 7699 7700 7705 7709 7710; do echo x >/dev/udp/10.1.0.2/$port; done'
ps show media-relays
like "$out" 'media-relays  7700-7709/udp   3 ' "three of five packets are in the span"
{
	row 7700-7705 udp span media-relays "Media relays"
	row 7709-7710 udp span late "Added later"
} >$directory/zz-later.conf
ps show media-relays
like "$out" 'media-relays  7700-7709/udp   3 ' "what is counted changes with attach only"
ps attach -i b0
like "$out" 'spans have changed' "attach again"
ps show media-relays
like "$out" 'media-relays  7700-7705/udp   2 ' "a later file's span replaces the earlier one's"
ps show late
like "$out" 'late  7709-7710/udp   2 ' "a new span starts from what its ports have counted"
rm $directory/zz-later.conf

# ---- more spans than the kernel's half can tell apart ----

for i in {1..600}; do
	row $((i * 100))-$((i * 100 + 9)) tcp span "lots-$i" "Lots $i"
done >$directory/zz-lots.conf
ps attach -i b0
is "$code" 3 "attach with 600 spans of ours"
like "$said" "^portscribe attach: too many spans: .*; leave out some of those in $directory\$" \
	"says what to do"
ps show media-relays
like "$code $out" '^0 .*media-relays  7700-7705/udp   2 ' "and counting goes on as it was"
ps explain lots-600
like "$code $out" '^0 60000-60009/tcp lots-600: Lots 600' "explain knows them"
rm $directory/zz-lots.conf

# ---- wrong files ----

bad() { # NAME REGEX: explain goes on without the file, says why, exits 4
	ps explain 8123
	is "$code" 4 "$1: exit status"
	like "$said" "^portscribe explain: $2" "$1: why"
	like "$out" '^8123 unassigned: in practice Home Assistant' "$1: the answer without the file"
}
{
	printf '\357\273\277# made elsewhere\r\n\r\n'
	printf '8123\ttcp\tuse\tpayroll\tPayroll at %s\r\n' night
} >$directory/windows.conf
ps explain 8123/tcp
is "$code|$said" "0|" "a byte order mark, and carriage returns at the ends of lines"
like "$out" 'Payroll at night' "are no part of what is said"
printf '\357\273\277x\r\n' >$directory/windows.conf
ps explain 8123/tcp
like "$said" "windows.conf:1:6: columns are missing" "nor do they shift columns in messages"
rm $directory/windows.conf
mv $directory/site.conf $directory/good.conf.off
printf '# head\n8123\ttcp\tfoe\tpayroll\tPayroll\n' >$directory/site.conf
bad "an unknown kind" "$directory/site.conf:2:10: the kind is one of use, .*; the file is left out"
printf '8123 tcp use payroll Payroll\n' >$directory/site.conf
bad "blanks for tabs" "$directory/site.conf:1:29: columns are missing \(tabs separate them\)"
printf '8123\ttcp\tuse\tpayroll\tPay\033[2Jroll\n' >$directory/site.conf
bad "an escape" "$directory/site.conf:1:25: a control character"
printf '8123\ttcp\tuse\tpayroll\tPayroll\n70000\ttcp\tuse\tx\tX\n' >$directory/site.conf
bad "a port that is none" "$directory/site.conf:2:5: neither a port"
head -c 1048577 /dev/zero | tr '\0' '#' >$directory/site.conf
bad "a file that is too large" "'$directory/site.conf' is larger than 1 MiB; the file is left out$"
printf '8123\ttcp\tuse\tpayroll\tPayroll\n' >$directory/site.conf
chmod 0666 $directory/site.conf
bad "others may write the file" ".*site.conf.*chmod go-w '$directory/site.conf'; the file is left out$"
chmod 0644 $directory/site.conf
chown 12345 $directory/site.conf
bad "somebody else's file" ".*site.conf.*"
chown 0 $directory/site.conf
chmod 0777 $directory
bad "others may write the directory" ".*ports.d.*"
chmod 0755 $directory
mv $directory/site.conf "$work/elsewhere.conf"
ln -s "$work/elsewhere.conf" $directory/site.conf
bad "a symbolic link" ".*site.conf.*"
rm $directory/site.conf
mkfifo $directory/site.conf
bad "a pipe" ".*site.conf.*"
rm $directory/site.conf
mkdir $directory/site.conf
bad "a directory" ".*site.conf.*"
rmdir $directory/site.conf

# One bad file takes no good one with it.
printf 'x\n' >$directory/bad.conf
mv $directory/good.conf.off $directory/good.conf
ps explain payroll
is "$code" 4 "a good file beside a bad one: exit status"
like "$out" '^8123 unassigned: in practice Payroll' "and the good one's rows"
for command in "explain 22" "search ssh" "annotate $work/rule.nft" "show 22" "status" "attach -i b0"; do
	# shellcheck disable=SC2086 # words
	ps $command
	is "$code" 4 "exit status of: $command"
	like "$said" "bad.conf:1:2: columns are missing" "and the sentence: $command"
done
like "$out" 'counting on' "attach counts nevertheless"
rm $directory/bad.conf
: >$directory/empty.conf
printf 'not a table\n' >$directory/README
printf 'not a table\n' >$directory/.hidden.conf
ps explain 22
is "$code|$said" "0|" "an empty file is fine; what is not NAME.conf is not read"

# ---- a user's own ----

as_user() { # ARGUMENT...
	out=$(in_netns b setpriv --reuid 12345 --regid 12345 --clear-groups \
		env -u XDG_CONFIG_HOME HOME="$home" "$PORTSCRIBE" "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
home=$work/home
mkdir -p "$home/.config/portscribe/ports.d"
row 8123 tcp,udp use mine "My own thing" >"$home/.config/portscribe/ports.d/mine.conf"
chown -R 12345:12345 "$home"
chmod 0755 "$work"
as_user explain 8123
is "$code" 0 "a user's own directory"
like "$out" 'or My own thing|My own thing or' "beside the administrator's"
ps explain 8123
[[ $out != *"My own"* ]]
is $? 0 "which root does not read, whatever HOME says"
chmod 0666 "$home/.config/portscribe/ports.d/mine.conf"
as_user explain 8123
is "$code" 4 "a user's file that others may write is left out"

# ---- what else explain reads ----

ps explain 22
if [ -e /usr/share/nmap/nmap-services ]; then
	like "$out" "nmap's survey found 22/tcp open on" "nmap's frequencies, where it is installed"
else
	[[ $out != *"nmap's survey"* ]]
	is $? 0 "nothing of nmap, where it is not installed"
fi
# Where it is not installed, in the second place that is looked at.
nmap=/usr/share/nmap
if [ ! -d $nmap ]; then
	nmap=/usr/local/share/nmap
	mount -t tmpfs tmpfs /usr/local/share && mkdir $nmap
fi
mkdir -p "$work/nmap"
printf '# nmap\nssh\t22/tcp\t0.182286\t# Secure Shell\nx\t23/tcp\t0.000000\ny\t24/tcp\t9.9\n' \
	>"$work/nmap/nmap-services"
mount --bind "$work/nmap" $nmap || bail_out "cannot put nmap-services in place"
ps explain tcp/22
like "$out" "nmap's survey found 22/tcp open on 18 % of hosts" "the share of hosts"
ps explain -v tcp/23
like "$out" "nmap's survey did not find 23/tcp open" "a share of none, with -v"
ps explain -j tcp/22
is "$(jq .open_share.tcp <<<"$out")" 0.182286 "JSON has it"
ps explain -v tcp/24
[[ $out != *"survey"* ]]
is $? 0 "nonsense in it is not shown"
chmod 0666 "$work/nmap/nmap-services"
ps explain tcp/22
[[ $out != *"survey"* ]]
is $? 0 "nor a file that anybody may write"
umount $nmap

# ---- without memory ----

whole=yes
for limit in 12000 16000 20000 24000 28000 32000 40000 48000; do # KiB
	out=$(ulimit -v $limit && exec "$PORTSCRIBE" explain -j 0-65535 2>/dev/null)
	code=$?
	if [ $code = 0 ]; then
		[ "$(jq -r .verdict <<<"$out" | wc -w)" -gt 3 ] ||
			whole="exit status 0 with $limit KiB: '${out:0:40}'"
	elif [ -n "$out" ]; then
		whole="exit status $code with $limit KiB: '${out:0:40}'"
	fi
done
is "$whole" yes "an answer for which there is no memory is an error, and no part of an answer"

# ---- the counters' part ----

ps explain 7705
like "$out" 'udp since 20..-.*: 1 packet in, 0 out' "counters of the port"
ps explain -j 7705
is "$(jq -c '[.counters.udp.in, .schema, .listening]' <<<"$out")" \
	'[1,"portscribe.explain.v1",[]]' "and in JSON"
ps detach
ps explain 7705
like "$out" 'counters left out: nothing is counted here' "none after detach"
done_testing
