// Package sys defines the parts of the kernel's BPF interface that this project uses: the structs
// of include/uapi/linux/bpf.h and of linux/btf.h, with the kernel's field names. The loader takes
// offsets and sizes from them, and the runtime passes them to the bpf system call.
//
// It imports only the standard library and golang.org/x/sys/unix, since it is part of every user's
// binary.
package sys

// MapCreateAttr is the part of union bpf_attr for BPF_MAP_CREATE.
type MapCreateAttr struct {
	MapType               uint32
	KeySize               uint32
	ValueSize             uint32
	MaxEntries            uint32
	MapFlags              uint32
	InnerMapFd            uint32
	NumaNode              uint32
	MapName               [16]byte
	MapIfindex            uint32
	BtfFd                 uint32
	BtfKeyTypeId          uint32
	BtfValueTypeId        uint32
	BtfVmlinuxValueTypeId uint32
	MapExtra              uint64
	ValueTypeBtfObjFd     int32  // 6.9
	MapTokenFd            int32  // 6.9
	ExclProgHash          uint64 // 6.18
	ExclProgHashSize      uint32 // 6.18
	_                     uint32
}

// MapElemAttr is the part for BPF_MAP_*_ELEM and BPF_MAP_GET_NEXT_KEY, and
// with MapFd alone for BPF_MAP_FREEZE.
type MapElemAttr struct {
	MapFd uint32
	_     uint32
	Key   uint64
	Value uint64 // next_key for BPF_MAP_GET_NEXT_KEY
	Flags uint64
}

// MapBatchAttr is the part for BPF_MAP_*_BATCH.
type MapBatchAttr struct {
	InBatch   uint64
	OutBatch  uint64
	Keys      uint64
	Values    uint64
	Count     uint32
	MapFd     uint32
	ElemFlags uint64
	Flags     uint64
}

// ProgLoadAttr is the part for BPF_PROG_LOAD.
type ProgLoadAttr struct {
	ProgType           uint32
	InsnCnt            uint32
	Insns              uint64
	License            uint64
	LogLevel           uint32
	LogSize            uint32
	LogBuf             uint64
	KernVersion        uint32
	ProgFlags          uint32
	ProgName           [16]byte
	ProgIfindex        uint32
	ExpectedAttachType uint32
	ProgBtfFd          uint32
	FuncInfoRecSize    uint32
	FuncInfo           uint64
	FuncInfoCnt        uint32
	LineInfoRecSize    uint32
	LineInfo           uint64
	LineInfoCnt        uint32
	AttachBtfId        uint32
	AttachBtfObjFd     uint32 // union with attach_prog_fd
	CoreReloCnt        uint32
	FdArray            uint64
	CoreRelos          uint64
	CoreReloRecSize    uint32
	LogTrueSize        uint32 // 6.4
	ProgTokenFd        int32  // 6.9
	FdArrayCnt         uint32 // 6.14
	Signature          uint64 // 6.18
	SignatureSize      uint32 // 6.18
	KeyringId          int32  // 6.18
}

// BtfLoadAttr is the part for BPF_BTF_LOAD.
type BtfLoadAttr struct {
	Btf            uint64
	BtfLogBuf      uint64
	BtfSize        uint32
	BtfLogSize     uint32
	BtfLogLevel    uint32
	BtfLogTrueSize uint32 // 6.4
	BtfFlags       uint32 // 6.9
	BtfTokenFd     int32  // 6.9
}

// ProgRunAttr is the part for BPF_PROG_TEST_RUN, also called BPF_PROG_RUN.
type ProgRunAttr struct {
	ProgFd      uint32
	Retval      uint32
	DataSizeIn  uint32
	DataSizeOut uint32
	DataIn      uint64
	DataOut     uint64
	Repeat      uint32
	Duration    uint32
	CtxSizeIn   uint32
	CtxSizeOut  uint32
	CtxIn       uint64
	CtxOut      uint64
	Flags       uint32
	Cpu         uint32
	BatchSize   uint32
	_           uint32
}
