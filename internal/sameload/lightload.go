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
)

// Layout of the context of libbpf's loader: struct bpf_loader_ctx, then a struct bpf_map_desc for each map, then
// a struct bpf_prog_desc for each program.
const (
	ctxHead     = 24 // sz, flags, log_level, log_size: 4 bytes each; log_buf: 8
	mapDescSize = 16 // map_fd, max_entries: 4 bytes each; initial_value: 8
	progDesc4   = 4  // prog_fd
)

// lightLoad runs libbpf's loader, as the header of a light skeleton does, and gives the file descriptors of
// all that it made. An errno is the kernel's refusal.
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
			// libbpf took the number of CPUs of the machine that made the skeleton.
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
		// Not names[i]: libbpf's loader counts only the programs that it loads, its header counts those with "?" too.
		var info progInfo
		if err := objInfo(fd, &info); err != nil {
			return nil, nil, err
		}
		n := slices.IndexFunc(names, func(name string) bool { return name != "" && cut(name) == cString(info.Name[:]) })
		if n < 0 {
			return nil, nil, fmt.Errorf("libbpf's loader made a program %q, which the skeleton does not have", cString(info.Name[:]))
		}
		progFDs[names[n]] = fd
		names[n] = ""
	}
	return mapFDs, progFDs, nil
}

// cut cuts a name as the kernel keeps it.
func cut(name string) string { return name[:min(len(name), unix.BPF_OBJ_NAME_LEN-1)] }

// loaderMap creates the array map with the blob.
func loaderMap(data []byte) (int, error) {
	attr := struct{ mapType, keySize, valueSize, maxEntries uint32 }{
		unix.BPF_MAP_TYPE_ARRAY, 4, uint32(len(data)), 1,
	}
	fd, err := bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return -1, err
	}
	if err := elem(unix.BPF_MAP_UPDATE_ELEM, fd, make([]byte, 4), data); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// progLoadAttr is the part of union bpf_attr that BPF_PROG_LOAD needs for the programs of this package.
type progLoadAttr struct {
	progType           uint32
	insnCnt            uint32
	insns              unsafe.Pointer
	license            unsafe.Pointer
	logLevel           uint32
	logSize            uint32
	logBuf             uint64
	kernVersion        uint32
	progFlags          uint32
	progName           [unix.BPF_OBJ_NAME_LEN]byte
	progIfindex        uint32
	expectedAttachType uint32
	_                  [36]byte // prog_btf_fd, func info and line info
	attachBtfID        uint32
	attachProgFD       uint32
	coreReloCnt        uint32
	fdArray            unsafe.Pointer
}

func loaderProg(insns []byte, blob int) (int, error) {
	fds := []int32{int32(blob)}
	license := append([]byte("Dual BSD/GPL"), 0)
	attr := progLoadAttr{
		progType: unix.BPF_PROG_TYPE_SYSCALL, progFlags: unix.BPF_F_SLEEPABLE,
		insnCnt: uint32(len(insns) / insnSize), insns: unsafe.Pointer(unsafe.SliceData(insns)),
		license: unsafe.Pointer(unsafe.SliceData(license)), fdArray: unsafe.Pointer(unsafe.SliceData(fds)),
	}
	return retryInterrupted(func() (int, error) {
		return bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	})
}

// testRunAttr is the part of union bpf_attr that BPF_PROG_TEST_RUN uses.
type testRunAttr struct {
	progFD     uint32
	retval     uint32
	_          [32]byte // data_size_in to duration
	ctxSizeIn  uint32
	ctxSizeOut uint32
	ctxIn      unsafe.Pointer
	ctxOut     unsafe.Pointer
	_          [16]byte // flags, cpu, batch_size
}

func runLoader(prog int, ctx []byte) error {
	_, err := retryInterrupted(func() (int, error) {
		attr := testRunAttr{progFD: uint32(prog), ctxSizeIn: uint32(len(ctx)), ctxIn: unsafe.Pointer(unsafe.SliceData(ctx))}
		if _, err := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
			return 0, fmt.Errorf("run loader: %w", err)
		}
		if ret := int32(attr.retval); ret < 0 {
			return 0, unix.Errno(-ret)
		}
		return 0, nil
	})
	return err
}

// retryInterrupted tries again when a program load was interrupted by a signal: Go sends itself signals, and the
// verifier gives up with EAGAIN when one is pending. Signals are blocked on this thread so that there are few.
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
