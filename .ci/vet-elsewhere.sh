#!/bin/sh
# Runs go vet for systems without BPF on the packages that must build there: the generator, and what
# programs import. An overlay hides the tests, which use Linux.
set -eu
cd "$(dirname "$0")/.."
overlay=$(mktemp)
trap 'rm -f "$overlay"' EXIT
git ls-files -co --exclude-standard '*_test.go' |
	awk -v dir="$(pwd -P)" 'BEGIN { printf "{\"Replace\": {" } { printf "%s\"%s/%s\": \"\"", n++ ? ", " : "", dir, $0 } END { print "}}" }' >"$overlay"
for system in darwin/arm64 windows/amd64; do
	GOOS=${system%/*} GOARCH=${system#*/} CGO_ENABLED=0 ${GO:-go} vet -overlay "$overlay" ./cmd/... ./codegen/... ./loader/... ./runtime/... ./examples/.../skel ./examples/signed/app
done
