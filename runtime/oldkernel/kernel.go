package oldkernel

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/core"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// kernel makes the system calls of a load, each adapted to the running kernel. It implements
// load.Kernel, and must not be used concurrently.
type kernel struct {
	spec  *spec.Spec
	types *types     // the kernel's
	core  *core.Core // nil if the object has no CO-RE relocations
	btf   []byte     // the object's BTF as this kernel accepted it, nil before that
	// raised is set once RLIMIT_MEMLOCK has been raised for this load.
	raised bool
	// failed is the reason why the last program could not be prepared for the kernel.
	failed error
}

func newKernel(s *spec.Spec, target *btf.Spec) (*kernel, error) {
	k := &kernel{spec: s, types: &types{given: target}}
	if target == nil && slices.ContainsFunc(s.Programs, func(p spec.ProgramSpec) bool { return p.CORERelos != 0 }) {
		k.types.readAhead()
	}
	var err error
	k.core, err = core.New(s, k.types)
	return k, err
}

// wait returns once the load has nothing open any more.
func (k *kernel) wait() { k.types.reading.Wait() }

// BPF implements load.Kernel.
func (k *kernel) BPF(cmd sys.Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	switch cmd {
	case sys.CmdBtfLoad:
		return k.loadBTF(attr, size)
	case sys.CmdMapCreate:
		return k.createMap(attr, size)
	case sys.CmdProgLoad:
		return k.loadProgram(attr, size)
	}
	return k.call(cmd, attr, size)
}

// maxAttempts is how often a system call is made that signals interrupt.
const maxAttempts = 64

// call makes a system call. It retries if a signal was pending, or if the limit on locked memory
// was too low and could be raised.
func (k *kernel) call(cmd sys.Cmd, attr unsafe.Pointer, size uintptr) (num int, errno unix.Errno) {
	for range maxAttempts {
		num, errno = sys.BPF(cmd, attr, size)
		switch errno {
		case unix.EAGAIN, unix.EINTR:
			continue
		case unix.EPERM:
			if k.raiseMemlock() {
				continue
			}
		}
		break
	}
	return num, errno
}

// raiseMemlock removes the limit on locked memory, which BPF objects count against before Linux
// 5.11 (bpf_charge_memlock). It does so once, and reports whether it did.
func (k *kernel) raiseMemlock() bool {
	if k.raised || probed().memcg {
		return false
	}
	k.raised = true
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) != nil || limit.Cur == unix.RLIM_INFINITY {
		return false
	}
	return unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}) == nil
}

// attrOf returns a copy of an attr of the given size.
func attrOf[T any](attr unsafe.Pointer, size uintptr) (*T, uintptr) {
	whole := new(T)
	size = min(size, unsafe.Sizeof(*whole))
	copy(unsafe.Slice((*byte)(unsafe.Pointer(whole)), size), unsafe.Slice((*byte)(attr), size))
	return whole, size
}

// createMap creates a map, without BTF if an old kernel does not accept it for maps of this type.
func (k *kernel) createMap(p unsafe.Pointer, size uintptr) (int, unix.Errno) {
	attr, size := attrOf[sys.MapCreateAttr](p, size)
	num, errno := k.call(sys.CmdMapCreate, unsafe.Pointer(attr), size)
	if errno == sys.ENOTSUPP && attr.MapType == sys.MapTypeStructOps && parseKernelTypes() {
		num, errno = k.call(sys.CmdMapCreate, unsafe.Pointer(attr), size)
	}
	if errno == 0 || attr.BtfKeyTypeId|attr.BtfValueTypeId == 0 || probed().core ||
		errno != unix.EINVAL && errno != sys.ENOTSUPP && errno != unix.EOPNOTSUPP {
		return num, errno
	}
	attr.BtfFd, attr.BtfKeyTypeId, attr.BtfValueTypeId = 0, 0, 0
	if num, again := k.call(sys.CmdMapCreate, unsafe.Pointer(attr), size); again == 0 {
		return num, 0
	}
	return -1, errno
}

// loadProgram resolves a program's CO-RE relocations, adapts its references to maps to this kernel,
// and loads it.
func (k *kernel) loadProgram(p unsafe.Pointer, size uintptr) (int, unix.Errno) {
	attr, size := attrOf[sys.ProgLoadAttr](p, size)
	if attr.InsnCnt == 0 {
		return -1, unix.E2BIG // program not wanted: the same error as from the kernel
	}
	insns := append([]sys.Insn(nil), unsafe.Slice((*sys.Insn)(pointer(attr.Insns)), attr.InsnCnt)...)
	if attr.CoreReloCnt > 0 {
		relos := unsafe.Slice((*sys.CoreRelo)(pointer(attr.CoreRelos)), attr.CoreReloCnt)
		if err := k.core.Apply(insns, relos); err != nil {
			k.failed = err
			return -1, errnoOr(err, unix.EINVAL)
		}
		attr.CoreRelos, attr.CoreReloCnt, attr.CoreReloRecSize = 0, 0, 0
	}
	if attr.FdArray != 0 && !probed().fdArray {
		nameByFD(insns, pointer(attr.FdArray))
		attr.FdArray = 0
	}
	attr.Insns = sys.Addr(unsafe.Pointer(&insns[0]))
	num, errno := k.call(sys.CmdProgLoad, unsafe.Pointer(attr), size)
	runtime.KeepAlive(insns)
	return num, errno
}

// errnoOr returns the errno in err, or otherwise if there is none.
func errnoOr(err error, otherwise unix.Errno) unix.Errno {
	if errno := sys.ErrnoOf(err); errno != 0 {
		return errno
	}
	return otherwise
}

// nameByFD makes instructions refer to maps by file descriptor, as was done before fd_array (5.14).
func nameByFD(insns []sys.Insn, fds unsafe.Pointer) {
	for i := 0; i < len(insns); i++ {
		if insns[i].Code != sys.OpLdImm64 {
			continue
		}
		pseudo := uint8(0)
		switch core.SourceOf(insns[i]) {
		case sys.PseudoMapIdx:
			pseudo = sys.PseudoMapFd
		case sys.PseudoMapIdxValue:
			pseudo = sys.PseudoMapValue
		}
		if pseudo != 0 {
			insns[i].Imm = *(*int32)(unsafe.Add(fds, 4*int(insns[i].Imm)))
			core.SetSource(&insns[i], pseudo)
		}
		i++ // its second half
	}
}

// pointer converts the address in a field of an attr to a pointer. The memory belongs to the
// interpreter, or the caller keeps it alive.
func pointer(address uint64) unsafe.Pointer {
	at := uintptr(address)
	return *(*unsafe.Pointer)(unsafe.Pointer(&at))
}
