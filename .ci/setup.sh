#!/bin/sh
# Installs what the Makefile's targets need on Debian 12, by group: setup.sh GROUP...
# It says nothing and asks no mirror when all of it is there. If something cannot be had, it says so in one line.
set -eu

packages_of() {
	case $1 in
	# Go and the kernel are enough: skeletons are committed, and network namespaces made without commands.
	demo) ;;
	# Compiling BPF programs; those with type tags want clang 15. No gcc-multilib: BPF sources find asm/types.h by -idirafter.
	generate) echo clang clang-16 llvm libbpf-dev linux-libc-dev ;;
	# Other versions of clang, the reference loader and objects to compare with; gcc for Go's race detector.
	test) packages_of generate &&
		echo clang-16 clang-19 clang-22 bpftool xdp-tools iproute2 iputils-ping strace openssl gcc libc6-dev libelf-dev ;;
	# QEMU, also for the libraries of the one that vmtest fetches for s390x; what unpacks kernels and builds modules.
	vm) packages_of generate &&
		echo qemu-system-x86 qemu-system-arm gcc-12 gcc libc6-dev make pahole binutils xz-utils zstd lz4 ;;
	*) echo "setup: no group $1" >&2 && return 1 ;;
	esac
}

wanted=
for group; do
	wanted="$wanted $(packages_of "$group")"
done

[ -n "$(echo $wanted)" ] || exit 0

missing() {
	# One query for all. dpkg-query fails if it knows one of them not at all, and still tells about the others.
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p') || true
	for package in $(printf '%s\n' $wanted | sort -u); do
		echo "$installed" | grep -qx "$package" || echo "$package"
	done
}

cannot() {
	echo "setup: lacking: $(echo $lacking): $1" >&2
	exit 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	lacking=$(printf '%s\n' $wanted | sort -u)
	cannot "this is no Debian system, and set-up knows only Debian's packages: install what corresponds, and call the commands in the Makefile"
fi
lacking=$(missing)
[ -n "$lacking" ] || exit 0
[ "$(id -u)" = 0 ] || cannot "only root can install them: apt-get install --no-install-recommends $(echo $lacking)"

echo "setup: installing $(echo $lacking)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
apt="apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
$apt update >"$log" 2>&1 &&
	$apt install -y --no-install-recommends $lacking >>"$log" 2>&1 || true
lacking=$(missing)
[ -z "$lacking" ] || cannot "$(grep '^E:' "$log" | tail -n 1 | grep . || tail -n 1 "$log" | grep . || echo 'apt-get does not say why')"
