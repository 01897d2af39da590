package runtime

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// What no kernel says that Debian still has: those from 5.14 to 5.19, and one whose JIT compiler can be switched off. The
// failures are made up here; all other hints have tests that provoke them for real, in hints_*_test.go and arena_test.go.
func TestHintsOfOtherMachines(t *testing.T) {
	for _, tt := range []struct {
		name    string
		failure LoadError
		machine machine
		step    Step
		want    string
	}{
		{
			"large blob",
			LoadError{Op: opCreateBlob, Step: -1, Errno: unix.E2BIG},
			machine{release: "5.15.1"},
			Step{},
			"the object's data and code make a blob of 1024 bytes: this kernel, 5.15.1, takes no map value above 4 MiB",
		},
		{
			"CO-RE before 5.17",
			LoadError{Errno: unix.E2BIG},
			machine{release: "5.15.0"},
			Step{Kind: StepLoadProgram},
			"CO-RE by the kernel needs Linux 5.17, this is 5.15.0",
		},
		{
			"ENUM64",
			LoadError{Errno: unix.EINVAL, Log: "[3] ENUM64 \n[3] Invalid kind:19\n"},
			machine{release: "5.19.1"},
			Step{Kind: StepLoadBTF},
			"the object's BTF has a BTF_KIND_ENUM64, which needs Linux 6.0, this is 5.19.1: compile for an older one",
		},
		{
			"no JIT",
			LoadError{Errno: enotsupp},
			machine{release: "6.18.1", jit: "0"},
			Step{Kind: StepLoadProgram, Index: 1},
			"this needs the JIT compiler: sysctl net.core.bpf_jit_enable=1",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := &Spec{
				Name: "test", Steps: []Step{tt.step},
				Programs: []ProgramSpec{{CORERelos: 8}, {}},
				Blob:     strings.Repeat("\x00", 1024),
			}
			tt.machine.linux = parseVersion(tt.machine.release)
			tt.machine.kernelBTF = true
			f := &failure{&tt.failure, &loading{spec: spec}, &tt.machine}
			if got := f.hint(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// Hints leave no word out.
func TestHintsFillInAllWords(t *testing.T) {
	for _, h := range hints {
		if strings.Count(h.text, "{") != strings.Count(h.text, "}") {
			t.Errorf("%s: %s", h.cause, h.text)
		}
	}
}

func TestDecisive(t *testing.T) {
	for _, tt := range []struct{ log, want string }{
		{"", ""},
		{"processed 3 insns (limit 1000000)\n", ""},
		{
			"; return *v; @ x.c:3\n5: (61) r0 = *(u32 *)(r0 +0)\nR0 invalid mem access 'map_value_or_null'\nprocessed 6 insns\n",
			"R0 invalid mem access 'map_value_or_null', at: return *v; @ x.c:3",
		},
		{
			"7: (95) exit\nUnreleased reference id=2 alloc_insn=0\nBPF_EXIT would leak\nprocessed 1 insns\nstack depth 0\n",
			"Unreleased reference id=2 alloc_insn=0; BPF_EXIT would leak",
		},
		{"magic: 0xeb9f\n[1] INT int size=4\n[2] Invalid kind:31\n", "[2] Invalid kind:31"},
		{"func#0 @0\nR1=ctx() R10=fp0\nunreachable insn 3\n", "unreachable insn 3"},
		{"back-edge from insn 4 to 2\nverification time 7 usec\n(the log is not whole)\n", "back-edge from insn 4 to 2"},
	} {
		if got := decisive(tt.log); got != tt.want {
			t.Errorf("%q:\ngot  %q\nwant %q", tt.log, got, tt.want)
		}
	}
}

func TestErrorFormats(t *testing.T) {
	e := &LoadError{Object: "o", Op: "create map m", Err: unix.EPERM, Errno: unix.EPERM, Log: "first\nlast\n", Hint: "do this"}
	line := "load o: create map m: operation not permitted: first; last (do this)"
	for format, want := range map[string]string{
		"%v": line, "%s": line, "%q": fmt.Sprintf("%q", line), "%+v": line + "\nfirst\nlast\n",
	} {
		if got := fmt.Sprintf(format, e); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for release, want := range map[string]version{
		"6.1.0-49-cloud-amd64": {6, 1}, "5.10.0": {5, 10}, "7.3-rc1": {7, 3}, "": {}, "x": {},
	} {
		if got := parseVersion(release); got != want {
			t.Errorf("%q: %v, want %v", release, got, want)
		}
	}
	if v := (version{5, 17}); !v.before(version{6, 0}) || !v.before(version{5, 18}) || v.before(v) || v.before(version{4, 19}) {
		t.Error("before")
	}
}

// smallBTF has an integer, and a struct foo with a member bar; the string at 13 is an access path.
func smallBTF(access string) []byte {
	btf := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	btf = append(btf, 1, 0)
	types := []uint32{1, btfInt << 24, 4, 32, 5, btfStruct<<24 | 1, 4, 9, 1, 0}
	names := "\x00int\x00foo\x00bar\x00" + access + "\x00"
	for _, word := range []uint32{24, 0, uint32(4 * len(types)), uint32(4 * len(types)), uint32(len(names))} {
		btf = binary.NativeEndian.AppendUint32(btf, word)
	}
	for _, word := range types {
		btf = binary.NativeEndian.AppendUint32(btf, word)
	}
	return append(btf, names...)
}

// The description of a CO-RE record believes nothing that it reads.
func FuzzDescribeRelo(f *testing.F) {
	f.Add(smallBTF("0:0"), uint32(2), uint32(0), "0:0", true)
	f.Add(smallBTF("0:0"), uint32(2), uint32(11), "0", true)
	f.Fuzz(func(t *testing.T, btf []byte, id, kind uint32, access string, has bool) {
		const attr, data = 8, 1024
		blob := make([]byte, data, data+len(btf)+len(access)+1)
		binary.NativeEndian.PutUint32(blob[attr+100:], 1)
		blob = append(blob, btf...)
		spec := &Spec{Blob: string(blob), BTF: BTFSpec{Attr: attr, Data: data, Size: uint32(len(btf))}}
		p := &ProgramSpec{Attr: attr, CORERelos: BlobOff(id)}
		r, _ := spec.reloOf(p, int(int32(kind)))
		_ = spec.describeRelo(r, func(string) bool { return has })
		r.TypeId, r.Kind = id, kind
		for off := range 16 {
			r.AccessStrOff = uint32(off)
			_ = spec.describeRelo(r, func(string) bool { return has })
		}
		if types := spec.types(); types != nil {
			_ = types.field(id, access)
			_ = types.enumValue(id, access)
		}
	})
}

// So does the reading of a log.
func FuzzDecisive(f *testing.F) {
	f.Add("5: (85) call unknown#195896080\ninvalid func unknown#195896080\n")
	f.Add("; x\nfoo\n")
	f.Fuzz(func(t *testing.T, log string) {
		if said := decisive(log); strings.Contains(said, "\n") {
			t.Errorf("more than a line: %q", said)
		}
		spec := &Spec{Steps: []Step{{Kind: StepLoadProgram}}, Programs: []ProgramSpec{{CORERelos: 8}}, Blob: strings.Repeat("\x01", 512)}
		for _, errno := range []unix.Errno{unix.EINVAL, unix.EPERM} {
			e := &LoadError{Errno: errno, Err: errno, Log: log}
			fail := &failure{e, &loading{spec: spec}, &machine{hasModule: func(string) bool { return false }}}
			fail.findReason()
			e.Hint = fail.hint()
			if strings.Contains(e.Error(), "\n") {
				t.Errorf("more than a line: %q", e.Error())
			}
		}
	})
}
