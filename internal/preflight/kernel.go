package preflight

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/prototype"
	"github.com/bpf2lskel/bpf2lskel/internal/since"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Kernel is what an object is compared with.
type Kernel struct {
	Name    string
	types   []*btf.Spec       // vmlinux, then modules
	running bool              // all modules that are loaded are among them
	symbols map[string]bool   // of kallsyms; nil if nobody knows
	enums   map[string]values // by name
}

type values map[uint32]bool

// Running is the kernel that runs, with the modules that are loaded.
func Running() (*Kernel, error) {
	cache := btf.NewCache()
	vmlinux, err := cache.Kernel()
	if err != nil {
		return nil, err
	}
	k := &Kernel{Name: "this kernel, " + sys.Release(), types: []*btf.Spec{vmlinux}, running: true}
	modules, err := cache.Modules()
	if err != nil {
		return nil, err
	}
	for _, name := range modules {
		if s, err := cache.Module(name); err == nil { // it may be gone
			k.types = append(k.types, s)
		}
	}
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return k, nil
	}
	defer f.Close()
	k.symbols = map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 2 {
			k.symbols[fields[2]] = true
		}
	}
	return k, nil
}

// File is a kernel whose BTF is in a file: an ELF file, or BTF as /sys/kernel/btf/vmlinux has it.
// Of symbols without types and of modules it says nothing.
func File(path string) (*Kernel, error) {
	s, err := prototype.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var task *btf.Struct
	if err := s.TypeByName("task_struct", &task); err != nil {
		return nil, fmt.Errorf("%s is not the BTF of a kernel: it has no struct task_struct: give a vmlinux, or a copy of /sys/kernel/btf/vmlinux", path)
	}
	return &Kernel{Name: path, types: []*btf.Spec{s}}, nil
}

func (k *Kernel) hasModules() bool { return k.running }

// Targets implements core.Kernel.
func (k *Kernel) Targets(name string) ([]*btf.Spec, error) {
	if _, err := k.types[0].AnyTypesByName(name); name == "" || !errors.Is(err, btf.ErrNotFound) {
		return k.types[:1], nil
	}
	return k.types, nil
}

// find reports whether the kernel or a module has a type of that kind.
func (k *Kernel) find(name string, kind uint8) bool {
	for _, s := range k.types {
		all, err := s.AnyTypesByName(name)
		if err != nil {
			continue
		}
		for _, t := range all {
			switch t.(type) {
			case *btf.Func:
				if kind == sys.BtfKindFunc {
					return true
				}
			case *btf.Var:
				if kind == sys.BtfKindVar {
					return true
				}
			case *btf.Typedef:
				if kind == sys.BtfKindTypedef {
					return true
				}
			case *btf.Struct:
				if kind == sys.BtfKindStruct {
					return true
				}
			}
		}
	}
	return false
}

// has reports whether an enum of the kernel has a value, which is how its BTF shows what it knows.
// A kernel whose BTF lacks the enum is taken to know everything.
func (k *Kernel) has(enum string, n uint32) bool {
	v := k.values(enum)
	return len(v) == 0 || v[n]
}

// knows reports whether the kernel has something that no enum of its BTF lists, by what came with
// the same version. Like has it takes a kernel without the enum to know everything.
func (k *Kernel) knows(f since.Feature) bool {
	// The highest helper that each version brought.
	for _, with := range []struct {
		since  sys.Version
		helper uint32
	}{
		{sys.Version{5, 12}, 163}, // bpf_check_mtu
		{sys.Version{5, 18}, 191}, // bpf_copy_from_user_task
		{sys.Version{6, 0}, 204},  // bpf_tcp_raw_gen_syncookie_ipv4
	} {
		if !with.since.Before(f.Since) {
			return k.has("bpf_func_id", with.helper)
		}
	}
	return true
}

func (k *Kernel) hasEnum(name string) bool { return len(k.values(name)) > 0 }

func (k *Kernel) values(enum string) values {
	if v, ok := k.enums[enum]; ok {
		return v
	}
	v := values{}
	var e *btf.Enum
	if err := k.types[0].TypeByName(enum, &e); err == nil {
		for _, x := range e.Values {
			if !strings.HasPrefix(x.Name, "__") { // __BPF_FUNC_MAX_ID, __MAX_BPF_ATTACH_TYPE
				v[uint32(x.Value)] = true
			}
		}
	}
	if k.enums == nil {
		k.enums = map[string]values{}
	}
	k.enums[enum] = v
	return v
}
