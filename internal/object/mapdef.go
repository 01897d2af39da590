package object

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

const mapsSection = ".maps"

// definedMaps reads the maps that the source defines. Each variable of section .maps is a struct
// whose members' types describe the map (libbpf's bpf_object__init_user_btf_maps).
func (r *reader) definedMaps() ([]*Map, error) {
	s := r.maps
	if s == nil {
		return nil, nil
	}
	sec, err := r.datasec(mapsSection)
	if err != nil {
		return nil, err
	}
	if sec == nil {
		return nil, badSection(mapsSection, "missing in BTF: compile with -g")
	}
	var maps []*Map
	for _, info := range sec.Vars {
		v, ok := info.Type.(*btf.Var)
		if !ok || v.Name == "" {
			return nil, badSection(mapsSection, "BTF: not all members of this section are variables")
		}
		if uint64(info.Offset)+uint64(info.Size) > s.size {
			return nil, badSymbol(mapsSection, v.Name, "exceeds the section")
		}
		m, err := r.definedMap(v, info)
		if err != nil {
			return nil, badSymbol(mapsSection, v.Name, "%w", err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

func (r *reader) definedMap(v *btf.Var, info btf.VarSecinfo) (*Map, error) {
	if v.Linkage == btf.ExternVar {
		return nil, errors.New("a map cannot be extern")
	}
	def, ok := btf.As[*btf.Struct](v.Type)
	if !ok {
		return nil, errors.New("not a map definition: want a struct")
	}
	if def.Size > info.Size {
		return nil, errors.New("definition is larger than its variable")
	}
	m := &Map{Name: v.Name, KernelName: kernelName(v.Name)}
	if err := r.readDef(m, def, false); err != nil {
		return nil, err
	}
	r.mapAt[mapPlace{r.maps.index, uint64(info.Offset)}] = m
	r.mapVars = append(r.mapVars, mapVar{m: m, def: def, begin: uint64(info.Offset), end: uint64(info.Offset) + uint64(info.Size)})
	return m, nil
}

// readDef reads the members of a map definition (libbpf's parse_btf_map_def, strict).
func (r *reader) readDef(m *Map, def *btf.Struct, inner bool) error {
	for i, member := range def.Members {
		err := r.readAttr(m, member, inner, i == len(def.Members)-1)
		if err != nil {
			return fmt.Errorf("%s: %w", clean(member.Name), err)
		}
	}
	if err := m.checkType(); err != nil {
		return err
	}
	m.fixSizes()
	m.dropRefusedBTF()
	return nil
}

// checkType returns an error for a map without a type, or with an unsupported one.
func (m *Map) checkType() error {
	switch ebpf.MapType(m.Type) {
	case ebpf.UnspecifiedMap:
		return errors.New("no map type: set member type")
	case ebpf.StructOpsMap:
		return errors.New("define struct_ops as a variable in section .struct_ops or .struct_ops.link, not as a map")
	}
	return nil
}

// fixSizes sets the sizes of maps whose type determines them, as cilium/ebpf does (canHaveValueSize
// and fixupMagicFields). __type(value, T) in a ring or perf buffer only declares the type of its
// records.
func (m *Map) fixSizes() {
	switch ebpf.MapType(m.Type) {
	case ebpf.PerfEventArray:
		m.KeySize, m.ValueSize = 4, 4
	case ebpf.RingBuf, userRingBuf, ebpf.Arena:
		m.KeySize, m.ValueSize = 0, 0
	case ebpf.ArrayOfMaps, ebpf.HashOfMaps:
		m.ValueSize = 4
	}
}

// SizedByCPUs reports whether the map gets an entry for each CPU because the source sets no
// max_entries (libbpf's map_set_def_max_entries, cilium/ebpf's fixupMagicFields).
func (m *Map) SizedByCPUs() bool {
	typ := ebpf.MapType(m.Type)
	return (typ == ebpf.PerfEventArray || typ == ebpf.CPUMap) && m.MaxEntries == 0
}

// SizedByPages reports whether the map's max_entries is rounded up to whole pages (libbpf's
// adjust_ringbuf_sz).
func (m *Map) SizedByPages() bool {
	typ := ebpf.MapType(m.Type)
	return typ == ebpf.RingBuf || typ == userRingBuf
}

// userRingBuf is BPF_MAP_TYPE_USER_RINGBUF.
const userRingBuf ebpf.MapType = 31

func (r *reader) readAttr(m *Map, member btf.Member, inner, last bool) (err error) {
	switch member.Name {
	case "type":
		m.Type, err = intAttr(member.Type)
	case "max_entries":
		m.MaxEntries, err = intAttr(member.Type)
	case "map_flags":
		m.Flags, err = intAttr(member.Type)
	case "numa_node":
		m.NumaNode, err = intAttr(member.Type)
	case "map_extra":
		m.Extra, err = longAttr(member.Type)
	case "key_size":
		var size uint32
		if size, err = intAttr(member.Type); err == nil {
			err = setSize(&m.KeySize, size)
		}
	case "value_size":
		var size uint32
		if size, err = intAttr(member.Type); err == nil {
			err = setSize(&m.ValueSize, size)
		}
	case "key":
		m.Key, m.KeyTypeID, err = r.typeAttr(member.Type, &m.KeySize)
	case "value":
		m.Value, m.ValueTypeID, err = r.typeAttr(member.Type, &m.ValueSize)
	case "values":
		if inner {
			return errors.New("an inner map cannot be a map of maps")
		}
		if !last {
			return errors.New("must be the last member")
		}
		return r.readValues(m, member.Type)
	case "pinning":
		if inner {
			return errors.New("an inner map cannot be pinned")
		}
		var pin uint32
		pin, err = intAttr(member.Type)
		m.Pinning = Pinning(pin)
	default:
		return errors.New("unknown attribute")
	}
	return err
}

// intAttr reads a number written with __uint, which declares a pointer to an array of that length,
// or with __ulong, which libbpf accepts for map_extra only.
func intAttr(t btf.Type) (uint32, error) {
	if _, ok := btf.As[*btf.Enum](t); ok {
		n, err := longAttr(t)
		if err == nil && n > math.MaxUint32 {
			err = fmt.Errorf("%#x does not fit in 32 bits", n)
		}
		return uint32(n), err
	}
	ptr, ok := btf.As[*btf.Pointer](t)
	if !ok {
		return 0, errors.New("not a number: want __uint")
	}
	arr, ok := ptr.Target.(*btf.Array)
	if !ok {
		return 0, errors.New("not a number: want __uint")
	}
	return arr.Nelems, nil
}

// longAttr reads a number written with __uint, or with __ulong, which declares an enum of one
// value.
func longAttr(t btf.Type) (uint64, error) {
	enum, ok := btf.As[*btf.Enum](t)
	if !ok {
		n, err := intAttr(t)
		return uint64(n), err
	}
	if len(enum.Values) == 0 {
		return 0, errors.New("not a number: want __ulong")
	}
	return enum.Values[0].Value, nil
}

// setSize sets a size, which must agree with an earlier one.
func setSize(size *uint32, n uint32) error {
	if *size != 0 && *size != n {
		return fmt.Errorf("size %d conflicts with %d", n, *size)
	}
	*size = n
	return nil
}

// typeAttr reads a type written with __type, which declares a pointer to it, and sets its size.
func (r *reader) typeAttr(t btf.Type, size *uint32) (btf.Type, btf.TypeID, error) {
	ptr, ok := t.(*btf.Pointer)
	if !ok {
		return nil, 0, errors.New("not a type: want __type")
	}
	n, err := btf.Sizeof(ptr.Target)
	if err != nil {
		return nil, 0, noSize(ptr.Target, err)
	}
	if int64(n) > maxValueSize {
		return nil, 0, fmt.Errorf("too large: %d bytes", n)
	}
	id, err := r.types.TypeID(ptr.Target)
	if err != nil {
		return nil, 0, err
	}
	return ptr.Target, id, setSize(size, uint32(n))
}

// noSize returns the error for a type without a size. Clang before 22 does not emit full BTF for
// the definition of an inner map: the types it points to are complete only if an earlier map has
// the same definition.
func noSize(t btf.Type, err error) error {
	fwd, ok := btf.As[*btf.Fwd](t)
	if !ok {
		return fmt.Errorf("unknown size: %w", err)
	}
	tag := "struct"
	if fwd.Kind == btf.FwdUnion {
		tag = "union"
	}
	return fmt.Errorf("unknown size: the object only has a declaration of %s %s: if this is an inner map and the source defines the %s, "+
		"compile with clang 22, or define an instance of the inner map (struct INNER instance SEC(\".maps\")) that a program uses before this one",
		tag, clean(fwd.Name), tag)
}

// readValues reads the type of the values of a map of maps or programs. Their initial values are in
// the relocations of section .maps: see readSlots.
func (r *reader) readValues(m *Map, t btf.Type) error {
	typ := ebpf.MapType(m.Type)
	if !isMapOfMaps(typ) && typ != ebpf.ProgramArray {
		return errors.New("only maps of maps and program arrays have it")
	}
	if err := setSize(&m.ValueSize, 4); err != nil {
		return err
	}
	// __array has no fixed length, but an array that is written out may have one.
	arr, ok := t.(*btf.Array)
	if !ok {
		return errors.New("not an array: want __array")
	}
	ptr, ok := btf.As[*btf.Pointer](arr.Type)
	if !ok {
		return errors.New("not an array of pointers")
	}
	if typ == ebpf.ProgramArray {
		if _, ok := btf.As[*btf.FuncProto](ptr.Target); !ok {
			return errors.New("not an array of pointers to functions")
		}
		return nil
	}
	def, ok := btf.As[*btf.Struct](ptr.Target)
	if !ok {
		return errors.New("not an array of pointers to a map definition")
	}
	name := m.Name + ".inner"
	m.Inner = &Map{Name: name, KernelName: kernelName(name)}
	return r.readDef(m.Inner, def, true)
}

func isMapOfMaps(t ebpf.MapType) bool { return t == ebpf.ArrayOfMaps || t == ebpf.HashOfMaps }

// kernelName truncates a name to what fits into struct bpf_attr, and replaces characters that the
// kernel does not allow (bpf_obj_name_cpy): C allows letters of other languages, and clang '$'.
func kernelName(name string) string {
	const most = sys.ObjNameLen - 1
	name = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.':
			return c
		}
		return -1
	}, name)
	return name[:min(len(name), most)]
}

// dropRefusedBTF removes the types from maps that the kernel does not create with types: those that
// libbpf creates without (bpf_object__create_map), and those for which it retries without after the
// kernel has refused. A loader cannot retry, so this follows the kernel's rules (map_create and
// map_check_btf in kernel/bpf/syscall.c, and each map type's map_check_btf; the same in 6.1 and
// 6.18).
func (m *Map) dropRefusedBTF() {
	if !m.takesBTF() {
		m.KeyTypeID, m.ValueTypeID = 0, 0
	}
}

func (m *Map) takesBTF() bool {
	typ := ebpf.MapType(m.Type)
	switch typ {
	case ebpf.PerfEventArray, ebpf.CGroupArray, ebpf.StackTrace, ebpf.ArrayOfMaps, ebpf.HashOfMaps,
		ebpf.DevMap, ebpf.DevMapHash, ebpf.CPUMap, ebpf.XSKMap, ebpf.SockMap, ebpf.SockHash,
		ebpf.Queue, ebpf.Stack, ebpf.RingBuf, userRingBuf, ebpf.Arena:
		return false
	}
	if m.ValueTypeID == 0 {
		return false // the kernel refuses a key type alone
	}
	switch typ {
	case ebpf.BloomFilter:
		return m.KeyTypeID == 0
	case ebpf.Array, ebpf.PerCPUArray:
		return isInt32(m.Key)
	case ebpf.LPMTrie:
		return m.Key != nil && isStruct(m.Key)
	}
	return m.KeyTypeID != 0
}

func isInt32(t btf.Type) bool {
	i, ok := btf.As[*btf.Int](t)
	return ok && i.Size == 4
}

func isStruct(t btf.Type) bool {
	_, ok := btf.As[*btf.Struct](t)
	return ok
}

// maxValueSize bounds the sizes that an object may declare. The size of a map's value has 32 bits.
const maxValueSize = math.MaxUint32
