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

// CgroupOptions say more about an attachment to a cgroup; nil means the defaults.
type CgroupOptions struct {
	// Exclusive lets no other program be attached to the cgroup or those below it. Otherwise others
	// may be attached too, and all run.
	Exclusive bool
	// Override lets a program of a cgroup below run in the place of this one.
	Override bool
	// Replace is a program of the cgroup that this one takes the place of, in one step (5.6).
	Replace runtime.AnyProgram
}

// Flags of BPF_PROG_ATTACH for cgroups, include/uapi/linux/bpf.h.
const (
	allowOverride = 1 << 0
	allowMulti    = 1 << 1
	replace       = 1 << 2
)

// AttachCgroup attaches a program to the cgroup (version 2) in that directory, without a BPF link.
// The program is one of those that package runtime has an AttachCgroup for.
func AttachCgroup(p runtime.AnyProgram, dir string, opts *CgroupOptions) (*runtime.Link, error) {
	what := "attach to cgroup " + dir
	if p == nil {
		return nil, programError("", what, errors.New("the program is nil: programs come from a skeleton"), "")
	}
	if opts == nil {
		opts = &CgroupOptions{}
	}
	prog, err := p.DupFD() // kept for the detaching
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
		return fail(errors.New("an exclusive program cannot be overridden"), "")
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
			return nil // or another one has its place
		}
		return os.NewSyscallError("detach", errno)
	}), nil
}
