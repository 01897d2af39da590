//vmtest:all

package runtime

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestAutoAttach(t *testing.T) {
	ownTraceFS(t)
	count := newCount(t)
	for _, tt := range []struct {
		spec   ProgramSpec
		target string
	}{
		{ProgramSpec{Type: sys.ProgTypeRawTracepoint, Section: "raw_tp/sys_enter", AttachTo: "sys_enter"}, ""},
		{ProgramSpec{Type: sys.ProgTypeTracepoint, Section: "tp/sched/sched_switch", AttachTo: "sched/sched_switch"}, ""},
		{ProgramSpec{Type: sys.ProgTypeTracing, AttachType: sys.AttachTraceRawTP, Section: "tp_btf/sys_enter", AttachTo: "sys_enter"}, "btf_trace_sys_enter"},
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

	// AutoAttach leaves these programs alone before it checks whether they are loaded.
	for _, spec := range []ProgramSpec{
		{Type: sys.ProgTypeXDP, Section: "xdp"},
		{Type: sys.ProgTypeSchedCLS, Section: "tcx/ingress", AttachTo: "ingress"},
		{Type: sys.ProgTypeCgroupSKB, Section: "cgroup_skb/egress", AttachTo: "egress"},
		{Type: sys.ProgTypeKprobe, Section: "kprobe"},
		{Type: sys.ProgTypeKprobe, Section: "uprobe//bin/sh:main", AttachTo: "/bin/sh:main"},
		{Type: sys.ProgTypeKprobe, Section: "usdt/libc:a:b", AttachTo: "libc:a:b"},
		{Type: sys.ProgTypeTracepoint, Section: "tp"},
		{Type: sys.ProgTypeRawTracepoint, Section: "raw_tp"},
		{Type: sys.ProgTypeLSM, AttachType: sys.AttachLSMCgroup, Section: "lsm_cgroup/socket_bind", AttachTo: "socket_bind"},
		{Type: sys.ProgTypeSyscall, Section: "syscall"},
	} {
		spec.Target = -1
		if _, err := AutoAttach(&Program{spec: &spec}); !errors.Is(err, ErrNoAttachTarget) {
			t.Errorf("%s: %v", spec.Section, err)
		}
	}
}
