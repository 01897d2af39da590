package sameload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// runIterator loads a BPF iterator over a kind of kernel object, runs it, and returns what it wrote. The system
// calls are made here because cilium/ebpf decodes all of vmlinux BTF for every such program.
func runIterator(target string, insns asm.Instructions) ([]byte, error) {
	prog, err := loadIterator(target, insns)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer unix.Close(prog)

	link := struct{ progFD, targetFD, attachType, flags uint32 }{progFD: uint32(prog), attachType: unix.BPF_TRACE_ITER}
	linkFD, err := bpf(unix.BPF_LINK_CREATE, unsafe.Pointer(&link), unsafe.Sizeof(link))
	if err != nil {
		return nil, fmt.Errorf("attach: %w", err)
	}
	defer unix.Close(linkFD)

	iter := struct{ linkFD, flags uint32 }{linkFD: uint32(linkFD)}
	iterFD, err := bpf(unix.BPF_ITER_CREATE, unsafe.Pointer(&iter), unsafe.Sizeof(iter))
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	f := os.NewFile(uintptr(iterFD), "iterator over "+target)
	defer f.Close()
	return io.ReadAll(f)
}

func loadIterator(target string, insns asm.Instructions) (int, error) {
	spec, err := vmlinux()
	if err != nil {
		return -1, err
	}
	var fn *btf.Func
	if err := spec.TypeByName("bpf_iter_"+target, &fn); err != nil {
		return -1, err
	}
	id, err := spec.TypeID(fn)
	if err != nil {
		return -1, err
	}
	var raw bytes.Buffer
	if err := insns.Marshal(&raw, byteOrder()); err != nil {
		return -1, err
	}
	license := append([]byte("GPL"), 0)
	attr := progLoadAttr{
		progType: unix.BPF_PROG_TYPE_TRACING, expectedAttachType: unix.BPF_TRACE_ITER, attachBtfID: uint32(id),
		insnCnt: uint32(raw.Len() / insnSize), insns: unsafe.Pointer(unsafe.SliceData(raw.Bytes())),
		license: unsafe.Pointer(unsafe.SliceData(license)),
	}
	return retryInterrupted(func() (int, error) {
		return bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	})
}

// byteOrder is this machine's: binary.NativeEndian is a type of its own, which asm does not know.
func byteOrder() binary.ByteOrder {
	if isLittleEndian {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

var isLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
