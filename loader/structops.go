package loader

import (
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// describeStructOps puts the initial value of a struct of operations into the blob, and notes what
// its members are: the runtime fits both to the kernel's struct.
func (g *generator) describeStructOps(i int, m *object.Map) {
	ops := m.StructOps
	described := spec.StructOps{
		Map: int32(i), Type: ops.KernelType, Section: ops.Section, AutoCreate: ops.AutoCreate, Data: g.bytes(ops.Data),
	}
	for j, member := range ops.Type.Members {
		described.Members = append(described.Members, g.describeMember(member, ops.Programs[j]))
	}
	g.structOps = append(g.structOps, described)
}

// finishStructOps puts the descriptions into the blob, after all else.
func (g *generator) finishStructOps() {
	if len(g.structOps) > 0 {
		g.spec.StructOps = g.bytes(spec.AppendStructOps(nil, g.blob.bo, g.structOps))
	}
}

func (g *generator) describeMember(m btf.Member, p *object.Program) spec.StructOpsMember {
	size, err := btf.Sizeof(m.Type)
	if err != nil {
		size = 0 // of no size, or of none that is known: nothing to copy
	}
	if m.BitfieldSize != 0 { // the bytes that it is in
		size = int(m.Offset%8+m.BitfieldSize+7) / 8
	}
	described := spec.StructOpsMember{
		Name: m.Name, Offset: m.Offset.Bytes(), Size: uint32(size), Kind: kindOf(m.Type),
		Bits: m.BitfieldSize != 0, Program: -1,
	}
	for i, other := range g.obj.Programs {
		if p == other {
			described.Program = int32(i)
		}
	}
	return described
}

// kindOf is the BTF kind of a type without its qualifiers and typedefs, the one thing that has to
// be the same in the kernel.
func kindOf(t btf.Type) uint8 {
	switch btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return sys.BtfKindInt
	case *btf.Pointer:
		return sys.BtfKindPtr
	case *btf.Array:
		return sys.BtfKindArray
	case *btf.Struct:
		return sys.BtfKindStruct
	case *btf.Union:
		return sys.BtfKindUnion
	case *btf.Enum: // also those of 64 bits
		return sys.BtfKindEnum
	case *btf.Float:
		return sys.BtfKindFloat
	}
	return 0
}
