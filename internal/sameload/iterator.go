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

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// runIterator loads a BPF iterator over a kind of kernel object, runs it, and returns its output.
// It makes the system calls itself because cilium/ebpf would decode all of vmlinux's BTF for each
// program.
func runIterator(target string, insns asm.Instructions) ([]byte, error) {
	prog, err := loadIterator(target, insns)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer unix.Close(prog)

	link := sys.LinkCreateAttr{ProgFd: uint32(prog), AttachType: sys.AttachTraceIter}
	linkFD, errno := sys.BPF(sys.CmdLinkCreate, unsafe.Pointer(&link), unsafe.Offsetof(link.Tail))
	if errno != 0 {
		return nil, fmt.Errorf("attach: %w", errno)
	}
	defer unix.Close(linkFD)

	iter := sys.IterCreateAttr{LinkFd: uint32(linkFD)}
	iterFD, errno := sys.BPF(sys.CmdIterCreate, unsafe.Pointer(&iter), unsafe.Sizeof(iter))
	if errno != 0 {
		return nil, fmt.Errorf("open: %w", errno)
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
	return loadProg(sys.ProgLoadAttr{
		ProgType: sys.ProgTypeTracing, ExpectedAttachType: sys.AttachTraceIter, AttachBtfId: uint32(id),
	}, raw.Bytes(), "GPL")
}

// byteOrder is this machine's byte order. asm does not accept binary.NativeEndian.
func byteOrder() binary.ByteOrder {
	if isLittleEndian {
		return binary.LittleEndian
	}
	return binary.BigEndian
}

var isLittleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
