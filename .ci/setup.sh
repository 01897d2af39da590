#!/bin/sh
# Installs what the Makefile's targets need on Debian 12, by group: setup.sh GROUP...
# If everything is installed, it prints nothing and uses no network. If something cannot be
# installed, it prints the reason in one line.
set -eu

packages_of() {
	case $1 in
	# Go and the kernel are enough: skeletons are committed, and no commands create the network.
	demo) ;;
	# To compile BPF programs; type tags need clang 15. gcc-multilib is not needed: BPF sources find
	# asm/types.h by -idirafter.
	generate) echo clang clang-16 llvm libbpf-dev linux-libc-dev ;;
	# Other versions of clang, the reference loader, objects to compare with, and gcc for Go's race
	# detector.
	test) packages_of generate &&
		echo clang-16 clang-19 clang-22 bpftool xdp-tools iproute2 iputils-ping strace openssl gcc libc6-dev libelf-dev ;;
	# QEMU, whose libraries the QEMU that vmtest fetches for s390x uses, too, and tools to unpack
	# kernels and build modules.
	vm) packages_of generate &&
		echo qemu-system-x86 qemu-system-arm gcc-12 gcc libc6-dev make pahole binutils xz-utils zstd lz4 ;;
	*) echo "setup: unknown group $1" >&2 && return 1 ;;
	esac
}

wanted=
for group; do
	wanted="$wanted $(packages_of "$group")"
done

[ -n "$(echo $wanted)" ] || exit 0

missing() {
	# One query for all. dpkg-query fails if a package is unknown, but still reports the others.
	installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p') || true
	for package in $(printf '%s\n' $wanted | sort -u); do
		echo "$installed" | grep -qx "$package" || echo "$package"
	done
}

cannot() {
	echo "setup: missing: $(echo $lacking): $1" >&2
	exit 1
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	lacking=$(printf '%s\n' $wanted | sort -u)
	cannot "set-up supports only Debian: install the equivalents, and run the commands in the Makefile"
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
[ -z "$lacking" ] || cannot "$(grep '^E:' "$log" | tail -n 1 | grep . || tail -n 1 "$log" | grep . || echo 'apt-get gave no reason')"
