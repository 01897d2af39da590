package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/cms/cmstest"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func mkdir(t testing.TB, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// goVet runs the go command over all packages of the module.
func goVet(t testing.TB) {
	t.Helper()
	if out, err := exec.Command("go", "vet", "./...").CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
}

// A source gives a package that builds if Go accepts files of that name. Any other name is refused
// before anything is written.
func TestSourceNames(t *testing.T) {
	inModule(t)
	for _, name := range []string{"my counter", "a[b]", "größe", "con"} {
		write(t, name+".bpf.c", source)
		mustRun(t, "-o", "skel"+fmt.Sprintf("%x", name), name+".bpf.c")
	}
	mkdir(t, "-dir")
	write(t, "-dir/counter.bpf.c", source)
	mustRun(t, "-o", "dashed", "./-dir/counter.bpf.c")
	goVet(t)
	for name, want := range map[string]string{
		"_x":        "_x.bpf.c: the package's files would be named _x_*, but Go ignores files whose names begin with '_': rename it",
		"-x":        "./-x.bpf.c: the package's files would be named -x_*, but Go does not compile files whose names begin with '-': rename it",
		"it's":      "it's.bpf.c: the package's files would be named it's_*, but Go cannot embed such files",
		`a"b`:       `a"b.bpf.c: the package's files would be named a"b_*, but Go cannot embed such files`,
		"a\u202eb":  `bpf2lskel: a\u202eb.bpf.c: the package's files would be named a\u202eb_*`,
		"\x1b[31mx": `bpf2lskel: \u001b[31mx.bpf.c: the package's files would be named \u001b[31mx_*`,
	} {
		write(t, name+".bpf.c", source)
		path := name + ".bpf.c"
		if strings.HasPrefix(path, "-") {
			path = "./" + path
		}
		mustFail(t, want, "-o", "skel", path)
		if got := list(t, "skel"); got != nil {
			t.Errorf("%s: left %v behind", name, got)
		}
	}
	mustFail(t, "file name begins with a dot", "-o", "skel", "./.bpf.c")
}

