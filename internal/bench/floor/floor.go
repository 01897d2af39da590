package floor

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Floor is an object that is ready to load.
type Floor struct {
	spec *spec.Spec
	m    machine
	blob []byte
}

// Prepare resolves everything that can be resolved before a load, and locks the goroutine to this
// thread with signals masked, as the runtime does for each load.
func Prepare(s *spec.Spec) (*Floor, error) {
	for i := range s.Maps {
		if m := &s.Maps[i]; m.Sizing == spec.SizeCPUs && m.MaxEntries == 0 {
			return nil, fmt.Errorf("map %s: its size depends on the machine", m.Name)
		}
	}
	found, err := resolve(s)
	if err != nil {
		return nil, err
	}
	blob, err := unix.Mmap(-1, 0, len(s.Blob), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return nil, err
	}
	copy(blob, s.Blob)

	runtime.LockOSThread()
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil); err != nil {
		return nil, err
	}
	f := &Floor{spec: s, blob: blob}
	f.m.insns = decode(s.Loader)
	f.m.find = func(name string, _ uint64) uint64 { return found[name] }
	return f, nil
}

// Load makes the system calls.
func (f *Floor) Load() error {
	blob := unsafe.Pointer(unsafe.SliceData(f.blob))
	if f.spec.BTF.Outside {
		if err := f.loadBTF(); err != nil {
			return err
		}
	}
	if f.spec.Phases == nil {
		return f.m.run(blob, 0)
	}
	part := 0
	for i, parts := range f.spec.Phases {
		for range parts {
			if i > 0 || f.spec.CORE.ValueCount == 0 { // skip the part that would resolve CO-RE
				if err := f.m.run(blob, part); err != nil {
					return err
				}
			}
			part++
		}
	}
	return nil
}

// loadBTF makes the only call that the loader does not make.
func (f *Floor) loadBTF() error {
	b := &f.spec.BTF
	attr := (*sys.BtfLoadAttr)(unsafe.Pointer(&f.blob[b.Attr]))
	attr.Btf = sys.Addr(unsafe.Pointer(&f.blob[b.Data]))
	fd, errno := sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(attr), unsafe.Offsetof(attr.BtfLogLevel)+4)
	if errno != 0 {
		return fmt.Errorf("load BTF: %w", errno)
	}
	*(*int32)(unsafe.Pointer(&f.blob[4*b.Slot])) = int32(fd)
	return nil
}

// Unload closes the file descriptors that Load has opened.
func (f *Floor) Unload() {
	for _, step := range f.spec.Steps {
		switch step.Kind {
		case spec.StepLoadBTF, spec.StepCreateMap, spec.StepCreateInner, spec.StepLoadProgram:
			if fd := *(*int32)(unsafe.Pointer(&f.blob[4*step.Result])); fd > 0 {
				unix.Close(int(fd))
			}
		}
	}
}

// notFound is -ENOENT, which the loader gets for an unknown symbol.
const notFound = ^uint64(unix.ENOENT - 1)

// resolve looks up an object's targets and externs, in vmlinux only.
func resolve(s *spec.Spec) (map[string]uint64, error) {
	found := make(map[string]uint64)
	if len(s.Targets)+len(s.Externs) == 0 {
		return found, nil
	}
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	for i := range s.Targets {
		t := &s.Targets[i]
		if t.Kind == 12 { // BTF_KIND_FUNC
			found[t.Name], err = typeID[*btf.Func](kernel, t.Name)
		} else {
			found[t.Name], err = typeID[*btf.Typedef](kernel, t.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	for i := range s.Externs {
		e := &s.Externs[i]
		switch e.Kind {
		case spec.Kfunc:
			found[e.Name], err = typeID[*btf.Func](kernel, e.Name)
		case spec.KsymVar:
			found[e.Name], err = typeID[*btf.Var](kernel, e.Name)
		case spec.KsymAddr:
			found[e.Name], err = address(e.Name)
		}
		switch {
		case err != nil && !e.Weak:
			return nil, err
		case err != nil && e.Kind != spec.KsymAddr:
			found[e.Name] = notFound
		}
	}
	return found, nil
}

func typeID[T btf.Type](kernel *btf.Spec, name string) (uint64, error) {
	var t T
	if err := kernel.TypeByName(name, &t); err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	id, err := kernel.TypeID(t)
	return uint64(id), err
}

// address returns the address of a symbol in /proc/kallsyms.
func address(name string) (uint64, error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[2] == name {
			return strconv.ParseUint(fields[0], 16, 64)
		}
	}
	return 0, fmt.Errorf("%s: not in /proc/kallsyms", name)
}
