package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// census lists everything that a load may leave in the process.
type census struct {
	// Files are the open files, by type and descriptor: "anon_inode:bpf-map 3".
	Files []string
	// Mappings are those of maps, and the shared mappings of initial values. Private mappings of
	// Go's heap come and go.
	Mappings []string
	Locked   string // VmLck
}

func takeCensus(t testing.TB) census {
	t.Helper()
	var c census
	c.Files = openFiles(t)
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(maps) {
		if bytes.Contains(line, []byte("bpf-map")) || bytes.Contains(line, []byte("/dev/zero")) {
			c.Mappings = append(c.Mappings, strings.TrimSpace(string(line)))
		}
	}
	c.Locked = status(t, "VmLck")
	return c
}

// settledCensus first runs the garbage collector, so that nothing remains from earlier tests.
func settledCensus(t testing.TB) census {
	t.Helper()
	for range 3 {
		goruntime.GC()
	}
	return takeCensus(t)
}

// wantCensus fails the test if the process does not have exactly what it had before.
func wantCensus(t testing.TB, before census, when string) {
	t.Helper()
	if diff := cmp.Diff(before, takeCensus(t)); diff != "" {
		t.Errorf("%s the process differs (-before +after):\n%s", when, diff)
	}
}

func openFiles(t testing.TB) []string {
	t.Helper()
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, name := range names {
		if name == strconv.Itoa(int(dir.Fd())) {
			continue
		}
		what, err := os.Readlink("/proc/self/fd/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a finalizer has closed it meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, fmt.Sprintf("%s %s", what, name))
	}
	slices.Sort(files)
	return files
}

// status returns the value of a line in /proc/self/status.
func status(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("no %s in /proc/self/status", name)
	return ""
}

// kilobytes parses a size in /proc/self/status.
func kilobytes(t testing.TB, name string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSuffix(status(t, name), " kB"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
