#!/bin/bash
# shellcheck disable=SC2154 # work is of lib.sh
# `portscribe annotate --in-place`: what of a file stays, what is refused, what
# another writer changes meanwhile, and what is there after a kill at every system
# call and after errors of the disk.
. "$(dirname "$0")/../lib.sh"
require_root
enter_private_namespaces "$@"
require_portscribe
require_command strace setfattr getfattr nft

folder=$work/etc
rules=$folder/rules.nft
mkdir "$folder" && mount -t tmpfs -o mode=0755 tmpfs "$folder" || bail_out "cannot mount a tmpfs"

plain='table inet t {
	set s { type inet_service; elements = { 22 }; }
	chain c {
		tcp dport 22 accept comment "[ps] ask Bob"
		udp dport { 53, 9100 } accept
	}
}'
annotated='table inet t {
	set s { type inet_service; elements = { 22 comment "[ps] 22 ssh: The Secure Shell (SSH) Protocol" }; }
	chain c {
		tcp dport 22 accept comment "[ps] ask Bob"
		udp dport { 53, 9100 } accept comment "[ps] 53 domain (DNS); 9100 hp-pdl-datastr"
	}
}'
fresh() {
	rm -rf "${folder:?}"/* "${folder:?}"/.[!.]*
	echo "$plain" >"$rules"
}
run() { # ARGUMENT...: portscribe annotate; sets out, said, code
	out=$("$PORTSCRIBE" annotate "$@" 2>"$work/said")
	code=$?
	said=$(cat "$work/said")
}
files() { # all names in the folder
	ls -A "$folder" | paste -sd ' '
}

# ---- what stays ----

fresh
chmod 0755 "$rules" && chown 12:34 "$rules" && setfattr -n user.origin -v puppet "$rules" &&
	setfattr -n trusted.label -v 7 "$rules" || bail_out "cannot set up the file"
run --in-place "$rules"
is "$code|$out|$said" "0||$rules:4:3: left alone: it has a comment already" "writes in place"
is "$(cat "$rules")" "$annotated" "and annotates"
is "$(stat -c '%a %u:%g' "$rules")" "755 12:34" "mode and owner stay"
is "$(getfattr -d -m- --absolute-names "$rules" | grep '=' | sort | paste -sd ' ')" \
	'trusted.label="7" user.origin="puppet"' "attributes stay"
is "$(files)" rules.nft "no other file is left"
inode=$(stat -c %i "$rules")
run --in-place "$rules"
is "$code|$(stat -c %i "$rules")" "0|$inode" "where nothing changes, nothing is written"
run --in-place --strip "$rules"
is "$code|$(cat "$rules")" "0|$plain" "--strip: byte for byte what it was"
is "$(stat -c '%a %u:%g' "$rules")" "755 12:34" "and mode and owner stay again"

fresh
mkdir "$folder/d" && mv "$rules" "$folder/d/real.nft" && ln -s d/link.nft "$rules" &&
	ln -s real.nft "$folder/d/link.nft"
run --in-place "$rules"
is "$code|$(readlink "$rules")|$(readlink "$folder/d/link.nft")|$(cat "$folder/d/real.nft")" \
	"0|d/link.nft|real.nft|$annotated" "symbolic links stay, the file behind them changes"
fresh
(cd "$folder" && "$PORTSCRIBE" annotate --in-place rules.nft 2>/dev/null)
is "$?|$(cat "$rules")" "0|$annotated" "a name without a folder"

fresh
run --in-place=.orig "$rules"
is "$code|$(cat "$rules.orig")|$(cat "$rules")|$(files)" \
	"0|$plain|$annotated|rules.nft rules.nft.orig" "--in-place=SUFFIX keeps the old text"
run --in-place=.orig --strip "$rules"
like "$code|$said" "^3\|.*'rules.nft.orig' beside '$rules' is there already" \
	"and never writes over an older one"
is "$(cat "$rules.orig")|$(cat "$rules")|$(files)" "$plain|$annotated|rules.nft rules.nft.orig" \
	"then nothing changes"

fresh
echo 'table ip broken {' >"$folder/broken.nft"
cp "$rules" "$folder/other.nft"
run --in-place "$rules" "$folder/broken.nft" "$folder/missing.nft" "$folder/other.nft"
is "$code|$(cat "$rules")|$(cat "$folder/other.nft")|$(cat "$folder/broken.nft")" \
	"3|$annotated|$annotated|table ip broken {" "several files: those that can be, whatever the others"
like "$said" "broken.nft: line 1, column 17: a brace is never closed; it is left as it was" \
	"and says what is wrong with one"
like "$said" "cannot read '$folder/missing.nft': No such file or directory" "and with another"

# ---- the proof ----

fresh
# Two elements that nft folds into one: it then keeps one comment, and no more.
run --in-place "$rules"
like "$code|$said" "^0\|" "a proof that holds is not told"
printf 'include "./nowhere.nft"\nadd rule inet t c tcp dport 22\n' >"$folder/loose.nft"
run --in-place "$folder/loose.nft"
like "$code|$said" "^0\|.*loose.nft: not proved by loading it: nft does not load it by itself \(/dev/stdin:1:.*nowhere" \
	"what nft does not load is not proved, and that is said"
is "$(tail -1 "$folder/loose.nft")" \
	'add rule inet t c tcp dport 22 comment "[ps] 22 ssh: The Secure Shell (SSH) Protocol"' \
	"but written"
fresh
run --no-proof --in-place "$rules"
is "$code|$said|$(cat "$rules")" "0|$rules:4:3: left alone: it has a comment already|$annotated" \
	"--no-proof"
fresh
mount --bind /dev/null "$(command -v nft)" || bail_out "cannot hide nft"
run --in-place "$rules"
umount "$(command -v nft)"
like "$code|$said" "^0\|.*not proved by loading it: nft is not installed" "without nft"
is "$(cat "$rules")" "$annotated" "the file is written"

# ---- what is refused ----

refuses() { # REGEX NAME ARGUMENT...
	local regex=$1 name=$2 before
	shift 2
	before=$(find "$folder" -xdev -mindepth 1 -printf '%P %i %T@ %s\n' | sort)
	run "$@"
	like "$code|$said" "^3\|(.*left alone.*)?portscribe annotate: $regex" "$name"
	is "$(find "$folder" -xdev -mindepth 1 -printf '%P %i %T@ %s\n' | sort)" "$before" "$name: all is as it was"
}
fresh
ln "$rules" "$folder/second"
refuses "'$rules' has 2 names \(hard links\), of which only one would change" "hard links" \
	--in-place "$rules"
refuses "'$folder' is no regular file" "a directory" --in-place "$folder"
mkfifo "$folder/pipe"
refuses "'$folder/pipe' is no regular file" "a pipe" --in-place "$folder/pipe"
refuses "cannot read '-': No such file or directory" "standard input" --in-place -
fresh
cp "$rules" "$work/mounted" && mount --bind "$work/mounted" "$rules" || bail_out "cannot bind"
refuses "'$rules' is a mount point of its own" "a mount point" --in-place "$rules"
umount "$rules"
printf 'table t {\r\n}\r\n' >"$rules"
refuses "$rules: line 1, column 10: a carriage return, which nft does not accept; it is left as it was" \
	"CRLF" --in-place "$rules"
printf '\xef\xbb\xbftable t {\n}\n' >"$rules"
refuses "$rules: line 1, column 1: a byte order mark" "a byte order mark" --in-place "$rules"
fresh
chattr +i "$rules" 2>/dev/null && {
	refuses "cannot replace '$rules': Operation not permitted; it is as it was" "an immutable file" \
		--in-place "$rules"
	chattr -i "$rules"
}
for words in "--in-place --diff $rules" "--in-place --check $rules" "--in-place --json $rules" \
	"--in-place= $rules" "--in-place=/x $rules" "$rules $rules" "--strip --style hash $rules" \
	"--strip --traffic $rules" "--style other $rules" "-N x $rules" "" "--diff"; do
	# shellcheck disable=SC2086 # words
	run $words
	is "$code|$out" "2|" "a wrong command line: $words"
done

# ---- somebody else writes, too ----

traced() { # STRACE-OPTION... -- ARGUMENT...
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	{ ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$work/trace" "${options[@]}" \
		"$PORTSCRIBE" annotate --no-proof "$@" >"$work/out" 2>"$work/said"; } 2>/dev/null
}
# Theirs comes while ours waits before the first rename.
meanwhile() { # NAME COMMAND...
	local name=$1
	shift
	fresh
	traced -e trace=renameat2 -e inject=renameat2:delay_enter=400000:when=1 -- --in-place "$rules" &
	until [ -e "$folder/.rules.nft.portscribe-new" ]; do sleep 0.01; done
	sleep 0.1
	"$@"
	theirs=$(stat -c '%i %Y' "$rules")
	wait $!
	is $? 3 "$name: refused"
	like "$(cat "$work/said")" "'$rules' was changed by somebody else meanwhile; their change is kept" \
		"$name: says why"
	is "$(cat "$rules")|$(stat -c '%i %Y' "$rules")" "theirs|$theirs" "$name: theirs stays"
	is "$(files)" rules.nft "$name: no other file is left"
}
theirs_over() {
	echo theirs >"$folder/theirs" && mv "$folder/theirs" "$rules"
}
theirs_into() {
	echo theirs >"$rules"
}
meanwhile "a file renamed over it" theirs_over
meanwhile "a file written into" theirs_into
# Two of us at once: one after the other.
fresh
"$PORTSCRIBE" annotate --in-place "$rules" 2>/dev/null &
first=$!
"$PORTSCRIBE" annotate --in-place "$rules" 2>/dev/null
is "$?" 0 "two at once: both go well"
wait $first
is "$?|$(cat "$rules")|$(files)" "0|$annotated|rules.nft" "two at once: annotated once"
# What a killed run may have left: ours is removed, somebody else's is not.
fresh
echo "half a" >"$folder/.rules.nft.portscribe-new"
echo "$annotated" >"$folder/.rules.nft.portscribe-swap"
run --in-place "$rules"
is "$code|$(files)|$(cat "$rules")" "0|rules.nft|$annotated" "what a killed run left is removed"
fresh
echo theirs >"$folder/.rules.nft.portscribe-swap"
run --in-place "$rules"
like "$code|$said" "^3\|portscribe annotate: '.rules.nft.portscribe-swap' beside '$rules' holds what somebody" \
	"but not what somebody else wrote"
is "$(cat "$folder/.rules.nft.portscribe-swap")|$(cat "$rules")" "theirs|$plain" "both are as they were"

# ---- kills ----

# Every system call from the lock on, as SUFFIX NAME NUMBER-OF-ITS-KIND.
for suffix in - =.old; do
	fresh
	traced -- "--in-place${suffix#-}" "$rules" || bail_out "cannot trace: $(cat "$work/said")"
	awk -v suffix="$suffix" 'match($0, /^[a-z0-9_]+\(/) {
		name = substr($0, 1, RLENGTH - 1); kind[name]++
		if (name == "flock") locked = 1
		if (locked && name != "exit_group") print suffix, name, kind[name] }' "$work/trace"
done >"$work/calls"
[ "$(grep -c ' renameat2 ' "$work/calls")" = 5 ] || bail_out "the traces lack what they should have"
kills=0 torn=0 olds=0 orphans=0 wrong=0
while read -r suffix name number; do
	fresh
	traced -e trace="$name" -e inject="$name:signal=KILL:when=$number" -- \
		"--in-place${suffix#-}" "$rules"
	status=$?
	[ $status = 137 ] || {
		wrong=$((wrong + 1))
		diag "$name $number: exit status $status"
	}
	kills=$((kills + 1))
	case $(cat "$rules") in
	"$plain") olds=$((olds + 1)) ;;
	"$annotated") ;;
	*) torn=$((torn + 1)) && diag "$name $number: the file is torn" ;;
	esac
	run --in-place "$rules"
	[ "$code" = 0 ] && [ "$(cat "$rules")" = "$annotated" ] || wrong=$((wrong + 1))
	case $(files) in
	rules.nft) ;;
	"rules.nft rules.nft.old")
		[ "$(cat "$rules.old")" = "$plain" ] || torn=$((torn + 1)) ;;
	*) orphans=$((orphans + 1)) && diag "$name $number: $(files)" ;;
	esac
done <"$work/calls"
diag "$kills kills, after $olds of them the old file"
is $((kills >= 40)) 1 "kills at every system call from the lock on"
is $wrong 0 "each of them killed, and each next run went well"
is $torn 0 "a kill leaves the old file or the new one"
is $((olds > 0 && olds < kills)) 1 "the old one first, then the new one"
is $orphans 0 "the next run leaves no other file"

# ---- errors of the disk ----

unlucky() { # CALL NUMBER ERROR REGEX [ARGUMENT]...
	local call=$1 number=$2 error=$3 regex=$4
	shift 4
	fresh
	setfattr -n user.origin -v puppet "$rules"
	traced -e trace="$call" -e inject="$call:error=$error:when=$number" -- --in-place "$@" "$rules"
	is "$?" 3 "$error at $call $number: refused"
	like "$(cat "$work/said")" "portscribe annotate: $regex" "$error at $call $number: says why"
	is "$(cat "$rules")|$(files)" "$plain|rules.nft" "$error at $call $number: all is as it was"
}
fresh
setfattr -n user.origin -v puppet "$rules"
traced -- --in-place "$rules" || bail_out "cannot trace"
last() { # CALL: the number of the last one
	grep -c "^$1(" "$work/trace"
}
write=$(last write) fsync=$(last fsync) openat=$(grep '^openat(' "$work/trace" | grep -n portscribe-new | cut -d: -f1)
unlucky write "$write" ENOSPC "cannot write beside '$rules': No space left on device; it is as it was"
unlucky write "$write" EIO "cannot write beside '$rules': Input/output error; it is as it was"
unlucky openat "$openat" EROFS "cannot write beside '$rules': Read-only file system; it is as it was"
unlucky openat "$openat" ENOSPC "cannot write beside '$rules': No space left on device; it is as it was"
unlucky fchown 1 EPERM "cannot keep the owner of '$rules' \(0:0\): Operation not permitted"
unlucky fsetxattr 1 ENOSPC "cannot keep the attribute user.origin of '$rules': No space left on device"
unlucky fchmod 1 EPERM "cannot keep the mode of '$rules': Operation not permitted"
unlucky fsync "$((fsync - 1))" EIO "cannot write beside '$rules': Input/output error; it is as it was"
unlucky renameat2 1 EIO "cannot replace '$rules': Input/output error; it is as it was"
unlucky renameat2 2 EXDEV "cannot replace '$rules': Invalid cross-device link; it is as it was"
unlucky renameat2 2 EINVAL "the filesystem of '$rules' cannot exchange two files in one step"
unlucky flock 1 ENOLCK "cannot lock '$rules': No locks available"
unlucky renameat2 3 EIO "cannot keep the old '$rules' as 'rules.nft.old': Input/output error; it is as it was" \
	--in-place=.old
fresh
traced -e trace=fsync -e inject=fsync:error=EIO:when="$fsync" -- --in-place "$rules"
like "$?|$(cat "$work/said")|$(cat "$rules")" \
	"^3\|.*'$rules' is replaced, but may be lost in a power failure: Input/output error\|table inet t" \
	"EIO at the last fsync: says that it is replaced"
is "$(cat "$rules")" "$annotated" "EIO at the last fsync: and it is"
# Without injection, too: a disk that is full.
umount "$folder"
mount -t tmpfs -o size=8k,mode=0755 tmpfs "$folder"
echo "$plain" >"$rules"
head -c 4096 /dev/zero >"$folder/zero"
refuses "cannot write beside '$rules': No space left on device; it is as it was" "a full disk" \
	--in-place "$rules"
umount "$folder"

done_testing
