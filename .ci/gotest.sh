#!/bin/sh
# go test, for CI: a line for each package, and all that failed. A test that skips itself for a reason that the
# set-up could remove has failed too. In the folder of a module, of the tests in the packages given,
#
#   gotest.sh all [arguments of go test] PACKAGE...     runs all
#   gotest.sh pure [arguments of go test] PACKAGE...    runs those that load no BPF, without the privilege to
#   gotest.sh loads [arguments of go test] PACKAGE...   runs those that load BPF, one package at a time
#
# Which these are says the file loads beside this script.
set -u
table=$(dirname "$0")/loads
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0
unprivileged=

# deadline is for one go test. A test that hangs in the kernel cannot be killed, and go test would wait for it for ever.
deadline=1200

run() {
	timeout -k 10 $deadline "$@" >"$log" 2>&1
	status=$?
	if [ $status -ne 0 ]; then
		grep -vE '^ *(=== (RUN|PAUSE|CONT|NAME)|--- PASS)' "$log"
		[ -z "$unprivileged" ] || ! grep -q 'operation not permitted' "$log" ||
			echo "gotest: these tests ran without the privilege to load BPF: one that loads has to be in .ci/loads"
	else
		grep -E '^ok ' "$log"
	fi
	if [ $status -ge 124 ]; then
		echo "gotest: not done after $deadline s: $*"
		exit 1 # what comes after it would fare alike
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
	*) echo "gotest: all, pure or loads, not $which" >&2 && exit 2 ;;
	esac
done
[ -z "$rest" ] || run $unprivileged $gotest $rest
exit $failed
