package main

import (
	"fmt"
	"slices"
	"strings"
)

// kernel is one entry of the matrix: which packages to look for, and what its guest is given.
type kernel struct {
	Key   string // what -kernel and $BPF2LSKEL_VM call it
	Arch  *arch
	Suite string // of Debian

	// Version is what the package's version begins with, "6.12.". The newest that matches is taken.
	Version string
	Flavour string // how the package's name ends, "cloud-amd64"

	// Split says that the image and its modules are packages of their own, linux-binary and
	// linux-modules, as they are since Debian's 7.0.
	Split bool

	// Refuses says that this kernel is there to refuse light skeletons, because it is too old,
	// locked down or without BTF: only tests that name its key run there.
	Refuses bool

	// Append is added to the kernel's command line.
	Append string

	// OwnModules says that the project's own modules are built for it. They need headers that the
	// gcc of this machine fits: gcc-12 for 6.1 and 6.12. Later ones want a newer gcc than Debian 12
	// has.
	OwnModules bool
}

// matrix has the slow ones first, so that the last guest to end is a quick one.
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

// choose returns the entries of m that keys names, all if it names none.
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
			return nil, fmt.Errorf("no kernel %q in the matrix: it has %s", key, strings.Join(known, " "))
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
