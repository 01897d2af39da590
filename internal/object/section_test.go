package object

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

func TestSectionNames(t *testing.T) {
	tests := []struct {
		section string
		want    Program
	}{
		{"xdp", Program{Type: 6, ExpectedAttachType: 37}},
		{"xdp.frags", Program{Type: 6, ExpectedAttachType: 37, Flags: 32}},
		{"xdp/devmap", Program{Type: 6, ExpectedAttachType: 33}},
		{"xdp.frags/cpumap", Program{Type: 6, ExpectedAttachType: 35, Flags: 32}},
		{"tc", Program{Type: 3}},
		{"tc/ingress", Program{Type: 3, ExpectedAttachType: 46}},
		{"tcx/egress", Program{Type: 3, ExpectedAttachType: 47}},
		{"netkit/peer", Program{Type: 3, ExpectedAttachType: 55}},
		{"classifier", Program{Type: 3}},
		{"action", Program{Type: 4}},
		{"socket", Program{Type: 1}},
		{"sk_reuseport/migrate", Program{Type: 21, ExpectedAttachType: 40}},
		{"cgroup/sock", Program{Type: 9, ExpectedAttachType: 2}},
		{"cgroup/connect_unix", Program{Type: 18, ExpectedAttachType: 49}},
		{"cgroup_skb/egress", Program{Type: 8, ExpectedAttachType: 1}},
		{"syscall", Program{Type: 31, Flags: 16}},
		{"kprobe", Program{Type: 2}},
		{"kprobe/do_unlinkat+0x4", Program{Type: 2, AttachTo: "do_unlinkat+0x4"}},
		{"kprobe.multi/tcp_*", Program{Type: 2, ExpectedAttachType: 42, AttachTo: "tcp_*"}},
		{"kprobe.session/tcp_*", Program{Type: 2, ExpectedAttachType: 56, AttachTo: "tcp_*"}},
		{"uprobe.s//bin/sh:main", Program{Type: 2, Flags: 16, AttachTo: "/bin/sh:main"}},
		{"uprobe.session.s/x:y", Program{Type: 2, ExpectedAttachType: 57, Flags: 16, AttachTo: "x:y"}},
		{"usdt/libc:a:b", Program{Type: 2, ExpectedAttachType: 48, AttachTo: "libc:a:b"}},
		{"tp/sched/sched_switch", Program{Type: 5, AttachTo: "sched/sched_switch"}},
		{"raw_tp.w/nbd", Program{Type: 24, AttachTo: "nbd"}},
		{"tp_btf/sched_switch", Program{
			Type: 26, ExpectedAttachType: 23, AttachTo: "sched_switch",
			Target: &AttachTarget{Name: "btf_trace_sched_switch", Kind: kindTypedef},
		}},
		{"fentry.s/nf_conntrack:nf_ct_get", Program{
			Type: 26, ExpectedAttachType: 24, Flags: 16, AttachTo: "nf_conntrack:nf_ct_get",
			Target: &AttachTarget{Name: "nf_ct_get", Kind: kindFunc, Module: "nf_conntrack"},
		}},
		{"fexit", Program{Type: 26, ExpectedAttachType: 25}},
		{"fsession/do_unlinkat", Program{
			Type: 26, ExpectedAttachType: 58, AttachTo: "do_unlinkat",
			Target: &AttachTarget{Name: "do_unlinkat", Kind: kindFunc},
		}},
		{"fentry.multi/tcp_*", Program{Type: 26, ExpectedAttachType: 59, AttachTo: "tcp_*"}},
		{"lsm/file_open", Program{
			Type: 29, ExpectedAttachType: 27, AttachTo: "file_open",
			Target: &AttachTarget{Name: "bpf_lsm_file_open", Kind: kindFunc},
		}},
		{"lsm_cgroup/socket_bind", Program{
			Type: 29, ExpectedAttachType: 43, AttachTo: "socket_bind",
			Target: &AttachTarget{Name: "bpf_lsm_socket_bind", Kind: kindFunc},
		}},
		{"iter.s/task", Program{
			Type: 26, ExpectedAttachType: 28, Flags: 16, AttachTo: "task",
			Target: &AttachTarget{Name: "bpf_iter_task", Kind: kindFunc},
		}},
		{"freplace/dispatch", Program{Type: 28, AttachTo: "dispatch"}},
		{"netfilter", Program{Type: 32, ExpectedAttachType: 45}},
	}
	for _, test := range tests {
		def := findSection(test.section)
		if def == nil {
			t.Errorf("%s: unknown", test.section)
			continue
		}
		var got Program
		def.describe(&got, test.section)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.section, diff)
		}
	}
}

func TestUnknownSectionNames(t *testing.T) {
	for _, name := range []string{"", "xd", "kprobex/foo", "kprobe.", "kprobe_foo", "cgroup/", "cgroup", "/xdp", "fentryx", "sock", "raw"} {
		if def := findSection(name); def != nil {
			t.Errorf("%q was read as %s", name, def.name)
		}
	}
	for name, want := range map[string]string{
		"kporbe/do_unlinkat": `unknown program section "kporbe/do_unlinkat" (did you mean "kprobe"?)`,
		"cgroup/conect4":     `unknown program section "cgroup/conect4" (did you mean "cgroup/connect4"?)`,
		"XDP":                `unknown program section "XDP": docs/reference.md lists the supported names`,
		"nothing_like_it":    `unknown program section "nothing_like_it": docs/reference.md lists the supported names`,
	} {
		if got := unknownSection(name).Error(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

func TestEachSectionIsReachable(t *testing.T) {
	for i := range sectionDefs {
		def := &sectionDefs[i]
		name := def.name
		if name[len(name)-1] == '+' {
			name = name[:len(name)-1] + "/x"
		}
		if got := findSection(name); got != def {
			t.Errorf("%s was read as %s", name, got.name)
		}
		if def.typ == ebpf.UnspecifiedProgram {
			t.Errorf("%s: no program type", name)
		}
	}
}
