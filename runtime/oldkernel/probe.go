package oldkernel

import (
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// capabilities are the features of the running kernel that matter here. They are probed, because
// distributions backport features.
type capabilities struct {
	loaders bool // BPF_PROG_TYPE_SYSCALL (5.14)
	fdArray bool // fd_array of BPF_PROG_LOAD (5.14)
	core    bool // core_relos of BPF_PROG_LOAD (5.17)
	memcg   bool // memory counts against the cgroup, not against RLIMIT_MEMLOCK (5.11)
}

var probed = sync.OnceValue(func() capabilities {
	fdArray := knows(unsafe.Offsetof(sys.ProgLoadAttr{}.FdArray))
	return capabilities{
		loaders: hasLoaders(),
		fdArray: fdArray,
		core:    knows(unsafe.Offsetof(sys.ProgLoadAttr{}.CoreRelos)),
		// libbpf probes a helper that is as old as accounting by cgroup (bpf_ktime_get_coarse_ns,
		// bpf_sock_from_file). Kernels with an fd_array are newer, and raising the limit does no
		// harm on others.
		memcg: fdArray,
	}
})

// knows reports whether the kernel's attr of BPF_PROG_LOAD has 64 bits at the given offset. If it
// does not, the kernel first of all rejects an attr that is not zero there
// (bpf_check_uarg_tail_zero).
func knows(offset uintptr) bool {
	attr := &sys.ProgLoadAttr{ProgType: 1<<32 - 1, InsnCnt: 1}
	*(*uint64)(unsafe.Add(unsafe.Pointer(attr), offset)) = 1
	_, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), offset+8)
	return errno != unix.E2BIG
}

// hasLoaders reports whether the kernel knows the type of loader programs. If it does not, it
// returns EINVAL for a valid program (find_prog_type).
func hasLoaders() bool {
	return loadEmpty(sys.ProgTypeSyscall, sys.FlagSleepable) != unix.EINVAL
}

// parseKernelTypes makes the kernel parse its own BTF, and reports whether it may have done so.
// Linux 5.10 does so when the verifier runs for the first time after a boot (bpf_check). Before
// that, creating a struct_ops map fails with ENOTSUPP (bpf_struct_ops_find_value).
func parseKernelTypes() bool {
	return loadEmpty(sys.ProgTypeSocketFilter, 0) == 0
}

// loadEmpty loads a program that only returns 0, and closes it.
func loadEmpty(progType, flags uint32) unix.Errno {
	insns := &[...]sys.Insn{{Code: sys.OpMovImm}, {Code: sys.OpExit}}
	license, keep := sys.CString("GPL")
	attr := &sys.ProgLoadAttr{
		ProgType: progType, ProgFlags: flags, License: license,
		Insns: sys.Addr(unsafe.Pointer(insns)), InsnCnt: uint32(len(insns)),
	}
	errno := unix.EAGAIN
	for range maxAttempts {
		var num int
		num, errno = sys.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), unsafe.Offsetof(attr.AttachBtfId))
		if errno == 0 {
			unix.Close(num)
		}
		if errno != unix.EAGAIN {
			break
		}
	}
	_ = keep
	return errno
}
