package runtime

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// feature is something that came with a version of Linux. Only what is newer than 5.14 is
// listed: before it there are no loader programs.
type feature struct {
	name  string
	since version
}

// tooNew tells whether the kernel is older than a feature, with the words that say so.
func (f *failure) tooNew(word string, feat feature) (words, bool) {
	return words{word, feat.name, "{since}", feat.since.String()}, feat.name != "" && f.linux.before(feat.since)
}

// features are by their numbers in the kernel. A map would be built at the start of each
// program that this package is in.
type features []struct {
	number uint32
	feature
}

// at is the feature of that number, the zero feature if it is not newer than 5.14.
func (list features) at(number uint32) feature {
	for i := range list {
		if list[i].number == number {
			return list[i].feature
		}
	}
	return feature{}
}

// enum bpf_map_type.
var mapTypesSince = features{
	{30, feature{"BPF_MAP_TYPE_BLOOM_FILTER", version{5, 16}}},
	{31, feature{"BPF_MAP_TYPE_USER_RINGBUF", version{6, 1}}},
	{32, feature{"BPF_MAP_TYPE_CGRP_STORAGE", version{6, 2}}},
	{33, feature{"BPF_MAP_TYPE_ARENA", version{6, 9}}},
	{34, feature{"BPF_MAP_TYPE_INSN_ARRAY", version{6, 19}}},
}

// enum bpf_prog_type.
var programTypesSince = features{
	{32, feature{"BPF_PROG_TYPE_NETFILTER", version{6, 4}}},
}

// enum bpf_attach_type, where a load is checked for it.
var attachTypesSince = features{
	{41, feature{"BPF_PERF_EVENT", version{5, 15}}},
	{42, feature{"BPF_TRACE_KPROBE_MULTI", version{5, 18}}},
	{43, feature{"BPF_LSM_CGROUP", version{6, 0}}},
	{45, feature{"BPF_NETFILTER", version{6, 4}}},
	{46, feature{"BPF_TCX_INGRESS", version{6, 6}}},
	{47, feature{"BPF_TCX_EGRESS", version{6, 6}}},
	{48, feature{"BPF_TRACE_UPROBE_MULTI", version{6, 6}}},
	{49, feature{"BPF_CGROUP_UNIX_CONNECT", version{6, 7}}},
	{50, feature{"BPF_CGROUP_UNIX_SENDMSG", version{6, 7}}},
	{51, feature{"BPF_CGROUP_UNIX_RECVMSG", version{6, 7}}},
	{52, feature{"BPF_CGROUP_UNIX_GETPEERNAME", version{6, 7}}},
	{53, feature{"BPF_CGROUP_UNIX_GETSOCKNAME", version{6, 7}}},
	{54, feature{"BPF_NETKIT_PRIMARY", version{6, 7}}},
	{55, feature{"BPF_NETKIT_PEER", version{6, 7}}},
	{56, feature{"BPF_TRACE_KPROBE_SESSION", version{6, 10}}},
	{57, feature{"BPF_TRACE_UPROBE_SESSION", version{6, 13}}},
	{58, feature{"BPF_TRACE_FSESSION", version{7, 0}}},
}

