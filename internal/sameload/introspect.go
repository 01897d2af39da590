package sameload

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// Some results of a load are not in any info struct: a program's expected attach type, whether it
// may sleep, a map's NUMA node. A BPF iterator can read them in the kernel's own structs.

// progFields are the fields that the iterator reads in struct bpf_prog and struct bpf_prog_aux.
type progFields struct {
	ID                 uint32
	ExpectedAttachType uint32
	Sleepable          bool
	Frags              bool
	// Aux is the address of struct bpf_prog_aux, which the verifier writes to instructions.
	Aux uint64
	// KernelBTF reports whether instructions refer to modules' BTF or to kernel variables.
	KernelBTF bool
}

// mapFields are the fields that the iterator reads in struct bpf_map.
type mapFields struct {
	ID       uint32
	NumaNode int32
	// Inner is struct bpf_map's inner_map_meta, or all zero if there is none.
	Inner struct{ Type, KeySize, ValueSize, MaxEntries, Flags uint32 }
}

// introspectPrograms reads the fields of all programs in the kernel, by ID.
func introspectPrograms() (map[uint32]progFields, error) {
	// Before Linux 6.9 the sleepable flag was in struct bpf_prog_aux.
	sleepable := field{root: "bpf_prog", path: []string{"sleepable"}}
	if !sleepable.exists() {
		sleepable = field{root: "bpf_prog", path: []string{"aux", "sleepable"}}
	}
	rows, err := iterate("bpf_prog", []field{
		{root: "bpf_prog", path: []string{"aux", "id"}},
		{root: "bpf_prog", path: []string{"expected_attach_type"}},
		sleepable,
		{root: "bpf_prog", path: []string{"aux", "xdp_has_frags"}, optional: true},
		{root: "bpf_prog", path: []string{"aux"}},
		{root: "bpf_prog", path: []string{"aux", "kfunc_btf_tab"}, optional: true},
		{root: "bpf_prog", path: []string{"aux", "used_btf_cnt"}, optional: true},
	})
	if err != nil {
		return nil, fmt.Errorf("iterate over programs: %w", err)
	}
	progs := map[uint32]progFields{}
	for _, r := range rows {
		progs[uint32(r[0])] = progFields{
			ID: uint32(r[0]), ExpectedAttachType: uint32(r[1]), Sleepable: r[2] != 0, Frags: r[3] != 0,
			Aux: r[4], KernelBTF: r[5] != 0 || r[6] != 0,
		}
	}
	return progs, nil
}

// introspectMaps reads the fields of all maps in the kernel, by ID.
func introspectMaps() (map[uint32]mapFields, error) {
	rows, err := iterate("bpf_map", []field{
		{root: "bpf_map", path: []string{"id"}},
		{root: "bpf_map", path: []string{"numa_node"}},
		{root: "bpf_map", path: []string{"inner_map_meta", "map_type"}},
		{root: "bpf_map", path: []string{"inner_map_meta", "key_size"}},
		{root: "bpf_map", path: []string{"inner_map_meta", "value_size"}},
		{root: "bpf_map", path: []string{"inner_map_meta", "max_entries"}},
		{root: "bpf_map", path: []string{"inner_map_meta", "map_flags"}},
	})
	if err != nil {
		return nil, fmt.Errorf("iterate over maps: %w", err)
	}
	maps := map[uint32]mapFields{}
	for _, r := range rows {
		m := mapFields{ID: uint32(r[0]), NumaNode: int32(r[1])}
		in := &m.Inner
		in.Type, in.KeySize, in.ValueSize, in.MaxEntries, in.Flags = uint32(r[2]), uint32(r[3]), uint32(r[4]), uint32(r[5]), uint32(r[6])
		maps[m.ID] = m
	}
	return maps, nil
}

// field is a path of members from a kernel struct; all but the last are pointers to structs.
type field struct {
	root string
	path []string
	// optional means that old kernels do not have the member, which is then 0.
	optional bool
}

// step is one load on the path: Size bytes at Offset, of which it takes Bits bits from bit Shift
// on.
type step struct {
	Offset      int32
	Size        asm.Size
	Shift, Bits uint32 // a bit field if Bits is not zero
}

func (f field) exists() bool {
	_, err := f.steps()
	return err == nil
}

// vmlinux is the running kernel's BTF, decoded only once since that takes a while.
var vmlinux = sync.OnceValues(btf.LoadKernelSpec)

