package spec

import (
	"encoding/binary"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// StructOps describes the value of a map of type BPF_MAP_TYPE_STRUCT_OPS in the object. The
// kernel's struct may have more, fewer and other members, so the value is converted at load time.
//
// The descriptions are in the blob, at Spec.StructOps, and not in the Spec, which would add their
// types to every binary.
type StructOps struct {
	Map     int32  // index in Spec.Maps; its ValueSize is the size of the object's struct
	Type    string // name of the struct in the kernel: "tcp_congestion_ops"
	Section string // ".struct_ops" or ".struct_ops.link", after a '?' if AutoCreate is not set
	// AutoCreate is false for maps that are created only when asked for.
	AutoCreate bool
	// Data is the place of the initial value in the blob, with zeros in place of programs.
	Data    BlobOff
	Members []StructOpsMember
}

// A StructOpsMember is a member of a struct_ops type.
type StructOpsMember struct {
	Name   string
	Offset uint32 // bytes
	Size   uint32 // bytes
	Kind   uint8  // BTF_KIND_*, without qualifiers and typedefs
	Bits   bool   // it is a bit-field
	// Program is the index in Spec.Programs of the program that the source sets, or -1.
	Program int32
}

// IsPointer reports whether the member is a pointer, either to a function or always NULL.
func (m *StructOpsMember) IsPointer() bool { return m.Kind == sys.BtfKindPtr }

// AppendStructOps appends descriptions in the encoding of ReadStructOps: words in the byte order of
// the target, and strings after their lengths.
func AppendStructOps(b []byte, bo binary.ByteOrder, list []StructOps) []byte {
	word := func(n uint32) {
		b = append(b, 0, 0, 0, 0)
		bo.PutUint32(b[len(b)-4:], n)
	}
	text := func(s string) {
		word(uint32(len(s)))
		b = append(b, s...)
	}
	flag := func(set bool) {
		n := uint32(0)
		if set {
			n = 1
		}
		word(n)
	}
	word(uint32(len(list)))
	for i := range list {
		ops := &list[i]
		word(uint32(ops.Map))
		text(ops.Type)
		text(ops.Section)
		flag(ops.AutoCreate)
		word(uint32(ops.Data))
		word(uint32(len(ops.Members)))
		for _, m := range ops.Members {
			text(m.Name)
			word(m.Offset)
			word(m.Size)
			word(uint32(m.Kind))
			flag(m.Bits)
			word(uint32(m.Program))
		}
	}
	return b
}

// ReadStructOps returns the struct_ops descriptions of an object, if any. It checks them like Check
// does the rest, and its error is a [DamagedError].
func ReadStructOps(s *Spec) ([]StructOps, error) {
	if s.StructOps == 0 {
		return nil, nil
	}
	r := structOpsReader{blob: s.Blob[min(int(s.StructOps), len(s.Blob)):]}
	c := checker{Spec: s, part: "struct of operations"}
	list := make([]StructOps, r.count())
	c.need(len(list) > 0, "there is none")
	for i := range list {
		ops := &list[i]
		*ops = StructOps{
			Map: int32(r.word()), Type: r.text(), Section: r.text(), AutoCreate: r.word() != 0, Data: BlobOff(r.word()),
			Members: make([]StructOpsMember, r.count()),
		}
		for j := range ops.Members {
			ops.Members[j] = StructOpsMember{
				Name: r.text(), Offset: r.word(), Size: r.word(), Kind: uint8(r.word()), Bits: r.word() != 0, Program: int32(r.word()),
			}
		}
		c.index = i
		c.need(!r.short, "it ends after the blob")
		if c.failed == "" {
			c.structOps(ops)
		}
		if c.failed != "" {
			break
		}
	}
	if c.failed != "" {
		return nil, c.err()
	}
	return list, nil
}

// The parts of attrs that the runtime writes to.
const (
	structOpsMapAttr     = uint32(unsafe.Offsetof(sys.MapCreateAttr{}.ValueTypeBtfObjFd)) + 4
	structOpsProgramAttr = uint32(unsafe.Offsetof(sys.ProgLoadAttr{}.AttachBtfObjFd)) + 4
)

func (c *checker) structOps(ops *StructOps) {
	c.need(ops.Map >= 0 && int(ops.Map) < len(c.Maps), indexInRange)
	if c.failed != "" {
		return
	}
	m := &c.Maps[ops.Map]
	c.need(c.within(ops.Data, m.ValueSize), dataInBlob)
	c.need(m.AttrSize >= structOpsMapAttr && c.within(m.Attr, m.AttrSize), attrInBlob)
	for i := range ops.Members {
		member := &ops.Members[i]
		c.need(uint64(member.Offset)+uint64(member.Size) <= uint64(m.ValueSize), "a member is not in its value")
		c.need(member.Kind != sys.BtfKindPtr || member.Size == 8, "a pointer has not 8 bytes")
		c.need(member.Program >= -1 && int(member.Program) < len(c.Programs), indexInRange)
	}
	for i := range c.Programs {
		p := &c.Programs[i]
		c.need(p.Type != sys.ProgTypeStructOps || c.within(p.Attr, structOpsProgramAttr), "the attr of a program is not in the blob")
	}
}

// A structOpsReader decodes the encoding of AppendStructOps.
type structOpsReader struct {
	blob  string
	short bool
}

func (r *structOpsReader) take(n uint32) string {
	if uint64(n) > uint64(len(r.blob)) {
		r.short, r.blob = true, ""
		return ""
	}
	taken := r.blob[:n]
	r.blob = r.blob[n:]
	return taken
}

func (r *structOpsReader) word() uint32 {
	if b := r.take(4); len(b) == 4 {
		return binary.NativeEndian.Uint32([]byte(b))
	}
	return 0
}

func (r *structOpsReader) text() string { return r.take(r.word()) }

// count reads a number of items, of at least 4 bytes each.
func (r *structOpsReader) count() uint32 {
	n := r.word()
	if uint64(n) > uint64(len(r.blob)/4) {
		r.short = true
		return 0
	}
	return n
}
