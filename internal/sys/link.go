package sys

// LinkCreateAttr is the part of union bpf_attr for BPF_LINK_CREATE. AttachType determines which
// tail applies.
type LinkCreateAttr struct {
	ProgFd     uint32 // union with map_fd
	TargetFd   uint32 // union with target_ifindex
	AttachType uint32
	Flags      uint32
	Tail       [48]byte // one of the Link*Tail structs
}

// LinkIterTail is LinkCreateAttr.Tail for BPF_TRACE_ITER.
type LinkIterTail struct {
	IterInfo    uint64
	IterInfoLen uint32
	_           uint32
}

// LinkPerfEventTail is LinkCreateAttr.Tail for BPF_PERF_EVENT.
type LinkPerfEventTail struct {
	BpfCookie uint64
}

// LinkKprobeMultiTail is LinkCreateAttr.Tail for BPF_TRACE_KPROBE_MULTI.
type LinkKprobeMultiTail struct {
	Flags   uint32
	Cnt     uint32
	Syms    uint64
	Addrs   uint64
	Cookies uint64
}

// LinkTracingTail is LinkCreateAttr.Tail for fentry, fexit, fmod_ret, tp_btf and LSM.
type LinkTracingTail struct {
	TargetBtfId uint32
	_           uint32
	Cookie      uint64
}

// LinkNetfilterTail is LinkCreateAttr.Tail for BPF_NETFILTER.
type LinkNetfilterTail struct {
	Pf       uint32
	Hooknum  uint32
	Priority int32
	Flags    uint32
}

// LinkRelativeTail is LinkCreateAttr.Tail for tcx, netkit and, since 6.17, cgroup.
type LinkRelativeTail struct {
	RelativeFd       uint32 // union with relative_id
	_                uint32
	ExpectedRevision uint64
}

// LinkUprobeMultiTail is LinkCreateAttr.Tail for BPF_TRACE_UPROBE_MULTI.
type LinkUprobeMultiTail struct {
	Path          uint64
	Offsets       uint64
	RefCtrOffsets uint64
	Cookies       uint64
	Cnt           uint32
	Flags         uint32
	Pid           uint32
	PathFd        uint32 // by 7.2
}

// LinkTracingMultiTail is LinkCreateAttr.Tail for BPF_TRACE_FENTRY_MULTI and the like (7.2).
type LinkTracingMultiTail struct {
	Ids     uint64
	Cookies uint64
	Cnt     uint32
	_       uint32
}

// LinkUpdateAttr is the part for BPF_LINK_UPDATE.
type LinkUpdateAttr struct {
	LinkFd    uint32
	NewProgFd uint32
	Flags     uint32
	OldProgFd uint32
}

// LinkDetachAttr is the part for BPF_LINK_DETACH.
type LinkDetachAttr struct {
	LinkFd uint32
}

// IterCreateAttr is the part for BPF_ITER_CREATE.
type IterCreateAttr struct {
	LinkFd uint32
	Flags  uint32
}

// RawTracepointAttr is the part for BPF_RAW_TRACEPOINT_OPEN.
type RawTracepointAttr struct {
	Name   uint64
	ProgFd uint32
	_      uint32
	Cookie uint64 // 6.10
}

// ProgAttachAttr is the part for BPF_PROG_ATTACH and BPF_PROG_DETACH, without the fields added in
// 6.6.
type ProgAttachAttr struct {
	TargetFd     uint32 // union with target_ifindex
	AttachBpfFd  uint32
	AttachType   uint32
	AttachFlags  uint32
	ReplaceBpfFd uint32
}

// LinkInfo is struct bpf_link_info. Type determines which of the LinkInfo* structs Tail holds.
type LinkInfo struct {
	Type   uint32
	Id     uint32
	ProgId uint32
	_      uint32
	Tail   [64]byte
}

// LinkInfoTracing is LinkInfo.Tail of BPF_LINK_TYPE_TRACING.
type LinkInfoTracing struct {
	AttachType  uint32
	TargetObjId uint32
	TargetBtfId uint32
}

// LinkInfoCgroup is LinkInfo.Tail of BPF_LINK_TYPE_CGROUP.
type LinkInfoCgroup struct {
	CgroupId   uint64
	AttachType uint32
	_          uint32
}

// LinkInfoNetNS is LinkInfo.Tail of BPF_LINK_TYPE_NETNS.
type LinkInfoNetNS struct {
	NetnsIno   uint32
	AttachType uint32
}

// LinkInfoXDP is LinkInfo.Tail of BPF_LINK_TYPE_XDP.
type LinkInfoXDP struct {
	Ifindex uint32
}

// LinkInfoDevice is LinkInfo.Tail of BPF_LINK_TYPE_TCX and BPF_LINK_TYPE_NETKIT.
type LinkInfoDevice struct {
	Ifindex    uint32
	AttachType uint32
}

// LinkInfoMap is LinkInfo.Tail of BPF_LINK_TYPE_SOCKMAP and, without AttachType, of
// BPF_LINK_TYPE_STRUCT_OPS.
type LinkInfoMap struct {
	MapId      uint32
	AttachType uint32
}

// LinkInfoKprobeMulti is LinkInfo.Tail of BPF_LINK_TYPE_KPROBE_MULTI.
type LinkInfoKprobeMulti struct {
	Addrs  uint64
	Count  uint32 // 6.6, like all of it
	Flags  uint32
	Missed uint64 // 6.7
}

// LinkInfoNetfilter is LinkInfo.Tail of BPF_LINK_TYPE_NETFILTER.
type LinkInfoNetfilter struct {
	Pf       uint32
	Hooknum  uint32
	Priority int32
	Flags    uint32
}

// IterLinkInfoMap is union bpf_iter_link_info for iterators of a map's elements.
type IterLinkInfoMap struct {
	MapFd uint32
}

// IterLinkInfoCgroup is union bpf_iter_link_info for iterators of cgroups.
type IterLinkInfoCgroup struct {
	Order    uint32
	CgroupFd uint32
	CgroupId uint64
}

// IterLinkInfoTask is union bpf_iter_link_info for iterators of tasks.
type IterLinkInfoTask struct {
	Tid   uint32
	Pid   uint32
	PidFd uint32
}

// LinkInfoTracingMulti is LinkInfo.Tail of BPF_LINK_TYPE_TRACING_MULTI.
type LinkInfoTracingMulti struct {
	AttachType uint32 // 7.3, like all of it
	Count      uint32
}
