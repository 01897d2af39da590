package main

import (
	"cmp"

	version "github.com/knqyf263/go-deb-version"
)

// compareVersions orders Debian versions as dpkg does. Invalid versions come first.
func compareVersions(a, b string) int {
	va, errA := version.NewVersion(a)
	vb, errB := version.NewVersion(b)
	switch {
	case errA != nil && errB != nil:
		return cmp.Compare(a, b)
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	return va.Compare(vb)
}
