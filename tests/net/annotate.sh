#!/bin/bash
# Annotating a ruleset changes nothing but comments: each file that nft loads is
# annotated, loaded again and listed; the two listings must differ in our
# comments only. All of it happens in throwaway network namespaces.
# usage: tests/net/annotate.sh   (PORTSCRIBE=build/portscribe, CORPUS=../shared/corpus/nft)
set -u
cd "$(dirname "$0")/../.." || exit 1
portscribe=${PORTSCRIBE:-build/portscribe}
corpus=${CORPUS:-../shared/corpus/nft}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

# As root a network namespace is enough; else one of ours in a user namespace.
enter="unshare -n"
[ "$(id -u)" = 0 ] || enter="unshare -Urn"
command -v nft >/dev/null || skip_all "nft is not installed"
[ -x "$portscribe" ] || skip_all "$portscribe is not built"
$enter nft list ruleset >/dev/null 2>&1 || skip_all "no network namespace with nftables here"

# The devices that a file names: rules with iif and oif, flowtables and netdev
# chains load only where they exist.
devices() {
	tr '\n' ' ' <"$1" |
		grep -aoE '\b(iif|oif|device|devices)\b *=? *(!= *)?(\{[^}]*\}|"[^"]*"|[A-Za-z0-9_.-]+)' |
		sed -E 's/^(iif|oif|devices?)\b//' | tr -c 'A-Za-z0-9_.\n-' ' ' |
		tr ' ' '\n' | grep -E '^[A-Za-z][A-Za-z0-9_.-]{0,14}$' | grep -vx lo | sort -u
}

# Load $1 where nothing else is and list it; devices are those of the file $2.
listing() {
	devices "$2" >"$work/devices"
	$enter bash -c '
		while read -r device; do
			ip link add "$device" type dummy 2>/dev/null
		done <"$2"
		nft -f "$1" && nft -s list ruleset' listing "$1" "$work/devices"
}

# No quoted text can hold a quote: nothing else matches. nft breaks the lines of a
# set elsewhere where its elements have comments.
without_ours() {
	sed -E 's/ comment "\[ps\] [^"]*"//g' "$1" | tr -s '[:space:]' '\n'
}

ours() { # how many
	grep -aoF '"[ps] ' "$1" | wc -l
}

number=0 failed=0
result() { # ok|not ok, name
	number=$((number + 1))
	[ "$1" = ok ] || failed=$((failed + 1))
	echo "$1 $number - $2"
}

skip() { # reason
	number=$((number + 1))
	echo "ok $number # SKIP $1"
}

# Load, annotate, load again, compare; then once more from the annotated text.
compared=0
check() {
	local file=$1 name=$2

	# Another nft or another kernel may lack what the file wants.
	if ! listing "$file" "$file" >"$work/before" 2>"$work/errors"; then
		skip "$name does not load here: $(grep -a Error "$work/errors" | head -1)"
		return
	fi
	compared=$((compared + 1))
	if ! "$portscribe" annotate "$file" >"$work/annotated" 2>"$work/skips" ||
		grep -q 'not proved' "$work/skips"; then
		result "not ok" "$name: is annotated, and proved"
		sed 's/^/# /' "$work/skips" | head -5
		return
	fi
	if ! listing "$work/annotated" "$file" >"$work/after" 2>"$work/errors"; then
		result "not ok" "$name: loads with comments"
		sed 's/^/# /' "$work/errors" | head -5
		return
	fi
	without_ours "$work/before" >"$work/before.plain"
	without_ours "$work/after" >"$work/after.plain"
	if ! diff "$work/before.plain" "$work/after.plain" >"$work/errors"; then
		result "not ok" "$name: lists the same but for comments"
		sed 's/^/# /' "$work/errors" | head -10
		return
	fi
	# A comment that nft dropped, or put elsewhere, would be missing in the listing.
	if [ "$(ours "$work/annotated")" != "$(ours "$work/after")" ]; then
		result "not ok" "$name: every comment is listed"
		return
	fi
	if ! "$portscribe" annotate "$work/annotated" 2>/dev/null |
		cmp -s - "$work/annotated"; then
		result "not ok" "$name: annotating again changes nothing"
		return
	fi
	# What a file of ours brings with it goes, too.
	if [ "$(ours "$file")" = 0 ]; then
		cp "$file" "$work/bare"
	else
		"$portscribe" annotate --strip "$file" >"$work/bare" 2>/dev/null
	fi
	if ! "$portscribe" annotate --strip "$work/annotated" 2>/dev/null | cmp -s - "$work/bare"; then
		result "not ok" "$name: --strip brings back every byte"
		return
	fi
	if ! "$portscribe" annotate --style hash "$file" >"$work/hashed" 2>"$work/skips" ||
		! "$portscribe" annotate --strip "$work/hashed" 2>/dev/null | cmp -s - "$work/bare" ||
		! listing "$work/hashed" "$file" 2>&1 | without_ours - | cmp -s - "$work/before.plain"; then
		result "not ok" "$name: # lines load, change nothing, and go again"
		sed 's/^/# /' "$work/skips" | head -5
		return
	fi
	result ok "$name: loads, lists the same but for comments, $(ours "$work/annotated") written"
}

# Skipping all would prove nothing.
enough() { # how many must have been compared, name
	if [ "$compared" -ge "$1" ]; then
		result ok "$2: $compared compared"
	else
		result "not ok" "$2: only $compared compared"
	fi
	compared=0
}

for file in tests/data/nft/*.nft; do
	check "$file" "${file##*/}"
done
enough 5 "rulesets of our own"

if [ -r "$corpus/INDEX.tsv" ]; then
	while read -r file; do
		check "$corpus/$file" "$file"
	done < <(awk -F'\t' '$3 == "yes" { print $1 }' "$corpus/INDEX.tsv")
	enough 100 "rulesets of the corpus"
else
	skip "$corpus is not there"
fi
echo "1..$number"
[ "$failed" = 0 ]
