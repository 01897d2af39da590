package codegen

import (
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/section"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A mapForm is a type in package runtime for a kind of map.
type mapForm struct {
	name string // "" for *runtime.Map
	args mapArgs
}

// mapArgs describes the type arguments of a mapForm.
type mapArgs uint8

const (
	noTypes mapArgs = iota
	keyOnly
	valueOnly
	keyValue
	recordOnly // not in the map's definition: see generator.recordType
	innerOnly
	keyInner
)

// mapForms holds the Go type for each map type. Other map types are *runtime.Map.
var mapForms = map[uint32]mapForm{
	sys.MapTypeHash:                {"HashMap", keyValue},
	sys.MapTypeArray:               {"ArrayMap", valueOnly},
	sys.MapTypeProgArray:           {"ProgramArray", noTypes},
	sys.MapTypePerfEventArray:      {"PerfEventArray", recordOnly},
	sys.MapTypePerCPUHash:          {"PerCPUHashMap", keyValue},
	sys.MapTypePerCPUArray:         {"PerCPUArrayMap", valueOnly},
	sys.MapTypeStackTrace:          {"StackTraceMap", noTypes},
	sys.MapTypeCgroupArray:         {"CgroupArray", noTypes},
	sys.MapTypeLRUHash:             {"HashMap", keyValue},
	sys.MapTypeLRUPerCPUHash:       {"PerCPUHashMap", keyValue},
	sys.MapTypeLPMTrie:             {"LPMTrie", keyValue},
	sys.MapTypeArrayOfMaps:         {"ArrayOfMaps", innerOnly},
	sys.MapTypeHashOfMaps:          {"HashOfMaps", keyInner},
	sys.MapTypeDevMap:              {"DevMap", noTypes},
	sys.MapTypeSockMap:             {"SockMap", noTypes},
	sys.MapTypeCPUMap:              {"CPUMap", noTypes},
	sys.MapTypeXSKMap:              {"XSKMap", noTypes},
	sys.MapTypeSockHash:            {"SockHash", keyOnly},
	sys.MapTypeCgroupStorage:       {"CgroupStorage", keyValue},
	sys.MapTypeReuseportSockArray:  {"SockMap", noTypes},
	sys.MapTypePerCPUCgroupStorage: {"PerCPUCgroupStorage", keyValue},
	sys.MapTypeQueue:               {"QueueMap", valueOnly},
	sys.MapTypeStack:               {"StackMap", valueOnly},
	sys.MapTypeSKStorage:           {"LocalStorage", valueOnly},
	sys.MapTypeDevMapHash:          {"DevMap", noTypes},
	sys.MapTypeRingBuf:             {"RingBuf", recordOnly},
	sys.MapTypeInodeStorage:        {"LocalStorage", valueOnly},
	sys.MapTypeTaskStorage:         {"LocalStorage", valueOnly},
	sys.MapTypeBloomFilter:         {"BloomFilter", valueOnly},
	sys.MapTypeUserRingBuf:         {"UserRingBuf", recordOnly},
	sys.MapTypeCgrpStorage:         {"LocalStorage", valueOnly},
	sys.MapTypeArena:               {"Arena", noTypes},
	sys.MapTypeRHash:               {"HashMap", keyValue},
	sys.MapTypeStructOps:           {"StructOpsMap", noTypes}, // constructed by bindStructOps
}

// programKinds holds the Go type for each program type: a type in package runtime with the methods
// for that program type.
var programKinds = map[uint32]string{
	sys.ProgTypeSocketFilter:          "SocketFilterProgram",
	sys.ProgTypeKprobe:                "KprobeProgram",
	sys.ProgTypeSchedCLS:              "SchedCLSProgram",
	sys.ProgTypeSchedACT:              "SchedACTProgram",
	sys.ProgTypeTracepoint:            "TracepointProgram",
	sys.ProgTypeXDP:                   "XDPProgram",
	sys.ProgTypePerfEvent:             "PerfEventProgram",
	sys.ProgTypeCgroupSKB:             "CgroupSKBProgram",
	sys.ProgTypeCgroupSock:            "CgroupProgram",
	sys.ProgTypeLWTIn:                 "LWTProgram",
	sys.ProgTypeLWTOut:                "LWTProgram",
	sys.ProgTypeLWTXmit:               "LWTProgram",
	sys.ProgTypeSockOps:               "CgroupProgram",
	sys.ProgTypeSKSKB:                 "SKSKBProgram",
	sys.ProgTypeCgroupDevice:          "CgroupProgram",
	sys.ProgTypeSKMsg:                 "SKMsgProgram",
	sys.ProgTypeRawTracepoint:         "RawTracepointProgram",
	sys.ProgTypeCgroupSockAddr:        "CgroupProgram",
	sys.ProgTypeLWTSeg6Local:          "LWTProgram",
	sys.ProgTypeLircMode2:             "LircMode2Program",
	sys.ProgTypeSKReuseport:           "SKReuseportProgram",
	sys.ProgTypeFlowDissector:         "FlowDissectorProgram",
	sys.ProgTypeCgroupSysctl:          "CgroupProgram",
	sys.ProgTypeRawTracepointWritable: "RawTracepointProgram",
	sys.ProgTypeCgroupSockopt:         "CgroupProgram",
	sys.ProgTypeTracing:               "TracingProgram",
	sys.ProgTypeStructOps:             "StructOpsProgram",
	sys.ProgTypeExt:                   "ExtProgram",
	sys.ProgTypeLSM:                   "LSMProgram",
	sys.ProgTypeSKLookup:              "SKLookupProgram",
	sys.ProgTypeSyscall:               "SyscallProgram",
	32:                                "NetfilterProgram", // BPF_PROG_TYPE_NETFILTER
}

// programKind returns the type in package runtime for a program, or "". Some program types have
// several, which the attach type or the section's name selects.
func programKind(p *object.Program) string {
	switch p.Type {
	case sys.ProgTypeKprobe:
		name := strings.TrimPrefix(p.Section, "?")
		switch {
		case p.ExpectedAttachType == sys.AttachTraceKprobeMulti, p.ExpectedAttachType == sys.AttachTraceKprobeSession:
			return "KprobeMultiProgram"
		case strings.HasPrefix(name, "usdt"):
			return "USDTProgram"
		case p.ExpectedAttachType == sys.AttachTraceUprobeMulti, p.ExpectedAttachType == sys.AttachTraceUprobeSession:
			return "UprobeMultiProgram"
		case strings.HasPrefix(name, "u"): // uprobe, uretprobe
			return "UprobeProgram"
		}
	case sys.ProgTypeTracing:
		switch {
		case p.ExpectedAttachType == sys.AttachTraceIter:
			return "IterProgram"
		case section.IsTracingMulti(p.ExpectedAttachType):
			return "TracingMultiProgram"
		}
	case sys.ProgTypeLSM:
		if p.ExpectedAttachType == sys.AttachLSMCgroup {
			return "CgroupProgram"
		}
	}
	return programKinds[p.Type]
}
