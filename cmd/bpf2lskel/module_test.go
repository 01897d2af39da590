package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const runtimePath = "github.com/bpf2lskel/bpf2lskel/runtime"

// In a module that does not require the runtime, the package could not be built, so it is not
// written.
func TestModuleWithoutRuntime(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	write(t, "go.mod", "module example.com/user\n\ngo 1.25.0\n")
	mustFail(t, "skel: its Go module does not require the runtime: run go get "+runtimePath, "-o", "skel", "counter.bpf.c")
	if got := list(t, "skel"); got != nil {
		t.Errorf("left %v behind", got)
	}
}

// Outside of a module the package is still written: a build system may know more.
func TestNoModule(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", source)
	if err := os.Remove("go.mod"); err != nil {
		t.Fatal(err)
	}
	out := mustRun(t, "-o", "skel", "counter.bpf.c")
	if want := "bpf2lskel: note: skel: not inside a Go module: run go mod init, then go get " + runtimePath + ", to build the package\n"; out != want {
		t.Errorf("output\n%s\nwant\n%s", out, want)
	}
	mustRun(t, "-check", "-o", "skel", "counter.bpf.c")
	mustFail(t, "Go ignores directories named _x", "-o", "_x", "counter.bpf.c")
}

// A workspace may provide the runtime.
func TestWorkspace(t *testing.T) {
	root, err := checkout()
	if err != nil {
		t.Fatal(err)
	}
	inModule(t)
	t.Setenv("GOFLAGS", "")
	write(t, "go.mod", "module example.com/user\n\ngo 1.25.0\n")
	write(t, "go.work", "go 1.25.0\n\nuse (\n\t.\n\t"+root+"\n)\n")
	write(t, "counter.bpf.c", source)
	if out := mustRun(t, "-o", "skel", "counter.bpf.c"); out != "" {
		t.Errorf("output\n%s", out)
	}
	goVet(t)
}

// In a module that vendors, the package builds once the runtime is vendored. go mod vendor does
// that when something imports it.
func TestVendored(t *testing.T) {
	inModule(t)
	write(t, "counter.bpf.c", "//go:build ignore\n\n"+source)
	write(t, "user.go", "package user\n\nimport _ \"example.com/user/skel\"\n")
	if out := mustRun(t, "-o", "skel", "counter.bpf.c"); out != "" {
		t.Errorf("output\n%s", out)
	}
	for _, args := range [][]string{{"mod", "tidy"}, {"mod", "vendor"}} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	t.Setenv("GOFLAGS", "-mod=vendor")
	if out := mustRun(t, "-check", "-o", "skel", "counter.bpf.c"); out != "" {
		t.Errorf("output\n%s", out)
	}
	mustRun(t, "-o", "another", "counter.bpf.c")
	goVet(t)
}

// The command works in a sandbox like Bazel's: sources are links into another tree, there is no go
// command and no home directory, the package goes where the build system wants it, and the files
// that -check compares are links, too.
func TestSandbox(t *testing.T) {
	clang, err := exec.LookPath("clang")
	if err != nil {
		t.Fatal(err)
	}
	inModule(t)
	tree, box := t.TempDir(), t.TempDir()
	write(t, filepath.Join(tree, "counter.bpf.c"), "#include \"counter.h\"\n"+source)
	write(t, filepath.Join(tree, "counter.h"), "")
	write(t, filepath.Join(tree, "go.mod"), "module example.com/user\n\ngo 1.25.0\n") // the requirement is in the build system's files
	t.Chdir(box)
	mkdir(t, "src")
	for _, name := range []string{"counter.bpf.c", "counter.h"} {
		if err := os.Symlink(filepath.Join(tree, name), filepath.Join("src", name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"HOME", "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPATH"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("PATH", filepath.Join(box, "bin"))
	mkdir(t, "bin")
	if err := os.Symlink(clang, "bin/clang"); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "-o", "out/skel", "src/counter.bpf.c")
	// go.mod is in the sandbox, but there is no go command.
	if err := os.Symlink(filepath.Join(tree, "go.mod"), "go.mod"); err != nil {
		t.Fatal(err)
	}
	if out := mustRun(t, "-o", "out/skel", "src/counter.bpf.c"); !strings.Contains(out, "note: out/skel: cannot determine whether its Go module requires "+runtimePath+": ") {
		t.Errorf("output\n%s", out)
	}
	mkdir(t, "committed")
	for _, name := range list(t, "out/skel") {
		if err := os.Symlink(filepath.Join(box, "out/skel", name), filepath.Join("committed", name)); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, "-check", "-o", "committed", "-go-package", "skel", "src/counter.bpf.c")
}
