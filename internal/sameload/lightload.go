package sameload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Layout of the context of libbpf's loader: struct bpf_loader_ctx, a struct bpf_map_desc for each
// map, and a struct bpf_prog_desc for each program.
const (
	ctxHead     = 24 // sz, flags, log_level, log_size: 4 bytes each; log_buf: 8
	mapDescSize = 16 // map_fd, max_entries: 4 bytes each; initial_value: 8
	progDesc4   = 4  // prog_fd
)

// lightLoad runs libbpf's loader like the header of a light skeleton does, and returns the file
// descriptors of everything that it created. An errno is the kernel's refusal.
func lightLoad(s *LightSkeleton, defs mapDefs) (mapFDs, progFDs map[string]int, err error) {
	blob, err := loaderMap(s.Data)
	if err != nil {
		return nil, nil, fmt.Errorf("loader map: %w", err)
	}
	defer unix.Close(blob)
	prog, err := loaderProg(s.Insns, blob)
	if err != nil {
		return nil, nil, fmt.Errorf("loader program: %w", err)
	}
	defer unix.Close(prog)

	ctx := make([]byte, ctxHead+mapDescSize*len(s.Maps)+progDesc4*len(s.Programs))
	binary.NativeEndian.PutUint32(ctx, uint32(len(ctx)))
	for i, name := range s.Maps {
		if defs[name].entriesByCPUs {
			// libbpf used the number of CPUs of the machine that generated the skeleton.
			cpus, err := ebpf.PossibleCPU()
			if err != nil {
				return nil, nil, err
			}
			binary.NativeEndian.PutUint32(ctx[ctxHead+mapDescSize*i+4:], uint32(cpus))
		}
	}
	if err := runLoader(prog, ctx); err != nil {
		return nil, nil, err
	}

	mapFDs, progFDs = map[string]int{}, map[string]int{}
	for i, name := range s.Maps {
		if fd := int32(binary.NativeEndian.Uint32(ctx[ctxHead+mapDescSize*i:])); fd > 0 {
			mapFDs[name] = int(fd)
		}
	}
	names := slices.Clone(s.Programs)
	for i := range s.Programs {
		at := ctxHead + mapDescSize*len(s.Maps) + progDesc4*i
		fd := int(int32(binary.NativeEndian.Uint32(ctx[at:])))
		if fd <= 0 {
			continue
		}
		// Not names[i]: libbpf's loader counts only the programs that it loads, its header also
		// those with "?".
		var info sys.ProgInfo
		if err := objInfo(fd, &info); err != nil {
			return nil, nil, err
		}
		n := slices.IndexFunc(names, func(name string) bool { return name != "" && cut(name) == cString(info.Name[:]) })
		if n < 0 {
			return nil, nil, fmt.Errorf("libbpf's loader created a program %q, which the skeleton does not have", cString(info.Name[:]))
		}
		progFDs[names[n]] = fd
		names[n] = ""
	}
	return mapFDs, progFDs, nil
}

// cut truncates a name like the kernel.
func cut(name string) string { return name[:min(len(name), sys.ObjNameLen-1)] }

// loaderMap creates the array map for the blob.
func loaderMap(data []byte) (int, error) {
	attr := sys.MapCreateAttr{MapType: sys.MapTypeArray, KeySize: 4, ValueSize: uint32(len(data)), MaxEntries: 1}
	fd, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Offsetof(attr.MapFlags))
	if errno != 0 {
		return -1, errno
	}
	if err := elem(sys.CmdMapUpdateElem, fd, make([]byte, 4), data); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func loaderProg(insns []byte, blob int) (int, error) {
	fds := []int32{int32(blob)}
	fd, err := loadProg(sys.ProgLoadAttr{
		ProgType: sys.ProgTypeSyscall, ProgFlags: sys.FlagSleepable, FdArray: sys.Addr(unsafe.Pointer(&fds[0])),
	}, insns, "Dual BSD/GPL")
	runtime.KeepAlive(fds)
	return fd, err
}

// loadProg loads a program with these instructions. The attr ends after fd_array.
func loadProg(attr sys.ProgLoadAttr, insns []byte, license string) (int, error) {
	addr, keep := sys.CString(license)
	attr.License = addr
	attr.Insns, attr.InsnCnt = sys.BytesAddr(insns), uint32(len(insns))/insnSize
	fd, err := retryInterrupted(func() (int, error) {
		fd, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.CoreRelos))
		if errno != 0 {
			return -1, errno
		}
		return fd, nil
	})
	runtime.KeepAlive(keep)
	runtime.KeepAlive(insns)
	return fd, err
}

func runLoader(prog int, ctx []byte) error {
	_, err := retryInterrupted(func() (int, error) {
		attr := sys.ProgRunAttr{ProgFd: uint32(prog), CtxSizeIn: uint32(len(ctx)), CtxIn: sys.BytesAddr(ctx)}
		_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&attr), unsafe.Offsetof(attr.BatchSize))
		runtime.KeepAlive(ctx)
		if errno != 0 {
			return 0, fmt.Errorf("run loader: %w", errno)
		}
		if ret := int32(attr.Retval); ret < 0 {
			return 0, unix.Errno(-ret)
		}
		return 0, nil
	})
	return err
}

// retryInterrupted repeats a program load that a signal interrupted: the verifier returns EAGAIN if
// one is pending, and Go's runtime sends some. Signals are blocked on this thread, so there are
// few.
func retryInterrupted(f func() (int, error)) (r int, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old); err != nil {
		return 0, err
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	for range 5 {
		if r, err = f(); !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	return r, err
}
