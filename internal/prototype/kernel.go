package prototype

import (
	"bytes"
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/cilium/ebpf/btf"
)

// A Kernel is the kernel that symbols are compared with.
type Kernel struct {
	// parts is the BTF of vmlinux and of modules, in the order in which it is searched. Each part
	// is loaded only when needed, since most symbols are in vmlinux and a machine has a hundred
	// modules.
	parts []part
}

// part is the BTF of vmlinux or of a module.
type part struct {
	name string
	load func() (*btf.Spec, error)
	// last is set if the following parts are searched only if this one lacks the symbol. All
	// modules are searched: if two of them have the symbol, only the kernel knows which one it
	// takes.
	last bool
}

const vmlinux = "vmlinux"

// Running returns the running kernel. A kernel without BTF has no symbols.
func Running() (*Kernel, error) {
	cache := btf.NewCache()
	if _, err := cache.Kernel(); errors.Is(err, btf.ErrNotSupported) || errors.Is(err, fs.ErrNotExist) {
		return &Kernel{}, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the BTF of the running kernel: %w", err)
	}
	k := &Kernel{parts: []part{{name: vmlinux, load: cache.Kernel, last: true}}}
	modules, err := cache.Modules()
	if err != nil {
		return nil, fmt.Errorf("list the BTF of kernel modules: %w", err)
	}
	for _, m := range modules {
		k.parts = append(k.parts, part{name: "module " + m, load: func() (*btf.Spec, error) { return cache.Module(m) }})
	}
	return k, nil
}

// Files returns the kernel whose BTF is in files: vmlinux first, then modules. The files are ELF
// files, or raw BTF like the files in /sys/kernel/btf.
func Files(paths []string) (*Kernel, error) {
	k := &Kernel{}
	var base *btf.Spec
	for i, path := range paths {
		raw, err := read(path)
		if err != nil {
			return nil, fmt.Errorf("read BTF of %s: %w", path, err)
		}
		var spec *btf.Spec
		if i == 0 {
			spec, err = btf.LoadSpecFromReader(bytes.NewReader(raw))
			base = spec
		} else {
			spec, err = btf.LoadSplitSpecFromReader(bytes.NewReader(raw), base)
		}
		if err != nil {
			return nil, fmt.Errorf("read BTF of %s: %w", path, err)
		}
		k.parts = append(k.parts, part{name: path, load: func() (*btf.Spec, error) { return spec, nil }, last: i == 0})
	}
	return k, nil
}

// ReadFile returns the BTF of vmlinux in a file.
func ReadFile(path string) (*btf.Spec, error) {
	raw, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read BTF of %s: %w", path, err)
	}
	s, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("read BTF of %s: %w", path, err)
	}
	return s, nil
}

// read returns the BTF in a file. It exists because package btf also requires the symbols of an ELF
// file, which a stripped vmlinux lacks.
func read(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(raw, []byte(elf.ELFMAG)) {
		return raw, err
	}
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if f.Section(".BTF.base") != nil {
		return nil, errors.New("a module built outside of the kernel's tree, whose BTF is not that of one kernel: copy that of the loaded module, in /sys/kernel/btf")
	}
	section := f.Section(".BTF")
	if section == nil {
		return nil, errors.New("no section .BTF")
	}
	return section.Data()
}

// A Result is the result of comparing a symbol.
type Result struct {
	Symbol *Symbol
	// Missing is set if the kernel has no such symbol.
	Missing bool
	// Mismatch describes the difference, or is nil.
	Mismatch error
}

// Compare compares symbols with a kernel's, and returns the results in the order of the symbols. It
// fails only if BTF cannot be read.
func (k *Kernel) Compare(symbols []Symbol) ([]Result, error) {
	results := make([]Result, len(symbols))
	for i := range symbols {
		s := &symbols[i]
		r := Result{Symbol: s, Missing: true}
		for _, p := range k.parts {
			spec, err := p.load()
			if errors.Is(err, fs.ErrNotExist) {
				continue // the module was unloaded in the meantime
			}
			if err != nil {
				return nil, fmt.Errorf("read the BTF of %s: %w", p.name, err)
			}
			typ, err := find(spec, s)
			if err != nil {
				return nil, fmt.Errorf("%s in %s: %w", s, p.name, err)
			}
			if typ == nil {
				continue
			}
			r.Missing = false
			if r.Mismatch = compare(s, typ, p.name); p.last || r.Mismatch != nil {
				break
			}
		}
		results[i] = r
	}
	return results, nil
}

// find returns the type of a symbol in BTF, or nil if there is none. If there are several, it
// returns the first, as the kernel does (btf_find_by_name_kind).
func find(spec *btf.Spec, s *Symbol) (btf.Type, error) {
	types, err := spec.AnyTypesByName(s.KernelName())
	if errors.Is(err, btf.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	types = slices.DeleteFunc(types, func(t btf.Type) bool {
		_, isFunc := t.(*btf.Func)
		_, isVar := t.(*btf.Var)
		return t.TypeName() != s.KernelName() || s.Func && !isFunc || !s.Func && !isVar
	})
	if len(types) == 0 {
		return nil, nil
	}
	first := slices.MinFunc(types, func(a, b btf.Type) int {
		x, _ := spec.TypeID(a)
		y, _ := spec.TypeID(b)
		return cmp.Compare(x, y)
	})
	if s.Func {
		return first.(*btf.Func).Type, nil
	}
	return first.(*btf.Var).Type, nil
}
