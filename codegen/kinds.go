package codegen

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A mapForm is a type of package runtime for a kind of map.
type mapForm struct {
	name string // "" for *runtime.Map
	args mapArgs
}

// mapArgs says which type arguments a mapForm has.
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

// mapForms says what each map type is in Go; what is not in it has no more than *runtime.Map has.
var mapForms = map[uint32]mapForm{
	unix.BPF_MAP_TYPE_HASH:                  {"HashMap", keyValue},
	unix.BPF_MAP_TYPE_ARRAY:                 {"ArrayMap", valueOnly},
	unix.BPF_MAP_TYPE_PROG_ARRAY:            {"ProgramArray", noTypes},
	unix.BPF_MAP_TYPE_PERF_EVENT_ARRAY:      {"PerfEventArray", recordOnly},
	unix.BPF_MAP_TYPE_PERCPU_HASH:           {"PerCPUHashMap", keyValue},
	unix.BPF_MAP_TYPE_PERCPU_ARRAY:          {"PerCPUArrayMap", valueOnly},
	unix.BPF_MAP_TYPE_STACK_TRACE:           {"StackTraceMap", noTypes},
	unix.BPF_MAP_TYPE_CGROUP_ARRAY:          {"CgroupArray", noTypes},
	unix.BPF_MAP_TYPE_LRU_HASH:              {"HashMap", keyValue},
	unix.BPF_MAP_TYPE_LRU_PERCPU_HASH:       {"PerCPUHashMap", keyValue},
	unix.BPF_MAP_TYPE_LPM_TRIE:              {"LPMTrie", keyValue},
	unix.BPF_MAP_TYPE_ARRAY_OF_MAPS:         {"ArrayOfMaps", innerOnly},
	unix.BPF_MAP_TYPE_HASH_OF_MAPS:          {"HashOfMaps", keyInner},
	unix.BPF_MAP_TYPE_DEVMAP:                {"DevMap", noTypes},
	unix.BPF_MAP_TYPE_SOCKMAP:               {"SockMap", noTypes},
	unix.BPF_MAP_TYPE_CPUMAP:                {"CPUMap", noTypes},
	unix.BPF_MAP_TYPE_XSKMAP:                {"XSKMap", noTypes},
	unix.BPF_MAP_TYPE_SOCKHASH:              {"SockHash", keyOnly},
	unix.BPF_MAP_TYPE_CGROUP_STORAGE:        {"CgroupStorage", keyValue},
	unix.BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:   {"SockMap", noTypes},
	unix.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE: {"PerCPUCgroupStorage", keyValue},
	unix.BPF_MAP_TYPE_QUEUE:                 {"QueueMap", valueOnly},
	unix.BPF_MAP_TYPE_STACK:                 {"StackMap", valueOnly},
	unix.BPF_MAP_TYPE_SK_STORAGE:            {"LocalStorage", valueOnly},
	unix.BPF_MAP_TYPE_DEVMAP_HASH:           {"DevMap", noTypes},
	unix.BPF_MAP_TYPE_RINGBUF:               {"RingBuf", recordOnly},
	unix.BPF_MAP_TYPE_INODE_STORAGE:         {"LocalStorage", valueOnly},
	unix.BPF_MAP_TYPE_TASK_STORAGE:          {"LocalStorage", valueOnly},
	sys.MapTypeBloomFilter:                  {"BloomFilter", valueOnly},
	sys.MapTypeUserRingBuf:                  {"UserRingBuf", recordOnly},
	sys.MapTypeCgrpStorage:                  {"LocalStorage", valueOnly},
	sys.MapTypeArena:                        {"Arena", noTypes},
	sys.MapTypeRHash:                        {"HashMap", keyValue},
}

