package loader

import (
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// describeStructOps puts the initial value of a struct_ops map into the blob, and records its
// members. The runtime converts both to the kernel's struct.
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

// finishStructOps appends the descriptions to the blob.
func (g *generator) finishStructOps() {
	if len(g.structOps) > 0 {
		g.spec.StructOps = g.bytes(spec.AppendStructOps(nil, g.blob.bo, g.structOps))
	}
}

func (g *generator) describeMember(m btf.Member, p *object.Program) spec.StructOpsMember {
	size, err := btf.Sizeof(m.Type)
	if err != nil {
		size = 0 // unknown or no size: nothing to copy
	}
	if m.BitfieldSize != 0 { // the bytes that contain it
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

// kindOf returns the BTF kind of a type without qualifiers and typedefs, which must be the same in
// the kernel.
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
	case *btf.Enum: // also 64-bit enums
		return sys.BtfKindEnum
	case *btf.Float:
		return sys.BtfKindFloat
	}
	return 0
}
