#!/bin/sh
# go test, for CI: a line for each package, and all that failed. A test that skips itself for a reason that the
# set-up could remove has failed too: gotest.sh [arguments of go test]
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
go test -count=1 -v "$@" >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
	grep -vE '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$log"
else
	grep -E '^ok ' "$log"
fi
# What is legal: kernels differ, some tests are for virtual machines, which have their own rule, and some are not for the race detector.
awk '
	/^=== (RUN|NAME|CONT) / { test = $3 }
	/\.go:[0-9]+: / { said = $0; sub(/^.*\.go:[0-9]+: /, "", said); reason[test] = said }
	/--- SKIP: / {
		name = $0; sub(/^.*--- SKIP: /, "", name); sub(/ .*$/, "", name)
		if (reason[name] !~ /^(not on this kernel:|for guests:|the race detector)/) { print "skipped: " name ": " reason[name]; bad = 1 }
	}
	END { exit bad }' "$log" || status=1
exit $status
