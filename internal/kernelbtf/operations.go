package kernelbtf

import (
	"os"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Kernel is the kernel's BTF, in which struct_ops types are looked up. Close releases its
// resources.
type Kernel struct {
	vmlinux *Types
	modules []module
	listed  bool // modules is complete
}

// module is a module's BTF.
type module struct {
	name  string
	fd    int
	types *Types // nil until it is read
}

// Operations describes a struct_ops type of the kernel, a struct whose functions can be BPF
// programs.
type Operations struct {
	*Types
	Type      uint32 // the struct
	Value     uint32 // the map's value: struct bpf_struct_ops_NAME
	ValueSize uint32 // of the value, in bytes
	Data      uint32 // offset of the struct in the value, in bytes

	Module string // the module that has the type, "" for vmlinux
	FD     int    // of the module's BTF, 0 for vmlinux; owned by the Kernel
}

// valuePrefix is the prefix of the value types' names. The kernel registers structs of operations
// with these types.
const valuePrefix = "bpf_struct_ops_"

// ReadKernel reads the BTF of vmlinux, some megabytes. If the kernel has no BTF, the error is an
// fs.PathError.
func ReadKernel() (*Kernel, error) {
	t, err := ReadTypes()
	if err != nil {
		return nil, err
	}
	return &Kernel{vmlinux: t}, nil
}

// Close closes the BTF of modules, and releases the memory.
func (k *Kernel) Close() {
	for i := range k.modules {
		m := &k.modules[i]
		unix.Close(m.fd)
		if m.types != nil {
			m.types.Close()
		}
	}
	k.modules = nil
	k.vmlinux.Close()
}

// Operations finds a struct_ops type by its name, in vmlinux or else in a module (libbpf's
// find_struct_ops_kern_types). If there is none, the error wraps unix.ENOENT.
func (k *Kernel) Operations(name string) (*Operations, error) {
	if ops := k.vmlinux.operations(name, k.vmlinux.Struct(valuePrefix+name)); ops != nil {
		return ops, nil
	}
	if err := k.listModules(); err != nil {
		return nil, err
	}
	for i := range k.modules {
		m := &k.modules[i]
		if m.types == nil {
			var err error
			if m.types, err = k.vmlinux.ReadModule(m.name); err != nil {
				continue // the module was unloaded in the meantime
			}
		}
		if ops := m.types.operations(name, m.types.OwnStruct(valuePrefix+name)); ops != nil {
			ops.Module, ops.FD = m.name, m.fd
			return ops, nil
		}
	}
	return nil, unix.ENOENT
}

// operations returns the description of a struct_ops type, or nil if the value's type does not have
// the form of one.
func (t *Types) operations(name string, value uint32) *Operations {
	if value == 0 {
		return nil
	}
	typ := t.Struct(name)
	data, ok := t.MemberOfType(value, typ)
	if typ == 0 || !ok {
		return nil
	}
	return &Operations{Types: t, Type: typ, Value: value, ValueSize: t.Size(value), Data: data.Offset}
}

// listModules opens the BTF of all modules.
func (k *Kernel) listModules() error {
	if k.listed {
		return nil
	}
	attr := &sys.GetFdByIDAttr{}
	for {
		_, errno := sys.BPF(sys.CmdBtfGetNextID, unsafe.Pointer(attr), unsafe.Sizeof(*attr))
		if errno == unix.ENOENT {
			k.listed = true
			return nil
		}
		if errno != 0 {
			return os.NewSyscallError("list the BTF of modules", errno)
		}
		attr.Id = attr.NextId
		fd, errno := sys.GetFdByID(sys.CmdBtfGetFdByID, attr.Id)
		switch {
		case errno == unix.ENOENT: // the BTF is gone
			continue
		case errno != 0:
			return os.NewSyscallError("open the BTF of modules", errno)
		}
		if name := moduleName(fd); name != "" {
			k.modules = append(k.modules, module{name: name, fd: fd})
			continue
		}
		unix.Close(fd)
	}
}

// moduleName returns the name of the module that the BTF belongs to, or "" for the BTF of vmlinux
// or of a program.
func moduleName(fd int) string {
	info := new(sys.BtfInfo)
	if sys.ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info)) != 0 || info.KernelBtf == 0 {
		return ""
	}
	name := sys.BtfName(fd)
	if name == "vmlinux" || strings.Contains(name, "/") {
		return ""
	}
	return name
}
