package sameload_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"golang.org/x/sys/unix"
)

// The reference agrees with itself: libbpf's loads of an object with and without its loader are the
// same and do what the source claims.
func TestReferenceAgreesWithItself(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("needs root")
	}
	counts := map[string]int{}
	names := append(testobj.All(t), testobj.Externs(t)...)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			obj := testobj.Compile(t, name, testobj.Options{})
			light, noLight := loadAndCheck(t, name, obj, sameload.Light)
			full, noFull := loadAndCheck(t, name, obj, sameload.Full)
			switch {
			case noLight == nil && noFull == nil:
				counts["both"]++
				if weak, err := sameload.PrefersFull(obj); err != nil || weak {
					t.Logf("FULL PREFERRED: %v, differs: %v", err, sameload.Diff(full, light) != "")
				} else if diff := sameload.Diff(full, light); diff != "" {
					t.Errorf("without libbpf's loader (-), with it (+):\n%s", diff)
				}
			case noLight == nil:
				counts["light"]++
				t.Logf("LIGHT ONLY: %v", noFull)
			case noFull == nil:
				counts["full"]++
				t.Logf("FULL ONLY: %v", noLight)
			default:
				counts["refused"]++
				t.Logf("REFUSED: %v; %v", noLight, noFull)
			}
		})
	}
	t.Logf("of %d objects, libbpf loads %d with and without its loader, %d only with it, %d only without; %d are refused",
		len(names), counts["both"], counts["light"], counts["full"], counts["refused"])
}

func loadAndCheck(t *testing.T, name, obj string, load func(context.Context, string) (*sameload.Loaded, error)) (sameload.View, *sameload.Refusal) {
	t.Helper()
	l, err := load(context.Background(), obj)
	if r := new(sameload.Refusal); errors.As(err, &r) {
		return sameload.View{}, r
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	v, err := l.Describe()
	if err != nil {
		t.Fatal(err)
	}
	testobj.CheckRuns(t, name, obj, l.Maps, l.Programs)
	return v, nil
}

// A reference leaves no file descriptors and mounts once it is described.
func TestReferenceLeavesNothing(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("needs root")
	}
	leftovers := func() (fds, mounts int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile("/proc/self/mounts")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries), strings.Count(string(raw), "\n")
	}
	reference := func() {
		for _, name := range []string{"map_in_map", "prog_array", "map_pinned", "refused_verifier"} {
			if _, _, err := sameload.Reference(t.Context(), testobj.Compile(t, name, testobj.Options{})); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	reference() // opens what stays open
	fds, mounts := leftovers()
	reference()
	if nowFDs, nowMounts := leftovers(); nowFDs != fds || nowMounts != mounts {
		t.Errorf("%d file descriptors and %d mounts before, %d and %d after", fds, mounts, nowFDs, nowMounts)
	}
}
