package testobj

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// CheckRuns runs the programs of a loaded object as its source claims ([Runs]) and reports wrong
// results. obj is the compiled object; maps and programs are file descriptors by name. A map of
// global data may have the name of its section, with or without the dot, or the kernel's name.
func CheckRuns(t testing.TB, name, obj string, maps, programs map[string]int) {
	t.Helper()
	for _, r := range Runs(t, name) {
		if err := checkRun(r, obj, maps, programs); err != nil {
			t.Errorf("%s: run %s: %v", name, r.Program, err)
		}
	}
}

// CheckRun makes one run. obj may be compiled with other options.
func CheckRun(t testing.TB, obj string, maps, programs map[string]int, r Run) {
	t.Helper()
	if err := checkRun(r, obj, maps, programs); err != nil {
		t.Errorf("run %s: %v", r.Program, err)
	}
}

func checkRun(r Run, obj string, maps, programs map[string]int) error {
	fd, ok := programs[r.Program]
	if !ok {
		return fmt.Errorf("the load has no such program")
	}
	retval, err := testRun(fd)
	if err != nil {
		return err
	}
	var errs []error
	if r.Retval != nil && retval != *r.Retval {
		errs = append(errs, fmt.Errorf("returned %d, want %d", retval, *r.Retval))
	}
	for name, want := range r.Globals {
		got, err := Global(obj, name, maps)
		if err != nil {
			errs = append(errs, err)
		} else if got != want {
			errs = append(errs, fmt.Errorf("%s is %d, want %d", name, got, want))
		}
	}
	return errors.Join(errs...)
}

// testRun runs a program once, with or without a packet, depending on its type.
func testRun(fd int) (uint32, error) {
	prog, err := fromFD(fd, ebpf.NewProgramFromFD)
	if err != nil {
		return 0, err
	}
	defer prog.Close()
	var opts ebpf.RunOptions
	switch prog.Type() {
	case ebpf.Syscall, ebpf.RawTracepoint, ebpf.Tracing, ebpf.SkLookup:
	default:
		opts.Data = bytes.Repeat([]byte{0}, 64)
		opts.DataOut = make([]byte, 256)
	}
	return prog.Run(&opts)
}

// Global reads an integer variable of a loaded object, zero-extended.
func Global(obj, name string, maps map[string]int) (uint64, error) {
	section, offset, size, err := findGlobal(obj, name)
	if err != nil {
		return 0, err
	}
	fd, ok := dataMap(maps, section)
	if !ok {
		return 0, fmt.Errorf("%s: the load has no map for section %s", name, section)
	}
	m, err := fromFD(fd, ebpf.NewMapFromFD)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	value, err := m.LookupBytes(uint32(0))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if uint64(len(value)) < uint64(offset)+uint64(size) {
		return 0, fmt.Errorf("%s: map for section %s has %d bytes only", name, section, len(value))
	}
	v := value[offset:][:size]
	switch size {
	case 1:
		return uint64(v[0]), nil
	case 2:
		return uint64(binary.NativeEndian.Uint16(v)), nil
	case 4:
		return uint64(binary.NativeEndian.Uint32(v)), nil
	case 8:
		return binary.NativeEndian.Uint64(v), nil
	}
	return 0, fmt.Errorf("%s has %d bytes, which is not an integer", name, size)
}

// findGlobal finds a variable by the object's symbols: BTF has no offsets before linking.
func findGlobal(obj, name string) (section string, offset, size uint32, err error) {
	spec, err := btf.LoadSpec(obj)
	if err != nil {
		return "", 0, 0, err
	}
	var v *btf.Var
	if err := spec.TypeByName(name, &v); err != nil {
		return "", 0, 0, fmt.Errorf("variable %s: %w", name, err)
	}
	n, err := btf.Sizeof(v.Type)
	if err != nil {
		return "", 0, 0, err
	}
	section, off, err := symbol(obj, name)
	return section, off, uint32(n), err
}

func dataMap(maps map[string]int, section string) (int, bool) {
	plain := strings.NewReplacer(".", "_")
	want := plain.Replace(strings.TrimPrefix(section, "."))
	for name, fd := range maps {
		if i := strings.IndexByte(name, '.'); i >= 0 {
			name = name[i+1:]
		}
		if plain.Replace(name) == want {
			return fd, true
		}
	}
	return 0, false
}

// fromFD wraps a copy of a file descriptor, since the wrapper closes it.
func fromFD[T any](fd int, wrap func(int) (T, error)) (T, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		var none T
		return none, os.NewSyscallError("dup", err)
	}
	return wrap(dup)
}
