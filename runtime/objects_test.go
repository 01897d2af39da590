package runtime_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Objects for tests that need only one property of them, and no compiler.

// generate returns the Spec of an object.
func generate(t testing.TB, obj *object.Object) *runtime.Spec {
	t.Helper()
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// compiled returns the Spec of an object in testdata.
func compiled(t testing.TB, name string) *runtime.Spec {
	t.Helper()
	obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return generate(t, obj)
}

// oneMap returns an object with one map.
func oneMap(m object.Map) *object.Object {
	m.Name, m.KernelName = "m", "m"
	return &object.Object{Name: "test", ByteOrder: binary.NativeEndian, License: "GPL", Maps: []*object.Map{&m}}
}

var array = object.Map{Type: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}

// oneProgram returns an object with one program.
func oneProgram(p object.Program) *object.Object {
	p.Name, p.Section, p.AutoLoad = "prog", "tc", true
	if p.Type == 0 {
		p.Type = sys.ProgTypeSchedCLS
	}
	return &object.Object{
		Name: "test", ByteOrder: binary.NativeEndian, License: "GPL", Programs: []*object.Program{&p},
	}
}

// calling returns a program that calls a helper.
func calling(helper int32) object.Program {
	return object.Program{Insns: append(zeroArgs(), object.Insn{Op: sys.OpCall, Imm: helper}, object.Insn{Op: sys.OpMovImm}, object.Insn{Op: sys.OpExit})}
}

// zeroArgs is r1 = 0, ... r5 = 0.
func zeroArgs() []object.Insn {
	var insns []object.Insn
	for r := range uint8(5) {
		insns = append(insns, object.Insn{Op: sys.OpMovImm, Dst: r + 1})
	}
	return insns
}

// returnsZero is the smallest program.
var returnsZero = object.Program{Insns: []object.Insn{{Op: sys.OpMovImm}, {Op: sys.OpExit}}}

// testBTF builds an object's BTF.
type testBTF struct {
	types   []byte
	strings []byte
}

// add adds a type. sizeOrType is the third word of struct btf_type, and more the words after it.
func (b *testBTF) add(name string, kind, vlen, sizeOrType uint32, more ...uint32) {
	for _, word := range append([]uint32{b.str(name), kind<<24 | vlen, sizeOrType}, more...) {
		b.types = binary.NativeEndian.AppendUint32(b.types, word)
	}
}

// str adds a string.
func (b *testBTF) str(s string) uint32 {
	if len(b.strings) == 0 {
		b.strings = []byte{0}
	}
	if s == "" {
		return 0
	}
	off := len(b.strings)
	b.strings = append(append(b.strings, s...), 0)
	return uint32(off)
}

func (b *testBTF) bytes() []byte {
	b.str("")
	out := binary.NativeEndian.AppendUint16(nil, 0xeb9f)
	out = append(out, 1, 0)
	for _, word := range []int{24, 0, len(b.types), len(b.types), len(b.strings)} {
		out = binary.NativeEndian.AppendUint32(out, uint32(word))
	}
	return append(append(out, b.types...), b.strings...)
}

// withTimer returns an object with a map whose values have a bpf_timer, which only hashes and
// arrays support (map_check_btf).
func withTimer(t *testing.T, m object.Map) *object.Object {
	t.Helper()
	return withTimerAt(t, 0, m)
}

// withTimerAt is withTimer with a u64 before the timer, if that is at 8.
func withTimerAt(t *testing.T, at uint32, m object.Map) *object.Object {
	t.Helper()
	var b testBTF
	b.add("int", 1, 0, 4, 1<<24|32)                       // 1
	b.add("u64", 1, 0, 8, 64)                             // 2
	b.add("", 3, 0, 0, 2, 1, 2)                           // 3: u64[2]
	b.add("bpf_timer", 4, 1, 16, b.str("__opaque"), 3, 0) // 4
	timer := []uint32{b.str("no_timer"), 4, 8 * at}
	if at > 0 {
		timer = append([]uint32{b.str("n"), 2, 0}, timer...)
	}
	b.add("value_type", 4, uint32(len(timer)/3), 16+at, timer...) // 5
	m.ValueSize, m.KeyTypeID, m.ValueTypeID = 16+at, 1, 5
	obj := oneMap(m)
	obj.Programs = oneProgram(returnsZero).Programs
	obj.BTF = b.bytes()
	types, err := btf.LoadSpecFromReader(bytes.NewReader(obj.BTF))
	if err != nil {
		t.Fatal(err)
	}
	obj.Types = types
	return obj
}
