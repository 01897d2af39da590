//vmtest:all

package runtime

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

func TestAutoAttach(t *testing.T) {
	mountTraceFS(t)
	count := newCount(t)
	for _, tt := range []struct {
		spec   ProgramSpec
		target string
	}{
		{ProgramSpec{Type: progTypeRawTracepoint, Section: "raw_tp/sys_enter", AttachTo: "sys_enter"}, ""},
		{ProgramSpec{Type: progTypeTracepoint, Section: "tp/sched/sched_switch", AttachTo: "sched/sched_switch"}, ""},
		{ProgramSpec{Type: progTypeTracing, AttachType: unix.BPF_TRACE_RAW_TP, Section: "tp_btf/sys_enter", AttachTo: "sys_enter"}, "btf_trace_sys_enter"},
	} {
		tp := testProgram{ProgramSpec: tt.spec, insns: counting(count, 0)}
		if tt.target != "" {
			tp.btfID = targetID[*btf.Typedef](t, tt.target)
		}
		p := newTestProgram(t, tp)
		before := counted(t, count)
		l, err := AutoAttach(p)
		if err != nil {
			t.Errorf("%s: %v", tt.spec.Section, err)
			continue
		}
		nap()
		if counted(t, count) == before {
			t.Errorf("%s: the program did not run", tt.spec.Section)
		}
		if got, want := l.String(), "program test: attach to "; len(got) < len(want) || got[:len(want)] != want {
			t.Errorf("%s: link %q", tt.spec.Section, got)
		}
		l.Close()
	}

	// None of these is loaded: they are left alone before that matters.
	for _, spec := range []ProgramSpec{
		{Type: progTypeXDP, Section: "xdp"},
		{Type: progTypeSchedCLS, Section: "tcx/ingress", AttachTo: "ingress"},
		{Type: progTypeCgroupSKB, Section: "cgroup_skb/egress", AttachTo: "egress"},
		{Type: progTypeKprobe, Section: "kprobe"},
		{Type: progTypeKprobe, Section: "uprobe//bin/sh:main", AttachTo: "/bin/sh:main"},
		{Type: progTypeKprobe, Section: "usdt/libc:a:b", AttachTo: "libc:a:b"},
		{Type: progTypeTracepoint, Section: "tp"},
		{Type: progTypeRawTracepoint, Section: "raw_tp"},
		{Type: progTypeTracing, Section: "fentry"},
		{Type: progTypeLSM, AttachType: unix.BPF_LSM_CGROUP, Section: "lsm_cgroup/socket_bind", AttachTo: "socket_bind"},
		{Type: progTypeSyscall, Section: "syscall"},
	} {
		spec.Target = -1
		if _, err := AutoAttach(&Program{spec: &spec}); !errors.Is(err, ErrNoAttachTarget) {
			t.Errorf("%s: %v", spec.Section, err)
		}
	}
}