// programKinds says what each program type is in Go: a type of package runtime that has the
// methods which make sense for it.
var programKinds = map[uint32]string{
	unix.BPF_PROG_TYPE_SOCKET_FILTER:           "SocketFilterProgram",
	unix.BPF_PROG_TYPE_KPROBE:                  "KprobeProgram",
	unix.BPF_PROG_TYPE_SCHED_CLS:               "SchedCLSProgram",
	unix.BPF_PROG_TYPE_SCHED_ACT:               "SchedACTProgram",
	unix.BPF_PROG_TYPE_TRACEPOINT:              "TracepointProgram",
	unix.BPF_PROG_TYPE_XDP:                     "XDPProgram",
	unix.BPF_PROG_TYPE_PERF_EVENT:              "PerfEventProgram",
	unix.BPF_PROG_TYPE_CGROUP_SKB:              "CgroupSKBProgram",
	unix.BPF_PROG_TYPE_CGROUP_SOCK:             "CgroupProgram",
	unix.BPF_PROG_TYPE_LWT_IN:                  "LWTProgram",
	unix.BPF_PROG_TYPE_LWT_OUT:                 "LWTProgram",
	unix.BPF_PROG_TYPE_LWT_XMIT:                "LWTProgram",
	unix.BPF_PROG_TYPE_SOCK_OPS:                "CgroupProgram",
	unix.BPF_PROG_TYPE_SK_SKB:                  "SKSKBProgram",
	unix.BPF_PROG_TYPE_CGROUP_DEVICE:           "CgroupProgram",
	unix.BPF_PROG_TYPE_SK_MSG:                  "SKMsgProgram",
	unix.BPF_PROG_TYPE_RAW_TRACEPOINT:          "RawTracepointProgram",
	unix.BPF_PROG_TYPE_CGROUP_SOCK_ADDR:        "CgroupProgram",
	unix.BPF_PROG_TYPE_LWT_SEG6LOCAL:           "LWTProgram",
	unix.BPF_PROG_TYPE_LIRC_MODE2:              "LircMode2Program",
	unix.BPF_PROG_TYPE_SK_REUSEPORT:            "SKReuseportProgram",
	unix.BPF_PROG_TYPE_FLOW_DISSECTOR:          "FlowDissectorProgram",
	unix.BPF_PROG_TYPE_CGROUP_SYSCTL:           "CgroupProgram",
	unix.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: "RawTracepointProgram",
	unix.BPF_PROG_TYPE_CGROUP_SOCKOPT:          "CgroupProgram",
	unix.BPF_PROG_TYPE_TRACING:                 "TracingProgram",
	unix.BPF_PROG_TYPE_STRUCT_OPS:              "StructOpsProgram",
	unix.BPF_PROG_TYPE_EXT:                     "ExtProgram",
	unix.BPF_PROG_TYPE_LSM:                     "LSMProgram",
	unix.BPF_PROG_TYPE_SK_LOOKUP:               "SKLookupProgram",
	unix.BPF_PROG_TYPE_SYSCALL:                 "SyscallProgram",
	32:                                         "NetfilterProgram", // BPF_PROG_TYPE_NETFILTER
}

// programKind is the type of package runtime for a program, "" if it has none. Some program types
// are several kinds, which the attach type tells apart, or only the section's name.
func programKind(p *object.Program) string {
	switch p.Type {
	case unix.BPF_PROG_TYPE_KPROBE:
		section := strings.TrimPrefix(p.Section, "?")
		switch {
		case p.ExpectedAttachType == unix.BPF_TRACE_KPROBE_MULTI, p.ExpectedAttachType == sys.AttachTraceKprobeSession:
			return "KprobeMultiProgram"
		case p.ExpectedAttachType == sys.AttachTraceUprobeMulti, p.ExpectedAttachType == sys.AttachTraceUprobeSession:
			return "UprobeMultiProgram"
		case strings.HasPrefix(section, "u"): // uprobe, uretprobe, usdt
			return "UprobeProgram"
		}
	case unix.BPF_PROG_TYPE_TRACING:
		if p.ExpectedAttachType == unix.BPF_TRACE_ITER {
			return "IterProgram"
		}
	case unix.BPF_PROG_TYPE_LSM:
		if p.ExpectedAttachType == unix.BPF_LSM_CGROUP {
			return "CgroupProgram"
		}
	}
	return programKinds[p.Type]
}

// MapTypeName is the name of a map type, from enum bpf_map_type, as bpftool writes it.
func MapTypeName(t uint32) string { return typeName(mapTypeNames, t) }

// ProgramTypeName is the name of a program type, from enum bpf_prog_type, as bpftool writes it.
func ProgramTypeName(t uint32) string { return typeName(programTypeNames, t) }

func typeName(names string, t uint32) string {
	if list := strings.Fields(names); int(t) < len(list) {
		return list[t]
	}
	return fmt.Sprintf("type %d", t)
}

// The enums in the kernel's order, without BPF_MAP_TYPE_ and BPF_PROG_TYPE_.
const (
	mapTypeNames = `unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace
		cgroup_array lru_hash lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap
		cpumap xskmap sockhash cgroup_storage reuseport_sockarray percpu_cgroup_storage queue
		stack sk_storage devmap_hash struct_ops ringbuf inode_storage task_storage bloom_filter
		user_ringbuf cgrp_storage arena insn_array rhash`
	programTypeNames = `unspec socket_filter kprobe sched_cls sched_act tracepoint xdp perf_event
		cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit sock_ops sk_skb cgroup_device
		sk_msg raw_tracepoint cgroup_sock_addr lwt_seg6local lirc_mode2 sk_reuseport flow_dissector
		cgroup_sysctl raw_tracepoint_writable cgroup_sockopt tracing struct_ops ext lsm
		sk_lookup syscall netfilter`
)
