package sys

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Version is the version of a kernel: major and minor. The zero Version is older than any kernel.
type Version [2]int

// Before reports whether v is older than w.
func (v Version) Before(w Version) bool { return v[0] < w[0] || v[0] == w[0] && v[1] < w[1] }

// String returns v as in "6.12".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v[0], v[1]) }

// ParseVersion reads the beginning of a release, such as "6.1.0-49-cloud-amd64". It returns the
// zero Version if the release does not begin with a version.
func ParseVersion(release string) Version {
	_, minor, _ := strings.Cut(release, ".")
	return Version{max(LeadingNumber(release), 0), max(LeadingNumber(minor), 0)}
}

// Release returns the running kernel's release, as uname -r prints it, or "" if uname fails.
func Release() string {
	var uts unix.Utsname
	if unix.Uname(&uts) != nil {
		return ""
	}
	return unix.ByteSliceToString(uts.Release[:])
}

// KernelVersion returns the version of the running kernel.
func KernelVersion() Version { return ParseVersion(Release()) }

// LeadingNumber returns the decimal number at the beginning of s, or -1 if s does not begin with a
// digit or the number does not fit in an int.
func LeadingNumber(s string) int {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return -1
	}
	return n
}
