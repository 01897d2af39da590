package codegen

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// archesOf are architectures of each byte order, including 32-bit ones.
var archesOf = map[string][]string{
	"bpfel": {"386", "amd64", "arm", "arm64", "riscv64"},
	"bpfeb": {"mips", "ppc64", "s390x"},
}

// readObject compiles and reads an object of the corpus.
func readObject(t testing.TB, name, target string) *object.Object {
	t.Helper()
	return read(t, testobj.Compile(t, name, testobj.Options{Target: target}))
}

// readOwn compiles and reads an object in this package's testdata.
func readOwn(t testing.TB, name, target string) *object.Object {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".bpf.o")
	args := []string{"-O2", "-g", "-target", target, "-mcpu=v3", "-c", filepath.Join("testdata", name+".bpf.c"), "-o", out}
	// Debian has asm/types.h where clang does not look for it when it compiles for BPF. Any
	// machine's copy will do.
	dirs, _ := filepath.Glob("/usr/include/*-linux-gnu*")
	for _, dir := range dirs {
		args = append(args, "-idirafter", dir)
	}
	if msg, err := exec.Command("clang", args...).CombinedOutput(); err != nil {
		t.Fatalf("clang: %v\n%s", err, msg)
	}
	return read(t, out)
}

func read(t testing.TB, path string) *object.Object {
	t.Helper()
	obj, err := object.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// generateFor generates the Go file of an object.
func generateFor(t testing.TB, obj *object.Object, opts Options) []byte {
	t.Helper()
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	opts.Package, opts.Stem = "skel", obj.Name
	if opts.Suffix == "" {
		opts.Suffix = "bpfel"
	}
	opts.GOARCH = archesOf[opts.Suffix]
	files, err := Generate(obj, spec, opts)
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Data
}
