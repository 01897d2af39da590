package object

import (
	"bytes"
	"debug/elf"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
)

// onlyLibbpf are sections that cilium/ebpf 0.22 does not know.
var onlyLibbpf = map[string]bool{
	"tracepoint.s": true, "tp.s": true, "raw_tracepoint.s": true, "raw_tp.s": true, "tp_btf.s": true,
	"fsession.multi": true, "fsession.multi.s": true, "fentry.multi": true, "fexit.multi": true,
	"fentry.multi.s": true, "fexit.multi.s": true,
}

// sectionNames returns section names for programs: names that either peer knows, variants found in
// sources, and unknown names.
func sectionNames() []string {
	var names []string
	for i := range sectionDefs {
		base, open := strings.CutSuffix(sectionDefs[i].name, "+")
		if strings.HasPrefix(base, "struct_ops") {
			continue // refused, with any suffix
		}
		names = append(names, base, base+"/x", base+"_x", base+"x", "?"+base, "?"+base+"/y/z")
		if !open {
			names = append(names, base+".s", base+"/x/y")
		}
	}
	return append(names,
		"socket/http_filter", "socket1", "socket_filter", "xdp/mine", "xdp_root", "xdp.frags/mine", "xdp.fragsx", "xdp/devmapx", "xdp_devmap/x",
		"tc/entry", "tc/", "tcx", "tcx/", "tcx/ingress/foo", "tc_ingress", "classifier_ingress", "classifier/egress", "action/foo",
		"cgroup/connect4/x", "cgroup/sockops", "cgroup/sock_addr", "cgroup/socket", "cgroup/skb/ingress", "cgroup/device", "cgroup/dev_x", "cgroup_skb",
		"cgroup_skb/", "cgroup", "perf_event/profiler", "perf_event_", "lwt_in/x", "lwt", "sk_skb/x", "sk_skb/stream", "sk_skb1", "sk_msg1", "sk_reuseport/x",
		"sk_lookup/echo", "netfilter/x", "syscall/x", "lirc_mode2x", "sockops/x", "flow_dissector_0", "netkit/primaryx", "netkit/other",
		"kprobe/a/b", "kprobe/a:b", "kprobe.", "kprobex", "kprobe.multi.s/x", "uprobe/", "uprobe//bin/sh:main", "tp/", "tracepoint/a/b/c", "raw_tp.w/x",
		"iter/", "iter.s/task", "lsm.s/x", "lsm_cgroup/x", "freplace/x", "fmod_ret.s/x", "usdt//a:b:c", "uretprobe.session/x",
		"", "foo", "foo/bar", "XDP", " xdp", "/xdp", "?", "??xdp", "sock", "sk", "prog", "kernel/x",
	)
}

// Sections mean the same as in cilium/ebpf, except for names with another meaning in libbpf.
func TestSectionsAgreeWithCilium(t *testing.T) {
	names := sectionNames()
	if len(names) < 300 {
		t.Errorf("only %d names", len(names))
	}
	unknown := 0
	for _, name := range names {
		file := tinyELF(t, tinyProgram(name, "f", elf.STB_GLOBAL))
		spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
		if err != nil {
			t.Fatalf("%q: cilium/ebpf: %v", name, err)
		}
		theirs := spec.Programs["f"]
		obj, err := Parse("x.o", file)
		base, _, _ := strings.Cut(strings.TrimPrefix(name, "?"), "/")
		switch {
		case err == nil && theirs.Type == ebpf.UnspecifiedProgram && obj.Programs[0].Type == 0: // both leave it out
			unknown++
			warned := strings.Contains(strings.Join(obj.Warnings, "\n"), "unknown program section")
			if obj.Programs[0].AutoLoad || warned == strings.HasPrefix(name, "?") {
				t.Errorf("%q: loaded: %v, warnings: %q", name, obj.Programs[0].AutoLoad, obj.Warnings)
			}
		case err != nil:
			t.Errorf("%q is %v to cilium/ebpf, and refused here: %v", name, theirs.Type, err)
		case onlyLibbpf[base]:
		default:
			p := obj.Programs[0]
			got := fmt.Sprintf("%v %v %#x to %q", ebpf.ProgramType(p.Type), ebpf.AttachType(p.ExpectedAttachType), p.Flags, p.AttachTo)
			if base == "usdt" || base == "usdt.s" {
				theirs.AttachType = ebpf.AttachTraceUprobeMulti // not attached by package ebpf
			}
			want := fmt.Sprintf("%v %v %#x to %q", theirs.Type, theirs.AttachType, theirs.Flags, theirs.AttachTo)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q (-cilium/ebpf +ours):\n%s", name, diff)
			}
		}
	}
	if unknown == 0 {
		t.Error("no name is unknown to both")
	}
	t.Logf("%d names, %d of them unknown to both", len(names), unknown)
}
