#!/bin/sh
# Runs every fuzz test of the module for a time or a number of executions each: fuzz.sh 10s, fuzz.sh 100000x
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Up to Go 1.26 the fuzzer may take the end of its time for a failure (go.dev/issue/75804): it then says this, and nothing else.
ended() {
	[ "$(sed -n '/^--- FAIL: /,/^FAIL$/p' "$log" | sed 1d)" = "    context deadline exceeded
FAIL" ]
}

git ls-files '*_test.go' | xargs grep -H '^func Fuzz' | sed -n 's/^\(.*\)\/[^/]*:func \(Fuzz[A-Za-z0-9_]*\)(.*/\1 \2/p' |
	while read -r package test; do
		# Two workers, or a reader's allocations are counted on a machine that has no memory left.
		# An input that reaches something new is made smaller for a minute, unless told otherwise: that would be the whole run.
		status=0
		go test -run '^$' -fuzz "^$test\$" -fuzztime "$1" -fuzzminimizetime 10x -parallel 2 "./$package" >"$log" 2>&1 || status=$?
		cat "$log"
		[ $status -eq 0 ] || ended || exit 1
	done
