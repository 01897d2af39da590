package testfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// OwnCgroup creates a cgroup and puts this process into it until the test ends.
func OwnCgroup(t testing.TB) (dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	root := Cgroup2(t)
	home := root
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(groups)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			home = filepath.Join(root, path)
		}
	}
	move := func(to string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
	}
	dir, err = os.MkdirTemp(root, "test-*")
	if err != nil {
		t.Fatal(err)
	}
	move(dir)
	t.Cleanup(func() {
		move(home)
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
