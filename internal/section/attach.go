// Package section determines how a program is attached from its section. The generator and the
// runtime share it, so that a generated Attach skips programs that the runtime would refuse.
package section

import (
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Program is what is known of a program from its section.
type Program struct {
	Type       uint32 // enum bpf_prog_type
	AttachType uint32 // enum bpf_attach_type
	Section    string // name of the ELF section
	AttachTo   string // what of it says where to attach: "sched/sched_switch"
	HasTarget  bool   // it is loaded for a kernel function or type
}

// Method is the way a program is attached that its section says all about.
type Method uint8

const (
	None          Method = iota // the caller has to say where: an interface, a cgroup, a socket, a map, a process
	TracingMulti                // fentry.multi, fexit.multi, fsession.multi
	Tracing                     // fentry, fexit, fmod_ret, fsession, tp_btf; at what they were loaded for
	LSM                         // lsm, lsm.s
	Ext                         // freplace
	Iter                        // iter, of all there is
	Tracepoint                  // tp, tracepoint
	RawTracepoint               // raw_tp, raw_tracepoint, and the writable ones
	Kprobe                      // kprobe, kretprobe, ksyscall, kretsyscall
	KprobeMulti                 // kprobe.multi, kretprobe.multi, kprobe.session
)

// IsTracingMulti reports whether an attach type is for many functions of the kernel: fentry.multi,
// fexit.multi, fsession.multi.
func IsTracingMulti(attachType uint32) bool {
	return attachType >= sys.AttachTraceFentryMulti && attachType <= sys.AttachTraceFsessionMulti
}

// AttachesBySection returns how to attach p by its section alone, or [None] if the section does not
// suffice.
func AttachesBySection(p Program) Method {
	switch p.Type {
	case sys.ProgTypeTracing:
		switch {
		case IsTracingMulti(p.AttachType):
			if p.AttachTo == "" {
				return None
			}
			return TracingMulti
		case p.AttachType != sys.AttachTraceIter:
			return Tracing // if the section names no target, the caller did before the load
		case !p.HasTarget:
			return None
		}
		switch p.AttachTo {
		case "", "bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup":
			return None // of which map, from which cgroup on
		}
		return Iter
	case sys.ProgTypeLSM:
		if p.AttachType == sys.AttachLSMMAC {
			return LSM
		}
	case sys.ProgTypeExt:
		return Ext
	case sys.ProgTypeTracepoint:
		if strings.Contains(p.AttachTo, "/") {
			return Tracepoint
		}
	case sys.ProgTypeRawTracepoint, sys.ProgTypeRawTracepointWritable:
		if p.AttachTo != "" {
			return RawTracepoint
		}
	case sys.ProgTypeKprobe:
		switch {
		case p.AttachTo == "" || !isKprobe(p.Section):
			return None
		case p.AttachType == sys.AttachTraceKprobeMulti || p.AttachType == sys.AttachTraceKprobeSession:
			return KprobeMulti
		}
		return Kprobe
	}
	return None
}

// isKprobe reports whether p is a kprobe, rather than a uprobe or USDT program, which have the same
// type.
func isKprobe(section string) bool { return strings.HasPrefix(strings.TrimPrefix(section, "?"), "k") }