// enum bpf_func_id. There are no helpers after 211: kfuncs took their place.
var helpersSince = features{
	{169, feature{"bpf_timer_init", version{5, 15}}},
	{170, feature{"bpf_timer_set_callback", version{5, 15}}},
	{171, feature{"bpf_timer_start", version{5, 15}}},
	{172, feature{"bpf_timer_cancel", version{5, 15}}},
	{173, feature{"bpf_get_func_ip", version{5, 15}}},
	{174, feature{"bpf_get_attach_cookie", version{5, 15}}},
	{175, feature{"bpf_task_pt_regs", version{5, 15}}},
	{176, feature{"bpf_get_branch_snapshot", version{5, 16}}},
	{177, feature{"bpf_trace_vprintk", version{5, 16}}},
	{178, feature{"bpf_skc_to_unix_sock", version{5, 16}}},
	{179, feature{"bpf_kallsyms_lookup_name", version{5, 16}}},
	{180, feature{"bpf_find_vma", version{5, 17}}},
	{181, feature{"bpf_loop", version{5, 17}}},
	{182, feature{"bpf_strncmp", version{5, 17}}},
	{183, feature{"bpf_get_func_arg", version{5, 17}}},
	{184, feature{"bpf_get_func_ret", version{5, 17}}},
	{185, feature{"bpf_get_func_arg_cnt", version{5, 17}}},
	{186, feature{"bpf_get_retval", version{5, 18}}},
	{187, feature{"bpf_set_retval", version{5, 18}}},
	{188, feature{"bpf_xdp_get_buff_len", version{5, 18}}},
	{189, feature{"bpf_xdp_load_bytes", version{5, 18}}},
	{190, feature{"bpf_xdp_store_bytes", version{5, 18}}},
	{191, feature{"bpf_copy_from_user_task", version{5, 18}}},
	{192, feature{"bpf_skb_set_tstamp", version{5, 18}}},
	{193, feature{"bpf_ima_file_hash", version{5, 18}}},
	{194, feature{"bpf_kptr_xchg", version{5, 19}}},
	{195, feature{"bpf_map_lookup_percpu_elem", version{5, 19}}},
	{196, feature{"bpf_skc_to_mptcp_sock", version{5, 19}}},
	{197, feature{"bpf_dynptr_from_mem", version{5, 19}}},
	{198, feature{"bpf_ringbuf_reserve_dynptr", version{5, 19}}},
	{199, feature{"bpf_ringbuf_submit_dynptr", version{5, 19}}},
	{200, feature{"bpf_ringbuf_discard_dynptr", version{5, 19}}},
	{201, feature{"bpf_dynptr_read", version{5, 19}}},
	{202, feature{"bpf_dynptr_write", version{5, 19}}},
	{203, feature{"bpf_dynptr_data", version{5, 19}}},
	{204, feature{"bpf_tcp_raw_gen_syncookie_ipv4", version{6, 0}}},
	{205, feature{"bpf_tcp_raw_gen_syncookie_ipv6", version{6, 0}}},
	{206, feature{"bpf_tcp_raw_check_syncookie_ipv4", version{6, 0}}},
	{207, feature{"bpf_tcp_raw_check_syncookie_ipv6", version{6, 0}}},
	{208, feature{"bpf_ktime_get_tai_ns", version{6, 1}}},
	{209, feature{"bpf_user_ringbuf_drain", version{6, 1}}},
	{210, feature{"bpf_cgrp_storage_get", version{6, 2}}},
	{211, feature{"bpf_cgrp_storage_delete", version{6, 2}}},
}

// BTF_KIND_* of include/uapi/linux/btf.h.
var btfKindsSince = features{
	{btfDeclTag, feature{"BTF_KIND_DECL_TAG", version{5, 16}}},
	{btfTypeTag, feature{"BTF_KIND_TYPE_TAG", version{5, 17}}},
	{btfEnum64, feature{"BTF_KIND_ENUM64", version{6, 0}}},
}

// btfKindTooNew reads the kind from the log: "[5] Invalid kind:19" (btf_check_meta).
func btfKindTooNew(f *failure) (words, bool) {
	if f.stepKind() != StepLoadBTF || f.Errno != unix.EINVAL {
		return nil, false
	}
	rest, ok := f.after("Invalid kind:")
	if !ok {
		return nil, false
	}
	kind := leadingNumber(rest)
	feat := btfKindsSince.at(uint32(kind))
	if feat.name == "" {
		// Newer than this table.
		return words{"{kind}", "kind " + strconv.Itoa(kind), "{since}", "of a later version"}, true
	}
	return words{"{kind}", feat.name, "{since}", feat.since.String()}, true
}
