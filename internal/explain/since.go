package explain

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// features lists features in the order of their numbers in the kernel, from first on. Each version
// of Linux is followed by the features that it added. Features of 5.14 and earlier are not listed,
// since loader programs need 5.14.
//
// It is text because it is in every user's binary, where 70 structs would take 3 KB, and a map
// would be built at each start.
type features struct {
	first  uint32
	prefix string // of all names
	names  string
}

// enum bpf_map_type.
var mapTypes = features{
	sys.MapTypeBloomFilter, "BPF_MAP_TYPE_",
	"5.16 BLOOM_FILTER 6.1 USER_RINGBUF 6.2 CGRP_STORAGE 6.9 ARENA " +
		"6.19 INSN_ARRAY 7.2 RHASH",
}

// enum bpf_prog_type.
var programTypes = features{sys.ProgTypeNetfilter, "BPF_PROG_TYPE_", "6.4 NETFILTER"}

// enum bpf_attach_type.
var attachTypes = features{
	sys.AttachPerfEvent, "BPF_",
	"5.15 PERF_EVENT 5.18 TRACE_KPROBE_MULTI 6.0 LSM_CGROUP 6.4 STRUCT_OPS NETFILTER " +
		"6.6 TCX_INGRESS TCX_EGRESS TRACE_UPROBE_MULTI " +
		"6.7 CGROUP_UNIX_CONNECT CGROUP_UNIX_SENDMSG CGROUP_UNIX_RECVMSG CGROUP_UNIX_GETPEERNAME CGROUP_UNIX_GETSOCKNAME " +
		"NETKIT_PRIMARY NETKIT_PEER 6.10 TRACE_KPROBE_SESSION 6.13 TRACE_UPROBE_SESSION 7.0 TRACE_FSESSION " +
		"7.2 TRACE_FENTRY_MULTI TRACE_FEXIT_MULTI TRACE_FSESSION_MULTI",
}

// enum bpf_func_id. There are no helpers after 211: kfuncs took their place.
var helpers = features{
	169, "bpf_",
	"5.15 timer_init timer_set_callback timer_start timer_cancel get_func_ip get_attach_cookie task_pt_regs " +
		"5.16 get_branch_snapshot trace_vprintk skc_to_unix_sock kallsyms_lookup_name " +
		"5.17 find_vma loop strncmp get_func_arg get_func_ret get_func_arg_cnt " +
		"5.18 get_retval set_retval xdp_get_buff_len xdp_load_bytes xdp_store_bytes copy_from_user_task " +
		"skb_set_tstamp ima_file_hash " +
		"5.19 kptr_xchg map_lookup_percpu_elem skc_to_mptcp_sock dynptr_from_mem ringbuf_reserve_dynptr " +
		"ringbuf_submit_dynptr ringbuf_discard_dynptr dynptr_read dynptr_write dynptr_data " +
		"6.0 tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6 tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6 " +
		"6.1 ktime_get_tai_ns user_ringbuf_drain " +
		"6.2 cgrp_storage_get cgrp_storage_delete",
}

// BTF_KIND_* of include/uapi/linux/btf.h.
var btfKinds = features{sys.BtfKindDeclTag, "BTF_KIND_", "5.16 DECL_TAG 5.17 TYPE_TAG 6.0 ENUM64"}

// at returns the feature with a number, and the version that added it, or "" if it is not listed.
func (l *features) at(number uint32) (name, since string) {
	n, version, word, rest := l.first, "", "", l.names
	for rest != "" {
		word, rest, _ = strings.Cut(rest, " ")
		switch {
		case word[0] <= '9':
			version = word
		case n == number:
			return l.prefix + word, version
		default:
			n++
		}
	}
	return "", ""
}

// tooNew returns the feature with a number if the kernel is older than it, or "".
func (l *features) tooNew(number uint32, linux sys.Version) (name, since string) {
	name, since = l.at(number)
	if name != "" && linux.Before(sys.ParseVersion(since)) {
		return name, since
	}
	return "", ""
}

// AttachTypeTooNew returns the hint for an attach type that the running kernel is too old for, or
// "". attachType is a value of enum bpf_attach_type.
func AttachTypeTooNew(attachType uint32) string { return attachTypes.tooNewHere(attachType) }

// MapTypeTooNew is like AttachTypeTooNew, for enum bpf_map_type.
func MapTypeTooNew(mapType uint32) string { return mapTypes.tooNewHere(mapType) }

// ProgramTypeTooNew is like AttachTypeTooNew, for enum bpf_prog_type.
func ProgramTypeTooNew(progType uint32) string { return programTypes.tooNewHere(progType) }

// HelperName returns the name of a helper of enum bpf_func_id, or "helper 6" for helpers that all
// kernels with loader programs have.
func HelperName(id uint32) string {
	name, _ := helpers.at(id)
	if name == "" {
		name = "helper " + strconv.FormatUint(uint64(id), 10)
	}
	return name
}

// HelperTooNew is like AttachTypeTooNew, for enum bpf_func_id.
func HelperTooNew(helper uint32) string { return helpers.tooNewHere(helper) }

func (l *features) tooNewHere(number uint32) string {
	name, since := l.at(number)
	if name == "" {
		return ""
	}
	return TooNew(name, sys.ParseVersion(since))
}

// TooNew returns the hint for a feature that a version of Linux added, or "" if the running kernel
// is not older.
func TooNew(what string, since sys.Version) string {
	release := sys.Release()
	if !sys.ParseVersion(release).Before(since) {
		return ""
	}
	return what + " needs Linux " + since.String() + ", this is " + release
}
