package load

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// FunctionOf returns the BTF ID of a function of the BPF program fd in that program's BTF. An empty
// name means the entry function. Finding other functions requires reading the BTF, which needs
// CAP_SYS_ADMIN (bpf_btf_get_fd_by_id).
func FunctionOf(fd int, name string) (uint32, error) {
	entry := new(sys.FuncInfo)
	info := &sys.ProgInfo{NrFuncInfo: 1, FuncInfoRecSize: uint32(unsafe.Sizeof(*entry)), FuncInfo: sys.Addr(unsafe.Pointer(entry))}
	errno := sys.ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))
	runtime.KeepAlive(entry)
	if errno != 0 {
		return 0, fmt.Errorf("info of the program: %w", errno)
	}
	program := unix.ByteSliceToString(info.Name[:])
	if info.BtfId == 0 {
		return 0, fmt.Errorf("program %s was loaded without BTF, and cannot be attached to: %w", program, unix.EINVAL)
	}
	if name == "" {
		if entry.TypeId == 0 {
			return 0, fmt.Errorf("cannot determine the entry function of program %s, which requires CAP_BPF: %w", program, unix.EPERM)
		}
		return entry.TypeId, nil
	}
	functions, err := programBTF(info.BtfId)
	switch {
	case err == unix.EPERM && entry.TypeId != 0 && program == kernelName(name):
		return entry.TypeId, nil // the entry function has the program's name
	case err == unix.EPERM:
		return 0, fmt.Errorf("read the BTF of program %s, which requires CAP_SYS_ADMIN except for its entry function: %w", program, err)
	case err != nil:
		return 0, fmt.Errorf("BTF of program %s: %w", program, err)
	}
	id, err := functions.Lookup(name)
	switch {
	case errors.Is(err, unix.ENOENT):
		return 0, fmt.Errorf("program %s has no function %s: %w", program, name, unix.ENOENT)
	case err != nil:
		return 0, fmt.Errorf("program %s has several functions named %s: %w", program, name, unix.EINVAL)
	}
	return id, nil
}

// kernelName returns the part of a program's name that the kernel keeps.
func kernelName(name string) string { return name[:min(len(name), sys.ObjNameLen-1)] }

// programBTF reads the functions in the BTF with the given ID.
func programBTF(id uint32) (*kernelbtf.Functions, error) {
	raw, err := rawBTF(id)
	if err != nil {
		return nil, err
	}
	return kernelbtf.Parse(raw)
}
