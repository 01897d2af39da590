package object

import (
	"strings"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/nearest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// A sectionDef describes the programs in sections of a name.
type sectionDef struct {
	// name is the name of the section. A '+' at the end stands for an optional slash and the name
	// of what to attach to.
	name   string
	typ    ebpf.ProgramType
	attach ebpf.AttachType
	flags  sectionFlags
}

type sectionFlags uint8

const (
	sleepable sectionFlags = 1 << iota // BPF_F_SLEEPABLE
	frags                              // BPF_F_XDP_HAS_FRAGS
	attachBTF                          // attaches to a function or type in the kernel's BTF
)

// Attach types that package ebpf lacks.
const (
	attachTraceUprobeSession ebpf.AttachType = sys.AttachTraceUprobeSession
	attachTraceFsession      ebpf.AttachType = sys.AttachTraceFsession
	attachTraceFentryMulti   ebpf.AttachType = sys.AttachTraceFentryMulti
	attachTraceFexitMulti    ebpf.AttachType = sys.AttachTraceFexitMulti
	attachTraceFsessionMulti ebpf.AttachType = sys.AttachTraceFsessionMulti
)

// sectionDefs is libbpf's section_defs of version 1.8-dev, in the same order: the first match wins.
// The attach type is always passed to the kernel; libbpf omits optional ones for kernels older than
// those supported here. libbpf gives usdt programs BPF_TRACE_UPROBE_MULTI only if the kernel has
// such links (6.6). Here they always have it, since older kernels ignore the attach type of kprobe
// programs.
var sectionDefs = []sectionDef{
	{"socket", ebpf.SocketFilter, 0, 0},
	{"sk_reuseport/migrate", ebpf.SkReuseport, ebpf.AttachSkReuseportSelectOrMigrate, 0},
	{"sk_reuseport", ebpf.SkReuseport, ebpf.AttachSkReuseportSelect, 0},
	{"kprobe+", ebpf.Kprobe, 0, 0},
	{"uprobe+", ebpf.Kprobe, 0, 0},
	{"uprobe.s+", ebpf.Kprobe, 0, sleepable},
	{"kretprobe+", ebpf.Kprobe, 0, 0},
	{"uretprobe+", ebpf.Kprobe, 0, 0},
	{"uretprobe.s+", ebpf.Kprobe, 0, sleepable},
	{"kprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceKprobeMulti, 0},
	{"kretprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceKprobeMulti, 0},
	{"kprobe.session+", ebpf.Kprobe, ebpf.AttachTraceKprobeSession, 0},
	{"uprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, 0},
	{"uretprobe.multi+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, 0},
	{"uprobe.session+", ebpf.Kprobe, attachTraceUprobeSession, 0},
	{"uprobe.multi.s+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, sleepable},
	{"uretprobe.multi.s+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, sleepable},
	{"uprobe.session.s+", ebpf.Kprobe, attachTraceUprobeSession, sleepable},
	{"ksyscall+", ebpf.Kprobe, 0, 0},
	{"kretsyscall+", ebpf.Kprobe, 0, 0},
	{"usdt+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, 0},
	{"usdt.s+", ebpf.Kprobe, ebpf.AttachTraceUprobeMulti, sleepable},
	{"tc/ingress", ebpf.SchedCLS, ebpf.AttachTCXIngress, 0},
	{"tc/egress", ebpf.SchedCLS, ebpf.AttachTCXEgress, 0},
	{"tcx/ingress", ebpf.SchedCLS, ebpf.AttachTCXIngress, 0},
	{"tcx/egress", ebpf.SchedCLS, ebpf.AttachTCXEgress, 0},
	{"tc", ebpf.SchedCLS, 0, 0},
	{"classifier", ebpf.SchedCLS, 0, 0},
	{"action", ebpf.SchedACT, 0, 0},
	{"netkit/primary", ebpf.SchedCLS, ebpf.AttachNetkitPrimary, 0},
	{"netkit/peer", ebpf.SchedCLS, ebpf.AttachNetkitPeer, 0},
	{"tracepoint+", ebpf.TracePoint, 0, 0},
	{"tp+", ebpf.TracePoint, 0, 0},
	{"tracepoint.s+", ebpf.TracePoint, 0, sleepable},
	{"tp.s+", ebpf.TracePoint, 0, sleepable},
	{"raw_tracepoint+", ebpf.RawTracepoint, 0, 0},
	{"raw_tp+", ebpf.RawTracepoint, 0, 0},
	{"raw_tracepoint.s+", ebpf.RawTracepoint, 0, sleepable},
	{"raw_tp.s+", ebpf.RawTracepoint, 0, sleepable},
	{"raw_tracepoint.w+", ebpf.RawTracepointWritable, 0, 0},
	{"raw_tp.w+", ebpf.RawTracepointWritable, 0, 0},
	{"tp_btf+", ebpf.Tracing, ebpf.AttachTraceRawTp, attachBTF},
	{"tp_btf.s+", ebpf.Tracing, ebpf.AttachTraceRawTp, attachBTF | sleepable},
	{"fentry+", ebpf.Tracing, ebpf.AttachTraceFEntry, attachBTF},
	{"fmod_ret+", ebpf.Tracing, ebpf.AttachModifyReturn, attachBTF},
	{"fexit+", ebpf.Tracing, ebpf.AttachTraceFExit, attachBTF},
	{"fentry.s+", ebpf.Tracing, ebpf.AttachTraceFEntry, attachBTF | sleepable},
	{"fmod_ret.s+", ebpf.Tracing, ebpf.AttachModifyReturn, attachBTF | sleepable},
	{"fexit.s+", ebpf.Tracing, ebpf.AttachTraceFExit, attachBTF | sleepable},
	{"fsession+", ebpf.Tracing, attachTraceFsession, attachBTF},
	{"fsession.s+", ebpf.Tracing, attachTraceFsession, attachBTF | sleepable},
	{"fsession.multi+", ebpf.Tracing, attachTraceFsessionMulti, 0},
	{"fsession.multi.s+", ebpf.Tracing, attachTraceFsessionMulti, sleepable},
	{"fentry.multi+", ebpf.Tracing, attachTraceFentryMulti, 0},
	{"fexit.multi+", ebpf.Tracing, attachTraceFexitMulti, 0},
	{"fentry.multi.s+", ebpf.Tracing, attachTraceFentryMulti, sleepable},
	{"fexit.multi.s+", ebpf.Tracing, attachTraceFexitMulti, sleepable},
	{"freplace+", ebpf.Extension, 0, attachBTF},
	{"lsm+", ebpf.LSM, ebpf.AttachLSMMac, attachBTF},
	{"lsm.s+", ebpf.LSM, ebpf.AttachLSMMac, attachBTF | sleepable},
	{"lsm_cgroup+", ebpf.LSM, ebpf.AttachLSMCgroup, attachBTF},
	{"iter+", ebpf.Tracing, ebpf.AttachTraceIter, attachBTF},
	{"iter.s+", ebpf.Tracing, ebpf.AttachTraceIter, attachBTF | sleepable},
	{"syscall", ebpf.Syscall, 0, sleepable},
	{"xdp.frags/devmap", ebpf.XDP, ebpf.AttachXDPDevMap, frags},
	{"xdp/devmap", ebpf.XDP, ebpf.AttachXDPDevMap, 0},
	{"xdp.frags/cpumap", ebpf.XDP, ebpf.AttachXDPCPUMap, frags},
	{"xdp/cpumap", ebpf.XDP, ebpf.AttachXDPCPUMap, 0},
	{"xdp.frags", ebpf.XDP, ebpf.AttachXDP, frags},
	{"xdp", ebpf.XDP, ebpf.AttachXDP, 0},
	{"perf_event", ebpf.PerfEvent, 0, 0},
	{"lwt_in", ebpf.LWTIn, 0, 0},
	{"lwt_out", ebpf.LWTOut, 0, 0},
	{"lwt_xmit", ebpf.LWTXmit, 0, 0},
	{"lwt_seg6local", ebpf.LWTSeg6Local, 0, 0},
	{"sockops", ebpf.SockOps, ebpf.AttachCGroupSockOps, 0},
	{"sk_skb/stream_parser", ebpf.SkSKB, ebpf.AttachSkSKBStreamParser, 0},
	{"sk_skb/stream_verdict", ebpf.SkSKB, ebpf.AttachSkSKBStreamVerdict, 0},
	{"sk_skb/verdict", ebpf.SkSKB, ebpf.AttachSkSKBVerdict, 0},
	{"sk_skb", ebpf.SkSKB, 0, 0},
	{"sk_msg", ebpf.SkMsg, ebpf.AttachSkMsgVerdict, 0},
	{"lirc_mode2", ebpf.LircMode2, ebpf.AttachLircMode2, 0},
	{"flow_dissector", ebpf.FlowDissector, ebpf.AttachFlowDissector, 0},
	{"cgroup_skb/ingress", ebpf.CGroupSKB, ebpf.AttachCGroupInetIngress, 0},
	{"cgroup_skb/egress", ebpf.CGroupSKB, ebpf.AttachCGroupInetEgress, 0},
	{"cgroup/skb", ebpf.CGroupSKB, 0, 0},
	{"cgroup/sock_create", ebpf.CGroupSock, ebpf.AttachCGroupInetSockCreate, 0},
	{"cgroup/sock_release", ebpf.CGroupSock, ebpf.AttachCgroupInetSockRelease, 0},
	{"cgroup/sock", ebpf.CGroupSock, ebpf.AttachCGroupInetSockCreate, 0},
	{"cgroup/post_bind4", ebpf.CGroupSock, ebpf.AttachCGroupInet4PostBind, 0},
	{"cgroup/post_bind6", ebpf.CGroupSock, ebpf.AttachCGroupInet6PostBind, 0},
	{"cgroup/bind4", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Bind, 0},
	{"cgroup/bind6", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet6Bind, 0},
	{"cgroup/connect4", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet4Connect, 0},
	{"cgroup/connect6", ebpf.CGroupSockAddr, ebpf.AttachCGroupInet6Connect, 0},
	{"cgroup/connect_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixConnect, 0},
	{"cgroup/sendmsg4", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP4Sendmsg, 0},
	{"cgroup/sendmsg6", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP6Sendmsg, 0},
	{"cgroup/sendmsg_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixSendmsg, 0},
	{"cgroup/recvmsg4", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP4Recvmsg, 0},
	{"cgroup/recvmsg6", ebpf.CGroupSockAddr, ebpf.AttachCGroupUDP6Recvmsg, 0},
	{"cgroup/recvmsg_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixRecvmsg, 0},
	{"cgroup/getpeername4", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet4GetPeername, 0},
	{"cgroup/getpeername6", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet6GetPeername, 0},
	{"cgroup/getpeername_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixGetpeername, 0},
	{"cgroup/getsockname4", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet4GetSockname, 0},
	{"cgroup/getsockname6", ebpf.CGroupSockAddr, ebpf.AttachCgroupInet6GetSockname, 0},
	{"cgroup/getsockname_unix", ebpf.CGroupSockAddr, ebpf.AttachCgroupUnixGetsockname, 0},
	{"cgroup/sysctl", ebpf.CGroupSysctl, ebpf.AttachCGroupSysctl, 0},
	{"cgroup/getsockopt", ebpf.CGroupSockopt, ebpf.AttachCGroupGetsockopt, 0},
	{"cgroup/setsockopt", ebpf.CGroupSockopt, ebpf.AttachCGroupSetsockopt, 0},
	{"cgroup/dev", ebpf.CGroupDevice, ebpf.AttachCGroupDevice, 0},
	{"struct_ops+", ebpf.StructOps, 0, 0},
	{"struct_ops.s+", ebpf.StructOps, 0, sleepable},
	{"sk_lookup", ebpf.SkLookup, ebpf.AttachSkLookup, 0},
	{"netfilter", ebpf.Netfilter, ebpf.AttachNetfilter, 0},
}

// findSection returns the definition for a section name, or nil if it is unknown. The caller
// removes a leading '?', which marks programs that are not loaded by default.
//
// Names that libbpf knows have libbpf's meaning. Other names that begin with a fixed one
// ("xdp/mine", "tc_egress", "cgroup/connect4/x") have the meaning of the first prefix in the table,
// as in cilium/ebpf (matchSectionName in its elf_reader.go).
func findSection(name string) *sectionDef {
	for i := range sectionDefs {
		if sectionDefs[i].matches(name) {
			return &sectionDefs[i]
		}
	}
	for i := range sectionDefs {
		if d := &sectionDefs[i]; !d.isOpen() && strings.HasPrefix(name, d.name) {
			return d
		}
	}
	return nil
}

// isOpen reports whether a slash and a target may follow the name.
func (d *sectionDef) isOpen() bool { return strings.HasSuffix(d.name, "+") }

// matches is libbpf's sec_def_matches.
func (d *sectionDef) matches(name string) bool {
	prefix, open := strings.CutSuffix(d.name, "+")
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && (rest == "" || open && rest[0] == '/')
}

// describe sets the fields of a program that its section's name determines.
func (d *sectionDef) describe(p *Program, section string) {
	p.Type = uint32(d.typ)
	p.ExpectedAttachType = uint32(d.attach)
	if d.flags&sleepable != 0 {
		p.Flags |= sys.FlagSleepable
	}
	if d.flags&frags != 0 {
		p.Flags |= sys.FlagXDPHasFrags
	}
	if d.isOpen() {
		_, p.AttachTo, _ = strings.Cut(section, "/")
	}
	if d.flags&attachBTF != 0 && d.typ != ebpf.Extension && p.AttachTo != "" {
		p.Target = attachTarget(d.attach, p.AttachTo)
	}
}

// attachTarget returns the name and kind that a program's target has in the kernel's BTF (libbpf's
// btf_get_kernel_prefix_kind and find_kernel_btf_id).
func attachTarget(attach ebpf.AttachType, to string) *AttachTarget {
	t := &AttachTarget{Name: to, Kind: kindFunc}
	if module, name, ok := strings.Cut(to, ":"); ok {
		t.Module, t.Name = module, name
	}
	switch attach {
	case ebpf.AttachTraceRawTp:
		t.Name, t.Kind = "btf_trace_"+t.Name, kindTypedef
	case ebpf.AttachLSMMac, ebpf.AttachLSMCgroup:
		t.Name = "bpf_lsm_" + t.Name
	case ebpf.AttachTraceIter:
		t.Name = "bpf_iter_" + t.Name
	}
	return t
}

// Sections returns a program for each section name, for documents. Its Section ends in '+' if a
// slash and a target may follow the name.
func Sections() []Program {
	list := make([]Program, len(sectionDefs))
	for i := range sectionDefs {
		list[i].Section = sectionDefs[i].name
		sectionDefs[i].describe(&list[i], "")
	}
	return list
}

// similarSection returns the known section name that is closest to an unknown one, or "" if none is
// close.
func similarSection(name string) string {
	var known []string
	for i := range sectionDefs {
		known = append(known, strings.TrimSuffix(sectionDefs[i].name, "+"))
	}
	if similar := nearest.Name(name, known); similar != "" {
		return similar
	}
	base, _, _ := strings.Cut(name, "/")
	return nearest.Name(base, known)
}
