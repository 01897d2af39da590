package runtime

// enum bpf_attach_type, where golang.org/x/sys/unix has it not.
const (
	attachTCXIngress    = 46
	attachTCXEgress     = 47
	attachUprobeMulti   = 48
	attachNetkitPrimary = 54
	attachNetkitPeer    = 55
	attachKprobeSession = 56
	attachUprobeSession = 57
)

// enum bpf_prog_type.
const (
	progTypeSocketFilter = iota + 1
	progTypeKprobe
	progTypeSchedCLS
	progTypeSchedACT
	progTypeTracepoint
	progTypeXDP
	progTypePerfEvent
	progTypeCgroupSKB
	progTypeCgroupSock
	progTypeLWTIn
	progTypeLWTOut
	progTypeLWTXmit
	progTypeSockOps
	progTypeSKSKB
	progTypeCgroupDevice
	progTypeSKMsg
	progTypeRawTracepoint
	progTypeCgroupSockAddr
	progTypeLWTSeg6Local
	progTypeLircMode2
	progTypeSKReuseport
	progTypeFlowDissector
	progTypeCgroupSysctl
	progTypeRawTracepointWritable
	progTypeCgroupSockopt
	progTypeTracing
	progTypeStructOps
	progTypeExt
	progTypeLSM
	progTypeSKLookup
	progTypeSyscall
	progTypeNetfilter
)
