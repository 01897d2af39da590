package sys

// enum bpf_link_type, include/uapi/linux/bpf.h.
const (
	LinkTypeUnspec = iota
	LinkTypeRawTracepoint
	LinkTypeTracing
	LinkTypeCgroup
	LinkTypeIter
	LinkTypeNetNS
	LinkTypeXDP
	LinkTypePerfEvent    // 5.15
	LinkTypeKprobeMulti  // 5.18
	LinkTypeStructOps    // 5.19
	LinkTypeNetfilter    // 6.4
	LinkTypeTCX          // 6.6
	LinkTypeUprobeMulti  // 6.6
	LinkTypeNetkit       // 6.7
	LinkTypeSockMap      // 6.10
	LinkTypeTracingMulti // by 7.2
)

// enum bpf_cgroup_iter_order, include/uapi/linux/bpf.h.
const (
	CgroupIterSelfOnly = iota + 1 // 6.1
	CgroupIterDescendantsPre
	CgroupIterDescendantsPost
	CgroupIterAncestorsUp
)
