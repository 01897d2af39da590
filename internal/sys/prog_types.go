package sys

// enum bpf_prog_type, include/uapi/linux/bpf.h.
const (
	ProgTypeSocketFilter = iota + 1
	ProgTypeKprobe
	ProgTypeSchedCLS
	ProgTypeSchedACT
	ProgTypeTracepoint
	ProgTypeXDP
	ProgTypePerfEvent
	ProgTypeCgroupSKB
	ProgTypeCgroupSock
	ProgTypeLWTIn
	ProgTypeLWTOut
	ProgTypeLWTXmit
	ProgTypeSockOps
	ProgTypeSKSKB
	ProgTypeCgroupDevice
	ProgTypeSKMsg
	ProgTypeRawTracepoint
	ProgTypeCgroupSockAddr
	ProgTypeLWTSeg6Local
	ProgTypeLircMode2
	ProgTypeSKReuseport
	ProgTypeFlowDissector
	ProgTypeCgroupSysctl
	ProgTypeRawTracepointWritable
	ProgTypeCgroupSockopt
	ProgTypeTracing
	ProgTypeStructOps
	ProgTypeExt
	ProgTypeLSM
	ProgTypeSKLookup
	ProgTypeSyscall   // 5.14
	ProgTypeNetfilter // 6.4
)
