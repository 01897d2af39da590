package sameload

import (
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapInfo is struct bpf_map_info of Linux 5.16 and later, whose field map_extra is the last that matters here.
type mapInfo struct {
	Type                  uint32
	ID                    uint32
	KeySize               uint32
	ValueSize             uint32
	MaxEntries            uint32
	MapFlags              uint32
	Name                  [16]byte
	Ifindex               uint32
	BtfVmlinuxValueTypeID uint32
	NetnsDev              uint64
	NetnsIno              uint64
	BtfID                 uint32
	BtfKeyTypeID          uint32
	BtfValueTypeID        uint32
	BtfVmlinuxID          uint32
	MapExtra              uint64
}

// progInfo is struct bpf_prog_info of Linux 6.0 and later.
type progInfo struct {
	Type                 uint32
	ID                   uint32
	Tag                  [8]byte
	JitedProgLen         uint32
	XlatedProgLen        uint32
	JitedProgInsns       unsafe.Pointer
	XlatedProgInsns      unsafe.Pointer
	LoadTime             uint64
	CreatedByUID         uint32
	NrMapIDs             uint32
	MapIDs               unsafe.Pointer
	Name                 [16]byte
	Ifindex              uint32
	GPLCompatible        uint32 // a bit field of one bit
	NetnsDev             uint64
	NetnsIno             uint64
	NrJitedKsyms         uint32
	NrJitedFuncLens      uint32
	JitedKsyms           unsafe.Pointer
	JitedFuncLens        unsafe.Pointer
	BtfID                uint32
	FuncInfoRecSize      uint32
	FuncInfo             unsafe.Pointer
	NrFuncInfo           uint32
	NrLineInfo           uint32
	LineInfo             unsafe.Pointer
	JitedLineInfo        unsafe.Pointer
	NrJitedLineInfo      uint32
	LineInfoRecSize      uint32
	JitedLineInfoRecSize uint32
	NrProgTags           uint32
	ProgTags             unsafe.Pointer
	RunTimeNs            uint64
	RunCnt               uint64
	RecursionMisses      uint64
	VerifiedInsns        uint32
	AttachBtfObjID       uint32
	AttachBtfID          uint32
	_                    uint32
}

// bpf is the system call. attr points to a union bpf_attr of the given size. Its pointers are Go pointers, so that
// what they point to stays where it is; all machines that run this have pointers of 64 bits.
func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}

// objInfo fills info, a struct bpf_map_info, bpf_prog_info or bpf_btf_info, from a file descriptor.
func objInfo[T mapInfo | progInfo | btfInfo](fd int, info *T) error {
	attr := struct {
		fd      uint32
		infoLen uint32
		info    unsafe.Pointer
	}{uint32(fd), uint32(unsafe.Sizeof(*info)), unsafe.Pointer(info)}
	_, err := bpf(unix.BPF_OBJ_GET_INFO_BY_FD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return fmt.Errorf("BPF_OBJ_GET_INFO_BY_FD: %w", err)
	}
	return nil
}

// fdByID opens a map or a program by its id.
func fdByID(cmd int, id uint32) (int, error) {
	attr := struct{ id, next, flags uint32 }{id: id}
	return bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

// elemAttr is the part of union bpf_attr that the commands about map elements use.
type elemAttr struct {
	mapFD uint32
	_     uint32
	key   unsafe.Pointer
	value unsafe.Pointer // or next key
	flags uint64
}

func elem(cmd, fd int, key, value []byte) error {
	attr := elemAttr{mapFD: uint32(fd), key: unsafe.Pointer(unsafe.SliceData(key)), value: unsafe.Pointer(unsafe.SliceData(value))}
	_, err := bpf(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return err
}

// fdinfo is what /proc says about a file descriptor of this process, by field.
func fdinfo(fd int) (map[string]string, error) {
	return readFdinfo(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
}

func readFdinfo(path string) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			fields[key] = strings.TrimSpace(value)
		}
	}
	return fields, nil
}