func TestDirectoryNames(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", "//go:build ignore\n\n"+source)
	for _, dir := range []string{"skel", "a/b-c", "internal/x", "../" + filepath.Base(must(os.Getwd())) + "/y", "."} {
		mustRun(t, "-o", dir, "-go-package", "p", "counter.bpf.c")
	}
	goVet(t)
	for dir, want := range map[string]string{
		"_x":         "_x: Go ignores directories named _x: choose another directory with -o",
		"a/.x":       "a/.x: Go ignores directories named .x: choose another directory with -o",
		"_a/b":       "_a/b: Go ignores directories named _a: ",
		"testdata":   "testdata: Go ignores directories named testdata: ",
		"vendor/x":   "vendor/x: Go reserves directories named vendor for packages of other modules: ",
		"my skel":    "my skel: a package there cannot be imported: ",
		"größe":      "größe: a package there cannot be imported: ",
		"a\u202eb/c": `bpf2lskel: a\u202eb/c: a package there cannot be imported: `,
	} {
		mustFail(t, want, "-o", dir, "-go-package", "p", "counter.bpf.c")
		if exists(dir) {
			t.Errorf("%s is left behind", dir)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Other files in the directory are left alone and may be part of the package.
func TestOtherFiles(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", "//go:build ignore\n\n"+source)
	mkdir(t, "skel/dir")
	others := map[string]string{
		"skel/mine.go":            "package skel\n\n// Name is a method of the user's own.\nfunc (s *Skeleton) Name() string { return \"mine\" }\n",
		"skel/mine_test.go":       "package skel_test\n",
		"skel/.mine.go.swp":       "x",
		"skel/BUILD.bazel":        "go_library()\n",
		"skel/.gitattributes":     "* -text\n",
		"skel/dir/x":              "",
		"skel/x.blob":             "no blob of ours",
		"skel/x.loader":           "no loader of ours",
		"skel/counter_none.go":    "package skel\n",
		"skel/counter_bpfel.txt":  "",
		"skel/other_bpfel.loader": "somebody's",
		"skel/counter.bpf.c":      "//go:build ignore\n\n" + source,
	}
	for path, text := range others {
		write(t, path, text)
	}
	if err := os.Symlink("nowhere", "skel/dangling"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		mustRun(t, "-o", "skel", "skel/counter.bpf.c")
		mustRun(t, "-check", "-o", "skel", "skel/counter.bpf.c")
	}
	goVet(t)
	for path, text := range others {
		if got := read(t, path); got != text {
			t.Errorf("%s has changed to %q", path, got)
		}
	}

	// The package's name is that of the Go files beside it.
	mkdir(t, "cmd")
	write(t, "cmd/main.go", "package main\n\nfunc main() { _, _ = Load() }\n")
	mustRun(t, "-o", "cmd", "counter.bpf.c")
	goVet(t)
	mustFail(t, "-go-package other: the directory already has package main (cmd/main.go)", "-go-package", "other", "-o", "cmd", "counter.bpf.c")
	write(t, "cmd/ignored.go", "//go:build ignore\n\npackage other\n")
	mustRun(t, "-o", "cmd", "counter.bpf.c")
}

// A file that bpf2lskel did not write is not overwritten.
func TestFilesInTheWay(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	mkdir(t, "skel")
	write(t, "skel/counter_bpfel.go", "package skel\n")
	mustFail(t, "skel/counter_bpfel.go: exists, and was not written by bpf2lskel: rename it, or choose another directory with -o", "-o", "skel", "counter.bpf.c")
	mustRun(t, "-o", "skel", "-target", "bpfeb", "counter.bpf.c") // does not write this file
	if got := read(t, "skel/counter_bpfel.go"); got != "package skel\n" {
		t.Errorf("the file was overwritten: %s", got)
	}
	// An unreadable file is not reported as somebody else's.
	if err := os.Remove("skel/counter_bpfel.go"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("counter_bpfel.go", "skel/counter_bpfel.go"); err != nil {
		t.Fatal(err)
	}
	mustFail(t, "check for bpf2lskel's header: open skel/counter_bpfel.go: too many levels of symbolic links", "-o", "skel", "counter.bpf.c")
	if err := os.Remove("skel/counter_bpfel.go"); err != nil {
		t.Fatal(err)
	}
	mkdir(t, "skel/counter_bpfel.go")
	mustFail(t, "check for bpf2lskel's header: read skel/counter_bpfel.go: is a directory", "-o", "skel", "counter.bpf.c")
	// A package without its Go file is written again.
	if err := os.Remove("skel/counter_bpfel.go"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "-o", "skel", "counter.bpf.c")
	if err := os.Remove("skel/counter_bpfel.go"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "-o", "skel", "counter.bpf.c")
	goVet(t)
}

// Files from an earlier run for a target that is no longer requested are out of date. Files from
// another run, for other targets and with other flags, are not.
func TestDroppedTargets(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	arm64 := []string{"counter_arm64_bpfel.blob", "counter_arm64_bpfel.go", "counter_arm64_bpfel.loader"}
	x86 := []string{"counter_x86_bpfel.blob", "counter_x86_bpfel.go", "counter_x86_bpfel.loader"}
	expect := func(want ...string) {
		t.Helper()
		if got := list(t, "skel"); !slices.Equal(got, want) {
			t.Errorf("files are %v, want %v", got, want)
		}
	}
	mustRun(t, "-o", "skel", "-target", "amd64,arm64", "counter.bpf.c")
	expect(append(arm64, x86...)...)
	mustRun(t, "-check", "-o", "skel", "-target", "amd64,arm64", "counter.bpf.c")
	for _, name := range arm64 {
		mustFail(t, "skel/"+name+": obsolete\n", "-check", "-o", "skel", "-target", "amd64", "counter.bpf.c")
	}
	mustRun(t, "-o", "skel", "-target", "amd64", "counter.bpf.c")
	expect(x86...)
	mustRun(t, "-o", "skel", "-target", "arm64", "counter.bpf.c", "--", "-DX")
	expect(append(arm64, x86...)...)
	mustRun(t, "-check", "-o", "skel", "-target", "amd64", "counter.bpf.c")
	mustRun(t, "-check", "-o", "skel", "-target", "arm64", "counter.bpf.c", "--", "-DX")
}

// clangVersion makes a compiler that reports another version and passes an additional flag to
// clang.
func clangVersion(t *testing.T, version, flag string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clang")
	script := "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'Some clang version " + version + "-1~x (y)'; exit; fi\nexec clang " + flag + " \"$@\"\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// If another version of the compiler produces the same output, the package is up to date. If not,
// -check names both versions.
func TestCompilerVersion(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	old, same, other := clangVersion(t, "14.0.6", ""), clangVersion(t, "15.1.2", ""), clangVersion(t, "16.0.0", "-DOTHER")
	mustRun(t, "-cc", old, "-o", "skel", "counter.bpf.c")
	before := read(t, "skel/counter_bpfel.go")
	if want := "\n// Compiled by clang 14.0.6 for bpfel, bpfeb.\n"; !strings.Contains(before, want) {
		t.Errorf("no %q in\n%.300s", want, before)
	}
	mustRun(t, "-cc", same, "-check", "-o", "skel", "counter.bpf.c")
	mustRun(t, "-cc", same, "-o", "skel", "counter.bpf.c")
	if got := read(t, "skel/counter_bpfel.go"); got != before {
		t.Errorf("written again only for the compiler's version:\n%.300s", got)
	}
	write(t, "counter.bpf.c", "#ifdef OTHER\n#define XDP_RESULT XDP_DROP\n#else\n#define XDP_RESULT XDP_PASS\n#endif\n"+strings.Replace(source, "XDP_PASS", "XDP_RESULT", 1))
	mustRun(t, "-cc", old, "-o", "skel", "counter.bpf.c")
	const want = "(possibly only because they were compiled by clang 14.0.6, and now by clang 16.0.0): select the compiler with -cc, or generate again"
	mustFail(t, want, "-cc", other, "-check", "-o", "skel", "counter.bpf.c")
	// The message does not appear if the version is the same.
	write(t, "counter.bpf.c", strings.Replace(source, "XDP_PASS", "XDP_DROP", 1))
	_, out := bpf2lskel("-cc", old, "-check", "-o", "skel", "counter.bpf.c")
	if !strings.Contains(out, "not up to date: generate again\n") || strings.Contains(out, "compiled by") {
		t.Errorf("output\n%s", out)
	}
	// Packages without the line, from older versions, are up to date.
	mustRun(t, "-cc", old, "-o", "skel", "counter.bpf.c")
	raw := []byte(read(t, "skel/counter_bpfel.go"))
	write(t, "skel/counter_bpfel.go", string(bytes.Replace(raw, []byte("// Compiled by clang 14.0.6 for bpfel, bpfeb.\n"), nil, 1)))
	mustRun(t, "-cc", old, "-check", "-o", "skel", "counter.bpf.c")
	mustRun(t, "-cc", old, "-o", "skel", "counter.bpf.c")
	if got := read(t, "skel/counter_bpfel.go"); got != string(raw) {
		t.Errorf("the line is not written:\n%.300s", got)
	}
}

// Messages of two concurrent compilers are not interleaved, and identical ones appear once.
func TestCompilerMessages(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	script := "#!/bin/sh\ncase \"$*\" in *bpfel*) c=l;; *) c=b;; esac\nfor i in 1 2 3 4 5 6 7 8 9 10; do printf $c >&2; sleep 0.01; done\nprintf '\\nsame\\n' >&2\n"
	if err := os.WriteFile("cc", []byte(script+"exit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const l, b = "llllllllll\nsame\n", "bbbbbbbbbb\nsame\n"
	if _, out := bpf2lskel("-cc", "./cc", "-o", "skel", "counter.bpf.c"); out != l+b+"bpf2lskel: counter.bpf.c: cc: exit status 1\n" {
		t.Errorf("output\n%s", out)
	}
	write(t, "cc", strings.Replace(script, "c=b", "c=l", 1)+"exit 1\n")
	if _, out := bpf2lskel("-cc", "./cc", "-o", "skel", "counter.bpf.c"); out != l+"bpf2lskel: counter.bpf.c: cc: exit status 1\n" {
		t.Errorf("output\n%s", out)
	}
}

// A package that is no longer signed has no signatures, and signing leaves other files alone.
func TestSignatureFiles(t *testing.T) {
	obj := testobj.Compile(t, "minimal", testobj.Options{})
	cert, key := identity(t, cmstest.Options{})
	inModule(t)
	mustRun(t, "-o", "p", "-target", "native", obj)
	unsigned := list(t, "p")
	mustRun(t, "-o", "p", "-target", "native", "-signed", obj)
	write(t, "p/firmware.loader", "somebody's")
	mustRun(t, "sign", "-key", key, "-cert", cert, "p")
	mustRun(t, "verify", "-cert", cert, "p")
	mustFail(t, ".sig: obsolete\n", "-check", "-o", "p", "-target", "native", obj)
	mustRun(t, "-o", "p", "-target", "native", obj)
	if got := list(t, "p"); !slices.Equal(got, append([]string{"firmware.loader"}, unsigned...)) {
		t.Errorf("files are %v", got)
	}
}
