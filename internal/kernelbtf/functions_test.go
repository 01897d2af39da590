//vmtest:all

package kernelbtf

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// kernelID returns the ID that package btf finds.
func kernelID(t *testing.T, name string) uint32 {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var f *btf.Func
	if err := spec.TypeByName(name, &f); err != nil {
		t.Fatal(err)
	}
	id, err := spec.TypeID(f)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(id)
}

// The reader of the kernel's BTF finds the same functions as package btf.
func TestFunctions(t *testing.T) {
	kernel, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"do_nanosleep", "hrtimer_nanosleep"} {
		id, err := kernel.Lookup(name)
		if err != nil || id != kernelID(t, name) || !kernel.Traceable(id) {
			t.Errorf("%s: ID %d, %v", name, id, err)
		}
	}
	variadic, err := kernel.Lookup("_printk")
	if err != nil || kernel.Traceable(variadic) {
		t.Errorf("_printk takes any arguments: ID %d, %v", variadic, err)
	}
	if _, err := kernel.Lookup("no_such_function"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such function: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	if raw, err := os.ReadFile(file); err == nil {
		f.Add(raw[:1024])
	}
	f.Fuzz(func(_ *testing.T, raw []byte) {
		kernel, err := Parse(raw)
		if err != nil {
			return
		}
		for id := range len(kernel.at) + 1 {
			kernel.Traceable(uint32(id))
		}
	})
}
