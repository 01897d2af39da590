package legacy

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// CgroupOptions are options for [AttachCgroup]. Nil means the defaults.
type CgroupOptions struct {
	// Exclusive prevents other programs from being attached to the cgroup or its descendants. By
	// default, others may be attached too, and all run.
	Exclusive bool
	// Override allows a program of a descendant cgroup to run instead of this one.
	Override bool
	// Replace is a program of the cgroup to replace atomically with this one (5.6).
	Replace runtime.AnyProgram
}

// Flags of BPF_PROG_ATTACH for cgroups, include/uapi/linux/bpf.h.
const (
	allowOverride = 1 << 0
	allowMulti    = 1 << 1
	replace       = 1 << 2
)

// AttachCgroup attaches a program to the cgroup (version 2) with the given directory, without a BPF
// link. It takes the programs that have an AttachCgroup method in package runtime.
func AttachCgroup(p runtime.AnyProgram, dir string, opts *CgroupOptions) (*runtime.Link, error) {
	what := "attach to cgroup " + dir
	if p == nil {
		return nil, programError("", what, errors.New("the program is nil: use a program of a skeleton"), "")
	}
	if opts == nil {
		opts = &CgroupOptions{}
	}
	prog, err := p.DupFD() // kept to detach it
	if err != nil {
		var failed *runtime.ProgramError
		if errors.As(err, &failed) {
			failed.Op = what
		}
		return nil, err
	}
	fail := func(err error, hint string) (*runtime.Link, error) {
		unix.Close(prog)
		return nil, programError(p.Name(), what, err, hint)
	}
	attr := sys.ProgAttachAttr{AttachBpfFd: uint32(prog), AttachType: p.Spec().AttachType, AttachFlags: allowMulti}
	switch {
	case opts.Exclusive && opts.Override:
		return fail(errors.New("Exclusive and Override are mutually exclusive"), "")
	case opts.Exclusive:
		attr.AttachFlags = 0
	case opts.Override:
		attr.AttachFlags = allowOverride
	}
	if opts.Replace != nil {
		old, err := opts.Replace.DupFD()
		if err != nil {
			return fail(err, "")
		}
		defer unix.Close(old)
		attr.AttachFlags |= replace
		attr.ReplaceBpfFd = uint32(old)
	}
	cgroup, err := sys.Open(dir)
	if err != nil {
		return fail(err, "")
	}
	attr.TargetFd = uint32(cgroup)
	if _, errno := sys.BPF(sys.CmdProgAttach, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 {
		unix.Close(cgroup)
		return fail(errno, explain.CgroupHint(errno))
	}
	return runtime.NewLink(p, what, func() error {
		defer unix.Close(prog)
		defer unix.Close(cgroup)
		attr := sys.ProgAttachAttr{TargetFd: uint32(cgroup), AttachBpfFd: uint32(prog), AttachType: attr.AttachType}
		_, errno := sys.BPF(sys.CmdProgDetach, unsafe.Pointer(&attr), unsafe.Offsetof(attr.AttachFlags))
		if errno == 0 || errno == unix.ENOENT {
			return nil // or another program has replaced it
		}
		return os.NewSyscallError("detach", errno)
	}), nil
}
