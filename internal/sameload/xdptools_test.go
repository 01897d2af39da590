package sameload_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"golang.org/x/sys/unix"
)

// The reference loads objects that Debian installs with xdp-tools and libxdp.
func TestReferenceXDPTools(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("needs root")
	}
	objs, err := filepath.Glob("/usr/lib/*/bpf/*.o")
	if err != nil {
		t.Fatal(err)
	}
	if len(objs) == 0 {
		t.Skip("xdp-tools is not installed")
	}
	for _, obj := range objs {
		t.Run(filepath.Base(obj), func(t *testing.T) {
			v, refusal, err := sameload.Reference(t.Context(), obj)
			if err != nil {
				t.Fatal(err)
			}
			if refusal != nil {
				t.Logf("refused, errno %d: %v", refusal.Errno, refusal)
			}
			insns, err := sameload.LoaderInsns(obj)
			if err != nil && !errors.Is(err, sameload.ErrNoLoader) {
				t.Fatal(err)
			}
			t.Logf("%d maps and %d programs, %s; libbpf's loader has %d instructions", len(v.Maps), len(v.Programs), v.Style, insns)
		})
	}
}
