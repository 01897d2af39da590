//vmtest:all
package ebpfinterop_test

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/ebpfinterop"
)

// load loads an object with a counter, a ring buffer, and a program that adds 1 to the counter.
func load(t *testing.T, p object.Program) *runtime.Skeleton {
	t.Helper()
	p.Name, p.AutoLoad = "count", true
	p.Insns = []object.Insn{
		{Op: sys.OpLdImm64, Dst: 1, Src: sys.PseudoMapIdxValue}, {}, // r1 = &counter[0]
		{Op: sys.OpMovImm, Dst: 2, Imm: 1},   // r2 = 1
		{Op: sys.OpAtomic64, Dst: 1, Src: 2}, // lock *(u64 *)r1 += r2
		{Op: sys.OpMovImm},                   // r0 = 0
		{Op: sys.OpExit},                     // exit
	}
	spec, err := loader.Generate(&object.Object{
		Name: "test", ByteOrder: binary.NativeEndian, License: "GPL",
		Maps: []*object.Map{
			{Name: "counter", KernelName: "counter", Type: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
			{Name: "events", KernelName: "events", Type: sys.MapTypeRingBuf, MaxEntries: uint32(os.Getpagesize())},
		},
		Programs: []*object.Program{&p},
	}, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := runtime.Load(spec, nil)
	if errors.Is(err, unix.EPERM) && os.Getuid() != 0 {
		t.Skip("needs CAP_BPF")
	}
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Converted maps and programs are the same kernel objects and outlive the skeleton.
func TestInterop(t *testing.T) {
	s := load(t, object.Program{Type: sys.ProgTypeRawTracepoint, Section: "raw_tp/sys_enter", AttachTo: "sys_enter"})
	counter := runtime.NewArrayMap[uint64](s.Map(0))
	m, err := ebpfinterop.Map(counter)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	prog, err := ebpfinterop.Program(runtime.NewRawTracepointProgram(s.Program(0)))
	if err != nil {
		t.Fatal(err)
	}
	defer prog.Close()

	if err := m.Put(uint32(0), uint64(1000)); err != nil {
		t.Fatal(err)
	}
	if v, err := counter.Lookup(0); err != nil || v != 1000 {
		t.Errorf("counter %d, %v", v, err)
	}
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sys_enter", Program: prog})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rd, err := ebpfinterop.Map(s.Map(1))
	if err != nil {
		t.Fatal(err)
	}
	defer rd.Close()
	r, err := ringbuf.NewReader(rd)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()

	s.Close()
	var v uint64
	if err := m.Lookup(uint32(0), &v); err != nil || v <= 1000 {
		t.Errorf("counter %d, %v after the skeleton was closed", v, err)
	}
	if _, err := ebpfinterop.Map(counter); !errors.Is(err, os.ErrClosed) {
		t.Errorf("map of a closed skeleton: %v", err)
	}
	if _, err := ebpfinterop.Program(s.Program(0)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("program of a closed skeleton: %v", err)
	}
}

//go:noinline
func probed(n int) int { return n + os.Getpid() }

// A function in the C library can be attached to by name, if the binary uses a C library.
func TestAttachUprobeByName(t *testing.T) {
	call := func() {
		if err := exec.Command("true").Run(); err != nil {
			t.Error(err)
		}
	}
	file := libraryOf("true")
	if file == "" {
		// This binary is static: attach to a known address.
		testAttachUprobe(t, "/proc/self/exe", "probed", &link.UprobeOptions{Address: fileOffset(t, probed)}, func() { probed(1) })
		return
	}
	testAttachUprobe(t, file, "exit", nil, call)
}

func testAttachUprobe(t *testing.T, file, symbol string, opts *link.UprobeOptions, call func()) {
	t.Helper()
	s := load(t, object.Program{Type: sys.ProgTypeKprobe, Section: "uprobe/" + file + ":" + symbol, AttachTo: file + ":" + symbol})
	counter := runtime.NewArrayMap[uint64](s.Map(0))
	p := runtime.NewUprobeProgram(s.Program(0))
	for name, attach := range map[string]func() (link.Link, error){
		"by name": func() (link.Link, error) { return ebpfinterop.AttachUprobe(p, file, symbol, opts) },
		"by section": func() (link.Link, error) {
			if opts != nil {
				return ebpfinterop.AttachUprobe(p, file, symbol, opts)
			}
			return ebpfinterop.AttachUprobeSection(p)
		},
	} {
		before, _ := counter.Lookup(0)
		l, err := attach()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		call()
		if after, err := counter.Lookup(0); err != nil || after == before {
			t.Errorf("%s: the program did not run: %v", name, err)
		}
		l.Close()
	}
	if l, err := ebpfinterop.AttachUretprobe(p, file, symbol, opts); err != nil {
		t.Error(err)
	} else {
		l.Close() // never called: return probes break Go's runtime, which moves stacks
	}
	_, err := ebpfinterop.AttachUprobe(p, file, "no_such_function", nil)
	if err == nil || !strings.Contains(err.Error(), "program count: attach to "+file) {
		t.Errorf("no such function: %v", err)
	}
}

// libraryOf returns the C library that a program uses, or "".
func libraryOf(program string) string {
	path, err := exec.LookPath(program)
	if err != nil {
		return ""
	}
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	uses, _ := f.ImportedLibraries()
	found, _ := filepath.Glob("/lib/*/libc.so.6")
	if !slices.Contains(uses, "libc.so.6") || len(found) == 0 {
		return ""
	}
	return found[0]
}

// fileOffset returns the offset of a function in this binary's file.
func fileOffset(t *testing.T, f func(int) int) uint64 {
	t.Helper()
	addr := uint64(**(**uintptr)(unsafe.Pointer(&f)))
	raw, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var lo, hi, off uint64
		var rights string
		if _, err := fmt.Sscanf(line, "%x-%x %s %x", &lo, &hi, &rights, &off); err == nil && addr >= lo && addr < hi {
			return addr - lo + off
		}
	}
	t.Fatal("the function is not mapped")
	return 0
}

func TestAttachUprobeSectionRefuses(t *testing.T) {
	for _, section := range []string{"uprobe", "uprobe//bin/true", "kprobe/do_exit:x"} {
		_, to, _ := strings.Cut(section, "/")
		s := load(t, object.Program{Type: sys.ProgTypeKprobe, Section: section, AttachTo: to})
		if _, err := ebpfinterop.AttachUprobeSection(runtime.NewUprobeProgram(s.Program(0))); !errors.Is(err, runtime.ErrNoAttachTarget) {
			t.Errorf("section %q: %v", section, err)
		}
	}
}
