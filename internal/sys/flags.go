package sys

// Flags of map_flags, for BPF_MAP_CREATE.
const (
	FlagNoPrealloc    = 1 << 0
	FlagNoCommonLRU   = 1 << 1
	FlagNumaNode      = 1 << 2
	FlagRdonly        = 1 << 3
	FlagWronly        = 1 << 4
	FlagStackBuildID  = 1 << 5
	FlagZeroSeed      = 1 << 6
	FlagRdonlyProg    = 1 << 7
	FlagWronlyProg    = 1 << 8
	FlagClone         = 1 << 9
	FlagMmapable      = 1 << 10
	FlagPreserveElems = 1 << 11
	FlagInnerMap      = 1 << 12
	FlagLink          = 1 << 13 // of a struct_ops map; also for BPF_PROG_ATTACH and BPF_LINK_CREATE
	FlagVtypeBtfObjFd = 1 << 15 // 6.9
	FlagTokenFd       = 1 << 16 // 6.9, also for BPF_PROG_LOAD and BPF_BTF_LOAD
	FlagSegvOnFault   = 1 << 17 // 6.9
	FlagRbOverwrite   = 1 << 19 // 6.19
)

// Flags of elements, for BPF_MAP_UPDATE_ELEM and others.
const (
	ElemAny     = 0
	ElemNoExist = 1
	ElemExist   = 2
	FlagLock    = 4
)

// Flags of prog_flags, for BPF_PROG_LOAD.
const (
	FlagSleepable   = 1 << 4
	FlagXDPHasFrags = 1 << 5
)

// Flags of attachments, each for some of the commands and attach types.
const (
	FlagReplace           = 1 << 2
	FlagBefore            = 1 << 3
	FlagAfter             = 1 << 4
	FlagID                = 1 << 5
	FlagNetfilterIPDefrag = 1 << 0
	FlagKprobeMultiReturn = 1 << 0
	FlagUprobeMultiReturn = 1 << 0
	FlagTestXDPLiveFrames = 1 << 1 // for BPF_PROG_RUN
)

// The header of a record in a ring buffer.
const (
	RingbufBusyBit    = 1 << 31
	RingbufDiscardBit = 1 << 30
	RingbufHdrSz      = 8
)

// ObjNameLen is the size of names of maps, programs and links, with a zero byte at the end.
const ObjNameLen = 16
