package main

import (
	"fmt"
	"slices"
	"strings"
)

// kernel is an entry of the matrix: which packages to look for, and how to start the guest.
type kernel struct {
	Key   string // what -kernel and $BPF2LSKEL_VM call it
	Arch  *arch
	Suite string // of Debian

	// Version is a prefix of the package's version, such as "6.12.". The newest match is used.
	Version string
	Flavour string // suffix of the package's name, such as "cloud-amd64"

	// Split means that the image and its modules are in separate packages, linux-binary and
	// linux-modules, as they are since Debian's 7.0.
	Split bool

	// Refuses means that this kernel must refuse light skeletons, because it is too old, locked
	// down or has no BTF. Only tests that name its key run on it.
	Refuses bool

	// Append is added to the kernel's command line.
	Append string

	// OwnModules means that the project's own modules are built for this kernel. That takes headers
	// that fit this machine's gcc: gcc-12 for 6.1 and 6.12. Later kernels need a newer gcc than
	// Debian 12's.
	OwnModules bool
}

// matrix lists slow kernels first, so that the last guest to end is a fast one.
var matrix = []*kernel{
	{Key: "7.x-arm64", Arch: arm64, Suite: "trixie-backports", Version: "7.", Flavour: "cloud-arm64", Split: true},
	{Key: "6.12-s390x", Arch: s390x, Suite: "trixie", Version: "6.12.", Flavour: "s390x"},
	{Key: "6.1", Arch: amd64, Suite: "bookworm", Version: "6.1.", Flavour: "cloud-amd64", OwnModules: true},
	{Key: "6.12", Arch: amd64, Suite: "bookworm-backports", Version: "6.12.", Flavour: "cloud-amd64", OwnModules: true},
	{Key: "6.18", Arch: amd64, Suite: "trixie-backports", Version: "6.18.", Flavour: "cloud-amd64"},
	{Key: "7.2", Arch: amd64, Suite: "trixie-backports", Version: "7.2.", Flavour: "cloud-amd64", Split: true},
	{Key: "7.x", Arch: amd64, Suite: "trixie-backports", Version: "7.", Flavour: "cloud-amd64", Split: true},
	{Key: "6.12-lockdown", Arch: amd64, Suite: "bookworm-backports", Version: "6.12.", Flavour: "cloud-amd64", Refuses: true, Append: "lockdown=confidentiality"},
	{Key: "6.1-i386", Arch: i386, Suite: "bookworm", Version: "6.1.", Flavour: "686", Refuses: true},
	{Key: "5.10", Arch: amd64, Suite: "bullseye", Version: "5.10.", Flavour: "cloud-amd64", Refuses: true},
}

// choose returns the entries of m that keys names, or all if keys is empty.
func choose(m []*kernel, keys string) ([]*kernel, error) {
	if strings.TrimSpace(keys) == "" {
		return m, nil
	}
	var wanted, known []string
	for key := range strings.SplitSeq(keys, ",") {
		wanted = append(wanted, strings.TrimSpace(key))
	}
	for _, k := range m {
		known = append(known, k.Key)
	}
	for _, key := range wanted {
		if !slices.Contains(known, key) {
			return nil, fmt.Errorf("unknown kernel %q: want one of %s", key, strings.Join(known, " "))
		}
	}
	var chosen []*kernel
	for _, k := range m {
		if slices.Contains(wanted, k.Key) {
			chosen = append(chosen, k)
		}
	}
	return chosen, nil
}
