// Package since lists the features that versions of Linux have added since 5.11, that is, after
// 5.10, the oldest kernel that packages load on. internal/explain has a shorter list for users'
// binaries, of features newer than loader programs.
package since

import (
	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A Feature is something that a version of Linux added. The zero Feature is in all kernels.
type Feature struct {
	Name  string
	Since sys.Version
}

func (f Feature) String() string { return f.Name + " needs Linux " + f.Since.String() }

// TooNew reports whether a kernel is too old for the feature.
func (f Feature) TooNew(linux sys.Version) bool { return f.Name != "" && linux.Before(f.Since) }

// MapType returns the feature for a value of enum bpf_map_type.
func MapType(n uint32) Feature {
	if n == sys.MapTypeTaskStorage {
		return Feature{"BPF_MAP_TYPE_TASK_STORAGE", sys.Version{5, 11}}
	}
	return feature(explain.SinceMapType(n))
}

// ProgramType returns the feature for a value of enum bpf_prog_type.
func ProgramType(n uint32) Feature {
	if n == sys.ProgTypeSyscall {
		return Feature{"BPF_PROG_TYPE_SYSCALL", sys.Version{5, 14}}
	}
	return feature(explain.SinceProgramType(n))
}

// AttachType returns the feature for a value of enum bpf_attach_type.
func AttachType(n uint32) Feature {
	if n == sys.AttachSKSKBVerdict {
		return Feature{"BPF_SK_SKB_VERDICT", sys.Version{5, 13}}
	}
	return feature(explain.SinceAttachType(n))
}

// firstHelpers lists the helpers from number 156 on.
var firstHelpers = [...]Feature{
	{"bpf_task_storage_get", sys.Version{5, 11}},
	{"bpf_task_storage_delete", sys.Version{5, 11}},
	{"bpf_get_current_task_btf", sys.Version{5, 11}},
	{"bpf_bprm_opts_set", sys.Version{5, 11}},
	{"bpf_ktime_get_coarse_ns", sys.Version{5, 11}},
	{"bpf_ima_inode_hash", sys.Version{5, 11}},
	{"bpf_sock_from_file", sys.Version{5, 11}},
	{"bpf_check_mtu", sys.Version{5, 12}},
	{"bpf_for_each_map_elem", sys.Version{5, 13}},
	{"bpf_snprintf", sys.Version{5, 13}},
	{"bpf_sys_bpf", sys.Version{5, 14}},
	{"bpf_btf_find_by_name_kind", sys.Version{5, 14}},
	{"bpf_sys_close", sys.Version{5, 14}},
}

// Helper returns the feature for a value of enum bpf_func_id.
func Helper(n uint32) Feature {
	const first = 156
	if n >= first && n < first+uint32(len(firstHelpers)) {
		return firstHelpers[n-first]
	}
	return feature(explain.SinceHelper(n))
}

// SleepableUprobe is the feature for BPF_F_SLEEPABLE on programs of type kprobe, which makes them
// uprobes.
var SleepableUprobe = Feature{"BPF_F_SLEEPABLE for uprobes", sys.Version{6, 0}}

// Flags returns the features for prog_flags of BPF_PROG_LOAD.
func Flags(progType, flags uint32) (features []Feature) {
	if flags&sys.FlagXDPHasFrags != 0 {
		features = append(features, Feature{"BPF_F_XDP_HAS_FRAGS", sys.Version{5, 18}})
	}
	if flags&sys.FlagSleepable != 0 && progType == sys.ProgTypeKprobe {
		features = append(features, SleepableUprobe)
	}
	return features
}

// Atomics is the feature for atomic operations other than the addition that all kernels have.
var Atomics = Feature{"an atomic operation of -mcpu=v3", sys.Version{5, 12}}

func feature(name, version string) Feature {
	if name == "" {
		return Feature{}
	}
	return Feature{name, sys.ParseVersion(version)}
}
