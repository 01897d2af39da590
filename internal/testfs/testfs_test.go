//vmtest:all

package testfs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// wantType checks the type of a directory's file system, by its magic number.
func wantType(t *testing.T, dir string, magic int64) {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil || int64(fs.Type) != magic {
		t.Errorf("%s is a file system of type %#x, %v, want %#x", dir, fs.Type, err, magic)
	}
}

// mounts returns the mounts that the calling thread sees.
func mounts(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/thread-self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestDetached(t *testing.T) {
	before := mounts(t)
	bpf, cgroups := testfs.BPF(t), testfs.Cgroup2(t)
	wantType(t, bpf, unix.BPF_FS_MAGIC)
	wantType(t, cgroups, unix.CGROUP2_SUPER_MAGIC)
	wantType(t, testfs.Trace(t), unix.TRACEFS_MAGIC)

	// Each call returns a new file system, and all goroutines see the same one.
	if err := os.Mkdir(filepath.Join(bpf, "mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Run("other goroutine", func(t *testing.T) {
		if _, err := os.Stat(filepath.Join(bpf, "mine")); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(filepath.Join(testfs.BPF(t), "mine")); !os.IsNotExist(err) {
		t.Errorf("another BPF file system has the same directory: %v", err)
	}
	if _, err := os.ReadFile(filepath.Join(cgroups, "cgroup.procs")); err != nil {
		t.Error(err)
	}
	if after := mounts(t); after != before {
		t.Errorf("the machine's mounts were\n%s\nand are\n%s", before, after)
	}
}

func TestAt(t *testing.T) {
	const path = "/sys/fs/bpf"
	isMount := func(t *testing.T) int { return strings.Count(mounts(t), " "+path+" bpf ") }
	before := isMount(t)
	testfs.At(t, "bpf", path)
	wantType(t, path, unix.BPF_FS_MAGIC)
	if n := isMount(t); n != before+1 {
		t.Errorf("the test's goroutine sees %d BPF file systems at %s, want %d", n, path, before+1)
	}
	t.Run("other goroutine", func(t *testing.T) {
		if n := isMount(t); n != before {
			t.Errorf("it sees %d BPF file systems at %s, want %d", n, path, before)
		}
	})
}
