package explain

import (
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// features are what came with versions of Linux, in the order of their numbers in the kernel, from first on. Each
// version is followed by what it brought. Only what is newer than 5.14 is listed: before it there are no loader programs.
//
// It is text because it is in every user's binary, where 70 structs take 3 KB, and a map is built at each start.
type features struct {
	first uint32
	names string
}

// enum bpf_map_type.
var mapTypes = features{
	sys.MapTypeBloomFilter,
	"5.16 BPF_MAP_TYPE_BLOOM_FILTER 6.1 BPF_MAP_TYPE_USER_RINGBUF 6.2 BPF_MAP_TYPE_CGRP_STORAGE 6.9 BPF_MAP_TYPE_ARENA " +
		"6.19 BPF_MAP_TYPE_INSN_ARRAY 7.2 BPF_MAP_TYPE_RHASH",
}

// enum bpf_prog_type.
var programTypes = features{sys.ProgTypeNetfilter, "6.4 BPF_PROG_TYPE_NETFILTER"}

// enum bpf_attach_type.
var attachTypes = features{
	sys.AttachPerfEvent,
	"5.15 BPF_PERF_EVENT 5.18 BPF_TRACE_KPROBE_MULTI 6.0 BPF_LSM_CGROUP 6.4 BPF_STRUCT_OPS BPF_NETFILTER " +
		"6.6 BPF_TCX_INGRESS BPF_TCX_EGRESS BPF_TRACE_UPROBE_MULTI " +
		"6.7 BPF_CGROUP_UNIX_CONNECT BPF_CGROUP_UNIX_SENDMSG BPF_CGROUP_UNIX_RECVMSG BPF_CGROUP_UNIX_GETPEERNAME BPF_CGROUP_UNIX_GETSOCKNAME " +
		"BPF_NETKIT_PRIMARY BPF_NETKIT_PEER 6.10 BPF_TRACE_KPROBE_SESSION 6.13 BPF_TRACE_UPROBE_SESSION 7.0 BPF_TRACE_FSESSION " +
		"7.2 BPF_TRACE_FENTRY_MULTI BPF_TRACE_FEXIT_MULTI BPF_TRACE_FSESSION_MULTI",
}

// enum bpf_func_id. There are no helpers after 211: kfuncs took their place.
var helpers = features{
	169,
	"5.15 bpf_timer_init bpf_timer_set_callback bpf_timer_start bpf_timer_cancel bpf_get_func_ip bpf_get_attach_cookie bpf_task_pt_regs " +
		"5.16 bpf_get_branch_snapshot bpf_trace_vprintk bpf_skc_to_unix_sock bpf_kallsyms_lookup_name " +
		"5.17 bpf_find_vma bpf_loop bpf_strncmp bpf_get_func_arg bpf_get_func_ret bpf_get_func_arg_cnt " +
		"5.18 bpf_get_retval bpf_set_retval bpf_xdp_get_buff_len bpf_xdp_load_bytes bpf_xdp_store_bytes bpf_copy_from_user_task " +
		"bpf_skb_set_tstamp bpf_ima_file_hash " +
		"5.19 bpf_kptr_xchg bpf_map_lookup_percpu_elem bpf_skc_to_mptcp_sock bpf_dynptr_from_mem bpf_ringbuf_reserve_dynptr " +
		"bpf_ringbuf_submit_dynptr bpf_ringbuf_discard_dynptr bpf_dynptr_read bpf_dynptr_write bpf_dynptr_data " +
		"6.0 bpf_tcp_raw_gen_syncookie_ipv4 bpf_tcp_raw_gen_syncookie_ipv6 bpf_tcp_raw_check_syncookie_ipv4 bpf_tcp_raw_check_syncookie_ipv6 " +
		"6.1 bpf_ktime_get_tai_ns bpf_user_ringbuf_drain " +
		"6.2 bpf_cgrp_storage_get bpf_cgrp_storage_delete",
}

// BTF_KIND_* of include/uapi/linux/btf.h.
var btfKinds = features{sys.BtfKindDeclTag, "5.16 BTF_KIND_DECL_TAG 5.17 BTF_KIND_TYPE_TAG 6.0 BTF_KIND_ENUM64"}

// at returns the feature with a number, and the version that brought it, "" if it is not listed.
func (l *features) at(number uint32) (name, since string) {
	n, version, word, rest := l.first, "", "", l.names
	for rest != "" {
		word, rest, _ = strings.Cut(rest, " ")
		switch {
		case word[0] <= '9':
			version = word
		case n == number:
			return word, version
		default:
			n++
		}
	}
	return "", ""
}

// tooNew returns the feature with a number if the kernel is older than it, "" if it is not.
func (l *features) tooNew(number uint32, linux sys.Version) (name, since string) {
	name, since = l.at(number)
	if name != "" && linux.Before(sys.ParseVersion(since)) {
		return name, since
	}
	return "", ""
}

// AttachTypeTooNew returns the hint for a way to attach that the running kernel is too old for, "" if it
// is not. attachType is a value of enum bpf_attach_type.
func AttachTypeTooNew(attachType uint32) string { return attachTypes.tooNewHere(attachType) }

// MapTypeTooNew is AttachTypeTooNew for enum bpf_map_type.
func MapTypeTooNew(mapType uint32) string { return mapTypes.tooNewHere(mapType) }

// ProgramTypeTooNew is AttachTypeTooNew for enum bpf_prog_type.
func ProgramTypeTooNew(progType uint32) string { return programTypes.tooNewHere(progType) }

// HelperTooNew is AttachTypeTooNew for enum bpf_func_id.
func HelperTooNew(helper uint32) string { return helpers.tooNewHere(helper) }

func (l *features) tooNewHere(number uint32) string {
	name, since := l.at(number)
	if name == "" {
		return ""
	}
	return TooNew(name, sys.ParseVersion(since))
}

// TooNew returns the hint for something that came with a version of Linux, "" if the running kernel
// is not older.
func TooNew(what string, since sys.Version) string {
	release := sys.Release()
	if !sys.ParseVersion(release).Before(since) {
		return ""
	}
	return what + " needs Linux " + since.String() + ", this is " + release
}
