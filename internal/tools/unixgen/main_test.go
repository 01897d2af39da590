package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../../.."

// The generated package has exactly the names that the module uses.
func TestUpToDate(t *testing.T) {
	files, err := generate(root, root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, directory, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("%s is not up to date, run go generate ./%s:\n%s", name, directory, diff)
		}
	}
}

// inTree is a module with one file that uses names of the package, and one that must be ignored.
func inTree(t *testing.T, uses ...string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range map[string]string{
		"go.mod":             "module example.com/m\n",
		"a/a.go":             "package a\n\nimport k \"example.com/m/internal/unix\"\n\nvar _ = []any{k." + strings.Join(uses, ", k.") + "}\n",
		"a/a_test.go":        "package a\n\nimport \"example.com/m/internal/unix\"\n\nvar _ = unix.Getpid\n",
		"b/b.go":             "package b\n\nimport \"golang.org/x/sys/unix\"\n\nvar _ = unix.Getpid\n",
		"testdata/c.go":      "package c\n\nimport \"example.com/m/internal/unix\"\n\nvar _ = unix.Getpid\n",
		"other/go.mod":       "module example.com/other\n",
		"other/d.go":         "package d\n\nimport \"example.com/m/internal/unix\"\n\nvar _ = unix.Getpid\n",
		"internal/unix/x.go": "package unix\n",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestGenerate(t *testing.T) {
	files, err := generate(inTree(t, "BPF", "ENOENT", "BPF_MAP_TYPE_HASH", "Stat_t", "Stat", "ByteSliceToString"), root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"unix_linux.go": {
			"\n\tBPF_MAP_TYPE_HASH = linux.BPF_MAP_TYPE_HASH\n", "\n\tStat_t   = linux.Stat_t\n", "\n\tTimespec = linux.Timespec\n",
			"func Stat(path string, stat *linux.Stat_t) (err error) { return linux.Stat(path, stat) }",
		},
		"unix_other.go": {
			"\n\tBPF_MAP_TYPE_HASH = 1\n", "\n\tENOENT            = syscall.Errno(2)\n", "\n\tErrno  = syscall.Errno\n", "\n\tTimespec struct {\n",
			"func Stat(path string, stat *Stat_t) (err error) {\n\treturn ErrUnsupported\n}", "string(s)",
		},
	} {
		for _, w := range want {
			if !strings.Contains(string(files[name]), w) {
				t.Errorf("%s: no %q in\n%s", name, w, files[name])
			}
		}
		if strings.Contains(string(files[name]), "Getpid") {
			t.Errorf("%s has names that only tests or other packages use", name)
		}
	}
	for use, want := range map[string]string{
		"Syscall":  "Syscall: a wrapper cannot keep a pointer alive",
		"NoSuch":   "NoSuch: want a constant, type or function",
		"ForkLock": "", // a variable, in package syscall only
	} {
		if _, err := generate(inTree(t, use), root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", use, err, want)
		}
	}
}
