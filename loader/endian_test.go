package loader_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// An object compiled for either byte order gives the same instructions, attrs and records, with
// each field swapped.
func TestByteOrdersDifferInBytesOnly(t *testing.T) {
	for _, name := range append(testobj.All(t), testobj.Externs(t)...) {
		t.Run(name, func(t *testing.T) {
			obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
			if err != nil {
				t.Fatal(err)
			}
			obj.ByteOrder = binary.LittleEndian
			little := decode(t, obj)
			obj.ByteOrder = binary.BigEndian
			big := decode(t, obj)
			if diff := cmp.Diff(little, big); diff != "" {
				t.Errorf("(-little +big):\n%s", diff)
			}
		})
	}
}

// Objects compiled for big endian are generated for big endian: clang and this package agree.
func TestBigEndianObjects(t *testing.T) {
	for _, name := range append(testobj.All(t), testobj.Externs(t)...) {
		t.Run(name, func(t *testing.T) {
			obj, err := object.Read(testobj.Compile(t, name, testobj.Options{Target: "bpfeb"}))
			if err != nil {
				t.Fatal(err)
			}
			if obj.ByteOrder != binary.BigEndian {
				t.Fatalf("read as %v", obj.ByteOrder)
			}
			d := decode(t, obj)
			if len(obj.BTF) > 0 && !bytes.HasPrefix(obj.BTF, []byte{0xeb, 0x9f}) {
				t.Errorf("BTF begins with %x", obj.BTF[:2])
			}
			for i, p := range obj.Programs {
				for j, in := range p.Insns {
					want := object.Insn{Op: d.Programs[i].Insns[j].Code, Dst: d.Programs[i].Insns[j].Regs >> 4, Src: d.Programs[i].Insns[j].Regs & 15, Off: d.Programs[i].Insns[j].Off, Imm: d.Programs[i].Insns[j].Imm}
					// decode returns registers in little-endian order.
					want.Dst, want.Src = want.Src, want.Dst
					if in != want {
						t.Fatalf("%s: instruction %d is %+v in the object and %+v in the blob", p.Name, j, in, want)
					}
				}
			}
		})
	}
}

// decoded is a Spec's loader and blob, with each record read in its byte order.
type decoded struct {
	Loader   []sys.Insn
	Steps    []spec.Step
	BTF      sys.BtfLoadAttr
	Maps     []sys.MapCreateAttr
	Programs []decodedProgram
	Elems    []sys.MapElemAttr
}

type decodedProgram struct {
	Attr  sys.ProgLoadAttr
	Insns []sys.Insn
	Funcs []sys.FuncInfo
	Lines []sys.LineInfo
	Relos []sys.CoreRelo
}

func decode(t *testing.T, obj *object.Object) decoded {
	t.Helper()
	planned, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	bo, big := obj.ByteOrder, obj.ByteOrder == binary.BigEndian
	d := decoded{Steps: planned.Steps, Loader: make([]sys.Insn, len(planned.Loader)/8)}
	read(t, bo, []byte(planned.Loader), d.Loader)
	little(d.Loader, big)
	for i := range d.Loader {
		in := &d.Loader[i]
		// On big endian, the half of 64 bits that holds a fd comes first, so the slot to store it
		// into is one less.
		if big && in.Code == sys.OpMulImm && in.Regs == 0 {
			in.Imm++
		}
		// src_reg, BPF_PSEUDO_BTF_ID, and dst_reg are swapped within their byte.
		if big && in.Code == sys.OpMulImm && in.Regs != 0 {
			in.Imm <<= 4
		}
		if big && in.Code == sys.OpOrImm {
			in.Imm >>= 4
		}
	}
	blob := []byte(planned.Blob)
	if planned.BTF.Attr != 0 {
		read(t, bo, pad(blob[planned.BTF.Attr:], 28, 40), &d.BTF)
	}
	for _, s := range planned.Steps {
		switch s.Kind {
		case spec.StepCreateMap, spec.StepCreateInner:
			var attr sys.MapCreateAttr
			read(t, bo, pad(blob[s.Attr:], 44, binary.Size(attr)), &attr)
			d.Maps = append(d.Maps, attr)
		case spec.StepFillMap, spec.StepSetSlot:
			var attr sys.MapElemAttr
			read(t, bo, blob[s.Attr:], &attr)
			d.Elems = append(d.Elems, attr)
		case spec.StepLoadProgram:
			d.Programs = append(d.Programs, decodeProgram(t, bo, blob[s.Attr:], planned, s))
		}
	}
	return d
}

// decodeProgram reads a program's record: the attr, then what follows it, in order.
func decodeProgram(t *testing.T, bo binary.ByteOrder, rec []byte, planned *spec.Spec, s spec.Step) decodedProgram {
	t.Helper()
	var p decodedProgram
	// The loader has the attr's size: r3 of the step's call.
	insns := make([]sys.Insn, s.End-s.Start)
	read(t, bo, []byte(planned.Loader)[8*s.Start:8*s.End], insns)
	little(insns, bo == binary.BigEndian)
	size := 0
	for _, in := range insns {
		if in.Code == sys.OpMovImm && in.Regs == 3 {
			size = int(in.Imm)
		}
	}
	if size == 0 {
		t.Fatal("the loader has no size for the attr")
	}
	read(t, bo, pad(rec, size, binary.Size(p.Attr)), &p.Attr)
	rec = rec[(size+7)&^7:]
	p.Insns = make([]sys.Insn, planned.Programs[s.Index].Insns)
	p.Funcs = make([]sys.FuncInfo, p.Attr.FuncInfoCnt)
	p.Lines = make([]sys.LineInfo, p.Attr.LineInfoCnt)
	p.Relos = make([]sys.CoreRelo, p.Attr.CoreReloCnt)
	for _, list := range []any{p.Insns, p.Funcs, p.Lines, p.Relos} {
		read(t, bo, rec, list)
		rec = rec[binary.Size(list):]
	}
	little(p.Insns, bo == binary.BigEndian)
	return p
}

// little returns registers in little-endian order.
func little(insns []sys.Insn, big bool) {
	for i := range insns {
		if big {
			insns[i].Regs = insns[i].Regs<<4 | insns[i].Regs>>4
		}
	}
}

// pad returns the first n bytes, padded with zeros.
func pad(b []byte, n, to int) []byte {
	return append(bytes.Clone(b[:min(n, len(b))]), make([]byte, max(0, to-n))...)
}

func read(t *testing.T, bo binary.ByteOrder, b []byte, v any) {
	t.Helper()
	if _, err := binary.Decode(b, bo, v); err != nil {
		t.Fatal(err)
	}
}
