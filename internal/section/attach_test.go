package section

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestAttachesBySection(t *testing.T) {
	for _, tt := range []struct {
		p    Program
		want Method
	}{
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_FENTRY, Section: "fentry/f", AttachTo: "f", HasTarget: true}, Tracing},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_FENTRY, Section: "fentry"}, Tracing},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_ITER, Section: "iter"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_LSM, AttachType: unix.BPF_LSM_MAC, Section: "lsm"}, LSM},
		{Program{Type: unix.BPF_PROG_TYPE_EXT, Section: "freplace"}, Ext},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: sys.AttachTraceFentryMulti, Section: "fentry.multi/tcp_*", AttachTo: "tcp_*"}, TracingMulti},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: sys.AttachTraceFsessionMulti, Section: "fsession.multi.s/f", AttachTo: "f"}, TracingMulti},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: sys.AttachTraceFentryMulti, Section: "fentry.multi"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_ITER, Section: "iter/task", AttachTo: "task", HasTarget: true}, Iter},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_ITER, Section: "iter/sockmap", AttachTo: "sockmap", HasTarget: true}, None},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_ITER, Section: "iter/bpf_map_elem", AttachTo: "bpf_map_elem", HasTarget: true}, None},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_ITER, Section: "iter/bpf_sk_storage_map", AttachTo: "bpf_sk_storage_map", HasTarget: true}, None},
		{Program{Type: unix.BPF_PROG_TYPE_TRACING, AttachType: unix.BPF_TRACE_ITER, Section: "iter/cgroup", AttachTo: "cgroup", HasTarget: true}, None},
		{Program{Type: unix.BPF_PROG_TYPE_LSM, AttachType: unix.BPF_LSM_MAC, Section: "lsm/file_open", AttachTo: "file_open", HasTarget: true}, LSM},
		{Program{Type: unix.BPF_PROG_TYPE_LSM, AttachType: unix.BPF_LSM_CGROUP, Section: "lsm_cgroup/bind", AttachTo: "bind", HasTarget: true}, None},
		{Program{Type: unix.BPF_PROG_TYPE_TRACEPOINT, Section: "tp/sched/sched_switch", AttachTo: "sched/sched_switch"}, Tracepoint},
		{Program{Type: unix.BPF_PROG_TYPE_TRACEPOINT, Section: "tp"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_RAW_TRACEPOINT, Section: "raw_tp/sys_enter", AttachTo: "sys_enter"}, RawTracepoint},
		{Program{Type: unix.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, Section: "raw_tp.w/x", AttachTo: "x"}, RawTracepoint},
		{Program{Type: unix.BPF_PROG_TYPE_RAW_TRACEPOINT, Section: "raw_tp"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, Section: "kprobe/f", AttachTo: "f"}, Kprobe},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, Section: "?kretprobe/f", AttachTo: "f"}, Kprobe},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, Section: "ksyscall/getpgid", AttachTo: "getpgid"}, Kprobe},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, Section: "kprobe"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, AttachType: unix.BPF_TRACE_KPROBE_MULTI, Section: "kprobe.multi/f*", AttachTo: "f*"}, KprobeMulti},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, AttachType: sys.AttachTraceKprobeSession, Section: "kprobe.session/f*", AttachTo: "f*"}, KprobeMulti},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, Section: "uprobe//bin/sh:main", AttachTo: "/bin/sh:main"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_KPROBE, Section: "usdt/libc:a:b", AttachTo: "libc:a:b"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_XDP, Section: "xdp"}, None},
		{Program{Type: unix.BPF_PROG_TYPE_SCHED_CLS, Section: "tcx/ingress", AttachTo: "ingress"}, None},
	} {
		if got := AttachesBySection(tt.p); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.p.Section, got, tt.want)
		}
	}
}