// steps finds the members in the running kernel's BTF.
func (f field) steps() ([]step, error) {
	spec, err := vmlinux()
	if err != nil {
		return nil, err
	}
	var s *btf.Struct
	if err := spec.TypeByName(f.root, &s); err != nil {
		return nil, err
	}
	var steps []step
	for i, name := range f.path {
		m, offset, ok := member(s, name)
		if !ok {
			return nil, fmt.Errorf("struct %s has no member %s", s.Name, name)
		}
		st, err := load(m, offset)
		if err != nil {
			return nil, err
		}
		steps = append(steps, st)
		if i == len(f.path)-1 {
			break
		}
		p, ok := btf.UnderlyingType(m.Type).(*btf.Pointer)
		if !ok {
			return nil, fmt.Errorf("member %s of struct %s is not a pointer", name, s.Name)
		}
		if s, ok = btf.UnderlyingType(p.Target).(*btf.Struct); !ok {
			return nil, fmt.Errorf("member %s of a struct is not a pointer to a struct", name)
		}
	}
	return steps, nil
}

// member finds a member by name, also in anonymous structs and unions, and its offset in bits.
func member(typ btf.Type, name string) (btf.Member, uint32, bool) {
	var members []btf.Member
	switch t := btf.UnderlyingType(typ).(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for _, m := range members {
		if m.Name == name {
			return m, uint32(m.Offset), true
		}
		if m.Name == "" {
			if in, offset, ok := member(m.Type, name); ok {
				return in, uint32(m.Offset) + offset, true
			}
		}
	}
	return btf.Member{}, 0, false
}

func load(m btf.Member, offset uint32) (step, error) {
	if m.BitfieldSize > 0 {
		// One byte is enough for the flags that are read here: none straddles two bytes.
		shift := offset % 8
		if spec := uint32(m.BitfieldSize); shift+spec > 8 {
			return step{}, fmt.Errorf("bit field %s straddles bytes", m.Name)
		}
		if !isLittleEndian {
			shift = 8 - shift - uint32(m.BitfieldSize)
		}
		return step{int32(offset / 8), asm.Byte, shift, uint32(m.BitfieldSize)}, nil
	}
	size, err := btf.Sizeof(m.Type)
	if err != nil {
		return step{}, err
	}
	sizes := map[int]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}
	width, ok := sizes[size]
	if !ok {
		return step{}, fmt.Errorf("member %s has a size of %d", m.Name, size)
	}
	return step{int32(offset / 8), width, 0, 0}, nil
}

// iterate runs a BPF iterator that writes the fields of each object as 64-bit words, and reads
// them.
//
// The program, for the object in the second word of its context:
//
//	if (!obj) return 0;
//	u64 row[n] = { obj->field0, obj->field1, ... };
//	bpf_seq_write(ctx->meta->seq, row, sizeof(row));
//	return 0;
func iterate(target string, fields []field) ([][]uint64, error) {
	row := -8 * int16(len(fields))
	insns := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R7, asm.R6, 8, asm.DWord),
		asm.JEq.Imm(asm.R7, 0, "out"),
	}
	for i, f := range fields {
		steps, err := f.steps()
		if err != nil && f.optional {
			insns = append(insns, asm.Mov.Imm(asm.R8, 0), asm.StoreMem(asm.RFP, row+8*int16(i), asm.R8, asm.DWord))
			continue
		}
		if err != nil {
			return nil, err
		}
		from := asm.R7
		for _, st := range steps {
			insns = append(insns, asm.LoadMem(asm.R8, from, int16(st.Offset), st.Size))
			from = asm.R8
			if st.Bits > 0 {
				insns = append(insns, asm.RSh.Imm(asm.R8, int32(st.Shift)), asm.And.Imm(asm.R8, 1<<st.Bits-1))
			}
		}
		insns = append(insns, asm.StoreMem(asm.RFP, row+8*int16(i), asm.R8, asm.DWord))
	}
	insns = append(insns,
		asm.LoadMem(asm.R1, asm.R6, 0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, int32(row)),
		asm.Mov.Imm(asm.R3, -int32(row)),
		asm.FnSeqWrite.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("out"),
		asm.Return(),
	)

	raw, err := runIterator(target, insns)
	if err != nil {
		return nil, err
	}
	var rows [][]uint64
	for in := bytes.NewReader(raw); in.Len() > 0; {
		words := make([]uint64, len(fields))
		if err := binary.Read(in, binary.NativeEndian, words); err != nil {
			return nil, err
		}
		rows = append(rows, words)
	}
	return rows, nil
}
