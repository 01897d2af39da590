package explain

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// made returns a failure on a machine that has all capabilities and BTF.
func made(f spec.Failure, steps ...spec.Step) *failure {
	f.Spec = &spec.Spec{
		Name: "test", Steps: steps,
		Programs: []spec.ProgramSpec{{CORERelos: 8}, {}},
		Maps:     []spec.MapSpec{{Name: "m", Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8}},
		Blob:     strings.Repeat("\x00", 1024),
	}
	if len(steps) == 0 {
		f.Step = -1
	}
	return on("6.18.1", &f)
}

// on sets the kernel of a failure.
func on(release string, f *spec.Failure) *failure {
	return newFailure(f, machine{
		release: release, linux: sys.ParseVersion(release), caps: 1<<64 - 1, kernelBTF: true, jit: "1",
	})
}

// Hints for kernels that are not tested: 5.14 to 5.19, which Debian no longer has, and one whose
// JIT compiler can be disabled. The failures are made up; the tests in hints_*_test.go and
// arena_test.go of package runtime provoke the others.
func TestHintsOfOtherMachines(t *testing.T) {
	program := spec.Step{Kind: spec.StepLoadProgram}
	loaderCORE := made(spec.Failure{Op: spec.OpLoadLoader, Errno: unix.E2BIG})
	loaderCORE.Spec.CORE.ValueCount = 1
	for _, tt := range []struct {
		name    string
		failure *failure
		change  machine
		want    string
	}{
		{
			"large blob",
			made(spec.Failure{Op: spec.OpCreateBlob, Errno: unix.E2BIG}),
			machine{release: "5.15.1"},
			"the object's data and code take 1024 bytes, but this kernel, 5.15.1, limits map values to 4 MiB",
		},
		{
			"CO-RE before 5.17",
			made(spec.Failure{Errno: unix.E2BIG}, program),
			machine{release: "5.15.0"},
			"CO-RE in the kernel needs Linux 5.17, this is 5.15.0",
		},
		{
			"CO-RE of the loader before 5.17",
			loaderCORE,
			machine{release: "5.16.0"},
			"CO-RE in the kernel needs Linux 5.17, this is 5.16.0",
		},
		{
			"CO-RE of the loader without BTF",
			loaderCORE,
			machine{release: "6.1.0-686"},
			"this kernel, 6.1.0-686, has no BTF",
		},
		{
			"ENUM64",
			made(spec.Failure{Errno: unix.EINVAL, Log: "[3] ENUM64 \n[3] Invalid kind:19\n"}, spec.Step{Kind: spec.StepLoadBTF}),
			machine{release: "5.19.1"},
			"the object's BTF has a BTF_KIND_ENUM64, which needs Linux 6.0, this is 5.19.1: compile for an older version",
		},
		{
			"no JIT",
			made(spec.Failure{Errno: sys.ENOTSUPP}, spec.Step{Kind: spec.StepLoadProgram, Index: 1}),
			machine{release: "6.18.1", jit: "0"},
			"this needs the JIT compiler: run sysctl net.core.bpf_jit_enable=1",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFailure(tt.failure.Failure, tt.change)
			f.machine.linux, f.machine.caps = sys.ParseVersion(f.machine.release), 1<<64-1
			f.machine.kernelBTF = !strings.HasSuffix(f.machine.release, "-686")
			if got := f.hint(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// A hint names an omission in the source rather than the kernel.
func TestHintsForMaps(t *testing.T) {
	const createMap, noPrealloc = spec.StepCreateMap, sys.FlagNoPrealloc
	for _, tt := range []struct {
		name    string
		m       spec.MapSpec
		entries uint32
		signed  bool
		want    string
	}{
		{"no entries", spec.MapSpec{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8}, 0, false, "the source does not set its max_entries: set it there, or call SetMaxEntries before Load"},
		{"signed", spec.MapSpec{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8}, 0, true, "the source does not set its max_entries: set it there"},
		{"entries taken away", spec.MapSpec{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 1}, 0, false, "SetMaxEntries set its max_entries to 0"},
		{"no variables", spec.MapSpec{Type: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Kind: spec.ROData}, 3, false, "max_entries of global variables must be 1, but SetMaxEntries set it to 3"},
		{"no key", spec.MapSpec{Type: sys.MapTypeHash, ValueSize: 8}, 1, false, "the source does not set its key: set it there, or call ChangeMap before Load"},
		{"no value", spec.MapSpec{Type: sys.MapTypeQueue}, 1, false, "the source does not set its value: set it there, or call ChangeMap before Load"},
		{"no inner map", spec.MapSpec{Type: sys.MapTypeArrayOfMaps, KeySize: 4, ValueSize: 4}, 1, false, "the source does not define its inner maps"},
		{"no flag", spec.MapSpec{Type: sys.MapTypeLPMTrie, KeySize: 8, ValueSize: 8}, 1, false, "the source does not set its flag BPF_F_NO_PREALLOC"},
		{"no flag, arena", spec.MapSpec{Type: sys.MapTypeArena}, 1, false, "the source does not set its flag BPF_F_MMAPABLE"},
		{
			"local storage has no entries",
			spec.MapSpec{Type: sys.MapTypeTaskStorage, KeySize: 4, ValueSize: 8, Flags: noPrealloc},
			0, false,
			"maps of its type cannot have keys of 4 bytes, values of 8, 0 entries and flags 0x1, at least not on 6.18.1: change the source, or use ChangeMap before Load",
		},
		{"too new", spec.MapSpec{Type: sys.MapTypeRHash}, 0, false, "BPF_MAP_TYPE_RHASH needs Linux 7.2, this is 6.18.1"},
	} {
		f := made(spec.Failure{Errno: unix.EINVAL, MaxEntries: tt.entries}, spec.Step{Kind: createMap}).Failure
		f.Spec.Maps[0] = tt.m
		if tt.signed {
			f.Spec.Signed = &spec.SignedSpec{}
		}
		got := on("6.18.1", f).hint()
		if exact := strings.HasSuffix(tt.want, "there") || strings.HasSuffix(tt.want, "Load"); !strings.HasPrefix(got, tt.want) || exact && got != tt.want {
			t.Errorf("%s: got  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// An inner map is described only by its attr.
func TestHintForInnerMap(t *testing.T) {
	f := made(spec.Failure{Errno: unix.EINVAL}, spec.Step{Kind: spec.StepCreateInner, Attr: 8}).Failure
	blob := binary.NativeEndian.AppendUint64(nil, 0)
	for _, field := range []uint32{sys.MapTypeHash, 4, 8, 0, 0} {
		blob = binary.NativeEndian.AppendUint32(blob, field)
	}
	f.Spec.Blob = string(blob)
	if got, want := on("6.18.1", f).hint(), "the source does not set its inner map's max_entries: set it there, or call ChangeMap before Load"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Two programs of different kinds use one program array, which only their instructions show.
func TestHintSharedMap(t *testing.T) {
	const accepted = "processed 5 insns (limit 1000000)\n"
	refer := func(slot uint32) string {
		raw := []byte{0x18, 0x52, 0, 0}
		if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
			raw[1] = 0x25
		}
		return string(binary.NativeEndian.AppendUint32(raw, slot)) + strings.Repeat("\x00", 24)
	}
	for _, tt := range []struct {
		name  string
		other uint32 // attach type
		slot  uint32 // the map that the other program uses
		log   string
		want  string
	}{
		{"shared", 20, 1, accepted, "it shares map jumps with other, which is of another kind"},
		{"of one kind", 14, 1, accepted, ""},
		{"another map", 20, 0, accepted, ""},
		{"refused by the verifier", 20, 1, "0: (95) exit\nR0 !read_ok\n" + accepted, ""},
	} {
		f := &spec.Failure{Errno: unix.EINVAL, Log: tt.log, Spec: &spec.Spec{
			Blob:  strings.Repeat("\x00", 8) + refer(1) + refer(tt.slot),
			Steps: []spec.Step{{Kind: spec.StepLoadProgram}},
			Maps:  []spec.MapSpec{{Type: sys.MapTypeHash, Name: "h"}, {Type: sys.MapTypeProgArray, Name: "jumps", Slot: 1}},
			Programs: []spec.ProgramSpec{
				{Name: "prog", Attr: 8, Type: sys.ProgTypeCgroupSockAddr, AttachType: 14, Target: -1},
				{Name: "other", Attr: 40, Type: sys.ProgTypeCgroupSockAddr, AttachType: tt.other, Target: -1},
			},
		}}
		if got := on("6.18.1", f).hint(); !strings.HasPrefix(got, tt.want) || got != "" && tt.want == "" {
			t.Errorf("%s: got  %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// A program may be refused before or after verification. Its log then has no reason.
func TestReasonWithoutVerifier(t *testing.T) {
	const relocation = "CO-RE relocating STRUCT task_struct: found target candidate [114]\n" +
		"prog '': relo #0: <byte_off> [7] STRUCT task_struct.pid (0:0 @ offset 0)\n" +
		"prog '': relo #0: matching candidate #0 <byte_off> [114] STRUCT task_struct.pid (0:92 @ offset 1264)\n" +
		"prog '': relo #0: patched insn #1 (LDX/ST/STX) off 0 -> 1264\n"
	for _, tt := range []struct{ log, want string }{
		{relocation + "processed 0 insns (limit 1000000)\n", "the kernel refused it before verifying it"},
		{relocation, "the kernel refused it before verifying it"},
		{relocation + "prog '': relo #1: trying to relocate unrecognized insn #4, code:0xdb\n", ""},
		{"processed 5 insns (limit 1000000)\n", "the verifier accepted it, but the kernel refused it afterwards"},
		{"0: (95) exit\nR0 !read_ok\nprocessed 1 insns\n", ""},
		{"", ""},
	} {
		f := made(spec.Failure{Errno: unix.EINVAL, Log: tt.log}, spec.Step{Kind: spec.StepLoadProgram})
		f.findReason()
		if f.Reason != tt.want {
			t.Errorf("%q:\ngot  %q\nwant %q", tt.log, f.Reason, tt.want)
		}
	}
}

// Kernels print the call of a missing weak kfunc in different ways.
func TestReasonWeakKfunc(t *testing.T) {
	const want = "it calls a weak kfunc that this kernel lacks, without checking for it: bpf_no_such"
	for log, is := range map[string]bool{
		"1: (85) call #0                       ;\n2: (95) exit\nR0 !read_ok\nprocessed 3 insns\n":             true,
		"1: (85) call kernel-function#0\n2: (95) exit\nR0 !read_ok\nprocessed 3 insns\n":                      true,
		"1: (85) call <error>#0                ;\n2: (95) exit\nR0 !read_ok\n\nVerification failed: x\n":      true,
		"3: (95) exit\ninvalid kernel function call not eliminated in verifier pass\n":                        true,
		"1: (85) call bpf_ktime_get_ns#5       ; R0=scalar()\n2: (95) exit\nR1 !read_ok\nprocessed 3 insns\n": false,
		"1: (85) call bpf_ktime_get_ns#5\n2: (bf) r0 = r6\nR6 !read_ok\nprocessed 3 insns\n":                  false,
	} {
		f := made(spec.Failure{Errno: unix.EACCES, Log: log, Missing: []string{"bpf_no_such"}}, spec.Step{Kind: spec.StepLoadProgram})
		if f.findReason(); (f.Reason == want) != is {
			t.Errorf("%q: %q", log, f.Reason)
		}
	}
}

// A hint that the caller has set is kept.
func TestExplainKeepsHint(t *testing.T) {
	f := made(spec.Failure{Op: spec.OpVerify, Errno: unix.EPERM, Hint: "do this"}).Failure
	if Explain(f); f.Hint != "do this" || f.Reason != "" {
		t.Errorf("reason %q, hint %q", f.Reason, f.Hint)
	}
	f.Hint, f.Reason = "", "because"
	if Explain(f); f.Reason != "because" {
		t.Errorf("reason %q", f.Reason)
	}
}

func TestFeatures(t *testing.T) {
	for _, tt := range []struct {
		list        *features
		number      uint32
		name, since string
	}{
		{&mapTypes, sys.MapTypeBloomFilter, "BPF_MAP_TYPE_BLOOM_FILTER", "5.16"},
		{&mapTypes, sys.MapTypeArena, "BPF_MAP_TYPE_ARENA", "6.9"},
		{&mapTypes, sys.MapTypeHash, "", ""},
		{&mapTypes, 1000, "", ""},
		{&programTypes, sys.ProgTypeNetfilter, "BPF_PROG_TYPE_NETFILTER", "6.4"},
		{&attachTypes, sys.AttachNetfilter, "BPF_NETFILTER", "6.4"},
		{&attachTypes, sys.AttachTCXEgress, "BPF_TCX_EGRESS", "6.6"},
		{&attachTypes, sys.AttachTraceFsession, "BPF_TRACE_FSESSION", "7.0"},
		{&helpers, 181, "bpf_loop", "5.17"},
		{&helpers, 211, "bpf_cgrp_storage_delete", "6.2"},
		{&helpers, 212, "", ""},
		{&btfKinds, sys.BtfKindEnum64, "BTF_KIND_ENUM64", "6.0"},
	} {
		if name, since := tt.list.at(tt.number); name != tt.name || since != tt.since {
			t.Errorf("%d: %q since %q, want %q since %q", tt.number, name, since, tt.name, tt.since)
		}
	}
}

func TestOperationHints(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hint  func(unix.Errno) string
		errno unix.Errno
		want  string
	}{
		{"pin", PinHint, unix.EEXIST, "something is already pinned there"},
		{"pin", PinHint, unix.EIO, ""},
		{"XDP", XDPHint, unix.EBUSY, "another program is attached to the interface"},
		{"XDP", XDPHint, unix.EPERM, ""},
		{"cgroup", CgroupHint, unix.EPERM, "a program attached to the cgroup or a parent"},
		{"cgroup", CgroupHint, unix.EINVAL, ""},
		{"interface", InterfaceHint, unix.ENXIO, "the interface is not a netkit device"},
		{"interface", InterfaceHint, unix.EBUSY, ""},
		{"open pin", OpenPinHint, unix.EACCES, "it is not a map, program or link"},
		{"open pin", OpenPinHint, unix.ENOENT, ""},
	} {
		if got := tt.hint(tt.errno); !strings.HasPrefix(got, tt.want) || got != "" && tt.want == "" {
			t.Errorf("%s, %v: %q, want %q", tt.name, tt.errno, got, tt.want)
		}
	}
}

func TestAttachHint(t *testing.T) {
	for _, tt := range []struct {
		attachType uint32
		errno      unix.Errno
		want       string
	}{
		{sys.AttachNetfilter, unix.EBUSY, "another program is attached, and only one can be: detach it first"},
		{sys.AttachFlowDissector, unix.EPERM, ""},
		{sys.AttachNetkitPrimary, unix.EPERM, ""},
	} {
		if got := AttachHint(tt.attachType, tt.errno); got != tt.want {
			t.Errorf("%d, %v: %q, want %q", tt.attachType, tt.errno, got, tt.want)
		}
	}
	release := sys.Release()
	if got, want := TooNew("it", sys.Version{1000, 0}), "it needs Linux 1000.0, this is "+release; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := TooNew("it", sys.Version{3, 18}); got != "" {
		t.Errorf("a kernel with BPF: %q", got)
	}
}

// smallBTF has an integer, and a struct foo with a member bar. The string at offset 13 is an access
// path.
func smallBTF(access string) []byte {
	btf := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	btf = append(btf, 1, 0)
	types := []uint32{1, sys.BtfKindInt << 24, 4, 32, 5, sys.BtfKindStruct<<24 | 1, 4, 9, 1, 0}
	names := "\x00int\x00foo\x00bar\x00" + access + "\x00"
	for _, word := range []uint32{24, 0, uint32(4 * len(types)), uint32(4 * len(types)), uint32(len(names))} {
		btf = binary.NativeEndian.AppendUint32(btf, word)
	}
	for _, word := range types {
		btf = binary.NativeEndian.AppendUint32(btf, word)
	}
	return append(btf, names...)
}

// Describing a CO-RE record does not trust its input.
func FuzzDescribeRelo(f *testing.F) {
	f.Add(smallBTF("0:0"), uint32(2), uint32(0), "0:0", true)
	f.Add(smallBTF("0:0"), uint32(2), uint32(11), "0", true)
	f.Fuzz(func(t *testing.T, btf []byte, id, kind uint32, access string, has bool) {
		const attr, data = 8, 1024
		blob := make([]byte, data, data+len(btf)+len(access)+1)
		binary.NativeEndian.PutUint32(blob[attr+100:], 1)
		blob = append(blob, btf...)
		s := &spec.Spec{Blob: string(blob), BTF: spec.BTFSpec{Attr: attr, Data: data, Size: uint32(len(btf))}}
		log := ""
		if has {
			log = " foo: found target candidate"
		}
		p := &spec.ProgramSpec{Attr: attr, CORERelos: spec.BlobOff(id)}
		r, _ := reloOf(s, p, int(int32(kind)))
		_ = describeRelo(s, r, log)
		r.TypeId, r.Kind = id, kind
		for off := range 16 {
			r.AccessStrOff = uint32(off)
			_ = describeRelo(s, r, log)
		}
		if types := objectTypes(s); types != nil {
			_ = types.field(id, access)
			_ = types.enumValue(id, access)
		}
	})
}
