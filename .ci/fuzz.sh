#!/bin/sh
# Runs every fuzz test of the module, each for a duration or a number of executions:
#
#   fuzz.sh 10s
#   fuzz.sh 100000x
set -eu
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Up to Go 1.26 the fuzzer may report the end of its time as a failure (go.dev/issue/75804), with
# only this message.
ended() {
	[ "$(sed -n '/^--- FAIL: /,/^FAIL$/p' "$log" | sed 1d)" = "    context deadline exceeded
FAIL" ]
}

git ls-files '*_test.go' | xargs grep -H '^func Fuzz' | sed -n 's/^\(.*\)\/[^/]*:func \(Fuzz[A-Za-z0-9_]*\)(.*/\1 \2/p' |
	while read -r package test; do
		# Two workers: with more, memory limits of tests fail on small machines. By default, inputs
		# that reach new code are minimized for a minute, which would be the whole run.
		status=0
		go test -run '^$' -fuzz "^$test\$" -fuzztime "$1" -fuzzminimizetime 10x -parallel 2 "./$package" >"$log" 2>&1 || status=$?
		cat "$log"
		[ $status -eq 0 ] || ended || exit 1
	done
