package sigload

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The parts of union bpf_attr that are used here, with the kernel's names.

type mapCreate struct {
	MapType, KeySize, ValueSize, MaxEntries, MapFlags, InnerMapFd, NumaNode uint32
	MapName                                                                 [16]byte
	MapIfindex, BtfFd, BtfKeyTypeID, BtfValueTypeID, BtfVmlinuxValueTypeID  uint32
	MapExtra                                                                uint64
	ValueTypeBtfObjFd, MapTokenFd                                           int32
	ExclProgHash                                                            uint64
	ExclProgHashSize, _                                                     uint32
}

type mapElem struct {
	MapFd, _          uint32
	Key, Value, Flags uint64
}

type progLoad struct {
	ProgType, InsnCnt                                   uint32
	Insns, License                                      uint64
	LogLevel, LogSize                                   uint32
	LogBuf                                              uint64
	KernVersion, ProgFlags                              uint32
	ProgName                                            [16]byte
	ProgIfindex, ExpectedAttachType                     uint32
	ProgBtfFd, FuncInfoRecSize                          uint32
	FuncInfo                                            uint64
	FuncInfoCnt, LineInfoRecSize                        uint32
	LineInfo                                            uint64
	LineInfoCnt, AttachBtfID, AttachBtfObjFd, CoreRelos uint32
	FdArray, CoreRelosAt                                uint64
	CoreReloRecSize, LogTrueSize                        uint32
	ProgTokenFd                                         int32
	FdArrayCnt                                          uint32
	Signature                                           uint64
	SignatureSize                                       uint32
	KeyringID                                           int32
}

type progRun struct {
	ProgFd, Retval, DataSizeIn, DataSizeOut uint32
	DataIn, DataOut                         uint64
	Repeat, Duration, CtxSizeIn, CtxSizeOut uint32
	CtxIn, CtxOut                           uint64
	Flags, Cpu, BatchSize, _                uint32
}

type objInfo struct {
	BpfFd, InfoLen uint32
	Info           uint64
}

// mapInfo is the beginning of struct bpf_map_info, up to the hash.
type mapInfo struct {
	_        [80]byte
	MapExtra uint64
	Hash     uint64
	HashSize uint32
	_        uint32
}

type btfLoad struct {
	Btf, BtfLogBuf                      uint64
	BtfSize, BtfLogSize, BtfLogLevel, _ uint32
}

// memory holds what attrs point to. It is not on a stack, since stacks move.
type memory struct{ kept [][]byte }

// addr copies data and returns the address of the copy.
func (m *memory) addr(b []byte) uint64 {
	p := append(make([]byte, 0, len(b)+1), b...)
	p = p[:len(b)+1]
	m.kept = append(m.kept, p)
	return uint64(uintptr(unsafe.Pointer(&p[0])))
}

// bpf makes the system call with an attr of the given size. Memory that the attr refers to by
// address must be in m.
func bpf[T any](cmd uintptr, attr *T, m *memory) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, cmd, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	runtime.KeepAlive(m)
	if errno != 0 {
		return -1, errno
	}
	return int(r), nil
}
