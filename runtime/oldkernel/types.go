package oldkernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"weak"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// types are those of the running kernel and of its modules, read when they are first asked for.
type types struct {
	given   *btf.Spec // by the caller, for CO-RE; nil for the kernel's own
	modules map[string]*btf.Spec

	reading sync.WaitGroup // ahead
	mu      sync.Mutex
	kernel  *btf.Spec // vmlinux, once it is read
	room    bool      // the poller has started
}

// kept is vmlinux's BTF as long as a load or the garbage collector keeps it, so that loads one
// after the other or at the same time read it once.
var kept struct {
	mu      sync.Mutex
	vmlinux weak.Pointer[btf.Spec]
}

// readAhead has the kernel's BTF read while maps are created, which take the files that Go's poller
// may need: so that is started before. The load has to wait for the end.
func (t *types) readAhead() {
	if roomForPoller() != nil {
		return
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		return
	}
	f.Close()
	t.room = true
	t.reading.Go(func() { _, _ = t.vmlinux() })
}

// roomForPoller returns EMFILE if the process cannot open a few more files. Package btf opens files
// with package os, which starts Go's poller, and that ends the process if it cannot open its own
// two.
func roomForPoller() error {
	const files = 4
	for range files {
		n, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return err
		}
		defer unix.Close(n)
	}
	return nil
}

// Targets implements core.Kernel.
func (t *types) Targets(name string) ([]*btf.Spec, error) {
	if t.given != nil {
		return []*btf.Spec{t.given}, nil
	}
	vmlinux, err := t.vmlinux()
	if err != nil {
		return nil, err
	}
	if _, err := vmlinux.AnyTypesByName(name); name == "" || !errors.Is(err, btf.ErrNotFound) {
		return []*btf.Spec{vmlinux}, nil
	}
	return t.all()
}

func (t *types) vmlinux() (*btf.Spec, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kernel == nil {
		if !t.room {
			if err := roomForPoller(); err != nil {
				return nil, fmt.Errorf("read the kernel's BTF: %w", err)
			}
			t.room = true
		}
		s, err := readKernel()
		if err != nil {
			return nil, fmt.Errorf("read the kernel's BTF: %w", err)
		}
		t.kernel = s
	}
	return t.kernel, nil
}

func readKernel() (*btf.Spec, error) {
	kept.mu.Lock()
	defer kept.mu.Unlock()
	if s := kept.vmlinux.Value(); s != nil {
		return s, nil
	}
	s, err := btf.LoadKernelSpec()
	if err == nil {
		kept.vmlinux = weak.Make(s)
	}
	return s, err
}

// module returns the types of a module.
func (t *types) module(name string) (*btf.Spec, error) {
	if s := t.modules[name]; s != nil {
		return s, nil
	}
	base, err := t.vmlinux()
	if err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(btfDir, name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := btf.LoadSplitSpecFromReader(f, base)
	if err != nil {
		return nil, err
	}
	if t.modules == nil {
		t.modules = make(map[string]*btf.Spec)
	}
	t.modules[name] = s
	return s, nil
}

const btfDir = "/sys/kernel/btf"

// all returns the types of vmlinux and of all modules.
func (t *types) all() ([]*btf.Spec, error) {
	vmlinux, err := t.vmlinux()
	if err != nil {
		return nil, err
	}
	all := []*btf.Spec{vmlinux}
	modules, err := os.ReadDir(btfDir)
	if err != nil {
		return all, nil // no directory: a kernel whose BTF is a file on disk
	}
	for _, f := range modules {
		if f.Name() == "vmlinux" {
			continue
		}
		if s, err := t.module(f.Name()); err == nil { // gone by now, or not to be read
			all = append(all, s)
		}
	}
	return all, nil
}

// idOf returns the ID of the type with the given name and kind.
func idOf(s *btf.Spec, name string, kind uint8) (btf.TypeID, bool) {
	all, err := s.AnyTypesByName(name)
	if err != nil {
		return 0, false
	}
	for _, t := range all {
		if kindOf(t) == kind {
			if id, err := s.TypeID(t); err == nil {
				return id, true
			}
		}
	}
	return 0, false
}

func kindOf(t btf.Type) uint8 {
	switch t.(type) {
	case *btf.Func:
		return sys.BtfKindFunc
	case *btf.Var:
		return sys.BtfKindVar
	case *btf.Typedef:
		return sys.BtfKindTypedef
	case *btf.Struct:
		return sys.BtfKindStruct
	case *btf.Union:
		return sys.BtfKindUnion
	}
	return 0
}

// FindBTF implements load.Kernel.
func (k *kernel) FindBTF(name string, kind uint8) (id uint32, fd int, errno unix.Errno) {
	vmlinux, err := k.types.vmlinux()
	if err != nil {
		return 0, 0, errnoOr(err, unix.EINVAL) // the same error as from the kernel
	}
	if id, ok := idOf(vmlinux, name, kind); ok {
		return uint32(id), 0, 0
	}
	return k.findInModules(name, kind)
}

// findInModules searches the BTF of modules (5.11), and opens the one that has the type.
func (k *kernel) findInModules(name string, kind uint8) (id uint32, fd int, errno unix.Errno) {
	modules := new(btf.HandleIterator)
	defer func() {
		if modules.Handle != nil {
			modules.Handle.Close()
		}
	}()
	for modules.Next() {
		info, err := modules.Handle.Info()
		if err != nil || !info.IsModule() {
			continue
		}
		s, err := k.types.module(info.Name)
		if err != nil {
			continue
		}
		if id, ok := idOf(s, name, kind); ok {
			fd, err := unix.FcntlInt(uintptr(modules.Handle.FD()), unix.F_DUPFD_CLOEXEC, 3)
			if err != nil {
				return 0, 0, sys.ErrnoOf(err)
			}
			return uint32(id), fd, 0
		}
	}
	if err := modules.Err(); err != nil && !errors.Is(err, unix.ENOENT) {
		if errno := sys.ErrnoOf(err); errno != 0 {
			return 0, 0, errno
		}
	}
	return 0, 0, unix.ENOENT
}
