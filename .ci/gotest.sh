#!/bin/sh
# go test for CI. It prints a line for each package and the output of failures. A test that skips
# itself for a reason that set-up could remove has failed. Run it in the directory of a module:
#
#   gotest.sh all [FLAGS] PACKAGE...     runs all tests
#   gotest.sh pure [FLAGS] PACKAGE...    runs the tests that load no BPF, without privileges
#   gotest.sh loads [FLAGS] PACKAGE...   runs the tests that load BPF, one package at a time
#
# FLAGS are passed to go test. The file loads lists the tests that load BPF.
set -u
table=$(dirname "$0")/loads
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
unprivileged=

# deadline limits one go test, in seconds. A test that hangs in the kernel cannot be killed, and
# go test would wait for it forever.
deadline=1200

run() {
	timeout -k 10 $deadline "$@" >"$log" 2>&1
	status=$?
	if [ $status -ne 0 ]; then
		grep -vE '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$log"
		[ -z "$unprivileged" ] || ! grep -q 'operation not permitted' "$log" ||
			echo "gotest: these tests ran without the privilege to load BPF: list those that need it in .ci/loads"
	else
		grep -E '^ok ' "$log"
	fi
	if [ $status -ge 124 ]; then
		echo "gotest: timeout after $deadline s: $*"
		exit 1 # the next one would hang, too
	fi
	# Legal reasons for a skip: the kernel, a test for virtual machines, which have their own rule, and
	# the race detector.
	awk '
		/^=== (RUN|NAME|CONT) / { test = $3 }
		/\.go:[0-9]+: / { said = $0; sub(/^.*\.go:[0-9]+: /, "", said); reason[test] = said }
		/--- SKIP: / {
			name = $0; sub(/^.*--- SKIP: /, "", name); sub(/ .*$/, "", name)
			if (reason[name] !~ /^(not on this kernel:|for guests:|the race detector)/) { print "skipped: " name ": " reason[name]; bad = 1 }
		}
		END { exit bad }' "$log" || status=1
	[ $status -eq 0 ] || failed=1
}

which=$1
shift
flags=
while [ $# -gt 0 ]; do
	case $1 in
	-run | -skip) flags="$flags $1 $2" && shift ;; # their patterns have no spaces
	-*) flags="$flags $1" ;;
	*) break ;;
	esac
	shift
done
gotest="go test -count=1 -v$flags"

if [ "$which" = all ]; then
	run $gotest "$@"
	exit $failed
fi

if [ "$which" = pure ] && [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	unprivileged="setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-bpf,-sys_admin"
fi
module=$(go list -m)
rest=
for package in $(go list "$@"); do
	line=$(awk -v package="${package#"$module"/}" '$1 == package { print $2, $3 }' "$table")
	pattern=${line#not }
	pattern=${pattern% }
	case "$which $line" in
	"pure ") rest="$rest $package" ;;
	"loads ") ;;
	"pure . ") ;;
	"pure not "* | "loads "[!n]*) run $unprivileged $gotest -run "$pattern" "$package" ;;
	"pure "* | "loads not "*) run $unprivileged $gotest -skip "$pattern" "$package" ;;
	*) echo "gotest: unknown verb $which: want all, pure or loads" >&2 && exit 2 ;;
	esac
done
[ -z "$rest" ] || run $unprivileged $gotest $rest
exit $failed
