package object

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// externSym is a symbol that the object declares but does not define.
type externSym struct {
	sym  *symbol
	id   btf.TypeID // of its FUNC or VAR
	typ  btf.TypeID // in the source; later the kernel gets int
	kind ExternKind // 0 for kconfig

	// The place of a kconfig variable in the map.
	off, size, align uint32
}

func (e *externSym) isWeak() bool { return e.sym.bind == elf.STB_WEAK }

// externs holds the externs of an object by symbol.
type externs struct {
	bySymbol map[*symbol]*externSym
	byName   map[string]*externSym
	kconfig  uint32 // size of the .kconfig map; 0 if there is none
	// undefined has the error for each of the other symbols, which is returned only if a program
	// uses it.
	undefined map[*symbol]error
	// inAsm marks the symbols of undefined that have no declaration in C, only a name in assembly.
	inAsm map[*symbol]bool
}

// collectExterns determines the kind of each undefined symbol from its BTF and the data section
// that the BTF is in (libbpf's bpf_object__collect_externs).
func collectExterns(f *elfFile, b *rawBTF) (*externs, error) {
	x := &externs{bySymbol: make(map[*symbol]*externSym), byName: make(map[string]*externSym), inAsm: make(map[*symbol]bool)}
	var ids map[string]btf.TypeID
	var homes map[btf.TypeID]btf.TypeID
	for i := range f.symbols {
		sym := &f.symbols[i]
		if !sym.isExtern() || sym.name == "" {
			continue
		}
		if ids == nil {
			ids, homes = b.functionsAndVariables()
		}
		e, err := b.classify(sym, ids[sym.name], homes)
		if errors.Is(err, errUndefined) {
			if x.undefined == nil {
				x.undefined = make(map[*symbol]error)
			}
			x.undefined[sym] = badSymbol("", sym.name, "%w", err)
			x.inAsm[sym] = ids[sym.name] == 0
			b.define(ids[sym.name])
			continue
		}
		if err != nil {
			return nil, badSymbol("", sym.name, "%w", err)
		}
		x.bySymbol[sym] = e
		x.byName[sym.name] = e
	}
	x.layOutKconfig()
	return x, nil
}

// functionsAndVariables returns the first function or variable of each name, and the data section
// of each.
func (b *rawBTF) functionsAndVariables() (ids map[string]btf.TypeID, homes map[btf.TypeID]btf.TypeID) {
	ids, homes = make(map[string]btf.TypeID), make(map[btf.TypeID]btf.TypeID)
	for id := btf.TypeID(1); b.has(id); id++ {
		switch b.kind(id) {
		case kindFunc, kindVar:
			if name := b.name(id); ids[name] == 0 {
				ids[name] = id
			}
		case kindDatasec:
			for _, info := range b.secinfos(id) {
				if homes[info.typ] == 0 {
					homes[info.typ] = id
				}
			}
		}
	}
	return ids, homes
}

// define gives an extern that is not in a data section a linkage that the kernel accepts, which has
// no extern linkage.
func (b *rawBTF) define(id btf.TypeID) {
	if id == 0 || b.linkage(id) != linkageExtern {
		return
	}
	b.setLinkage(id, linkageGlobal)
	if b.kind(id) == kindFunc && b.kind(b.ref(id)) == kindFuncProto {
		b.nameParams(b.ref(id), b.field(id, 0))
	}
}

var errUndefined = errors.New("undefined: define it in this object, or declare it __ksym or __kconfig")

func (b *rawBTF) classify(sym *symbol, id btf.TypeID, homes map[btf.TypeID]btf.TypeID) (*externSym, error) {
	e := &externSym{sym: sym, id: id}
	if id == 0 || b.linkage(id) != linkageExtern || homes[id] == 0 {
		return nil, errUndefined
	}
	e.typ = b.ref(id)
	isFunc := b.kind(id) == kindFunc
	switch section := b.name(homes[id]); section {
	case ksymsSection:
		switch {
		case isFunc:
			if b.kind(b.ref(id)) != kindFuncProto {
				return nil, errors.New("BTF: a function without a prototype")
			}
			e.kind = Kfunc
		case b.skipMods(b.ref(id)) == 0:
			e.kind = KsymAddr
		default:
			e.kind = KsymVar
		}
	case kconfigSection:
		if isFunc {
			return nil, errors.New("a function cannot be __kconfig")
		}
		var err error
		if e.size, e.align, err = b.kconfigLayout(b.ref(id), true); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("extern in section %s: want %s or %s", clean(section), ksymsSection, kconfigSection)
	}
	return e, nil
}

// maxKconfigSize bounds the size of a kconfig variable, which the source chooses freely. No value
// in a kernel's configuration comes near it.
const maxKconfigSize = 1 << 16

// kconfigLayout returns the size and alignment of a kconfig variable's type: bool, an integer, enum
// libbpf_tristate or an array of char (libbpf's find_kcfg_type).
func (b *rawBTF) kconfigLayout(id btf.TypeID, array bool) (size, align uint32, err error) {
	const (
		encBool = 1 << 2 // BTF_INT_BOOL
	)
	errType := errors.New("unsupported type for __kconfig: want bool, an integer, enum libbpf_tristate or an array of char")
	id = b.skipMods(id)
	switch b.kind(id) {
	case kindInt:
		size = b.field(id, 8)
		isBool := b.field(id, btfTypeSize)>>24&encBool != 0
		if size == 0 || size > 8 || size&(size-1) != 0 || isBool && size != 1 {
			return 0, 0, errType
		}
		return size, size, nil
	case kindEnum, kindEnum64:
		size = b.field(id, 8)
		if b.name(id) != "libbpf_tristate" || size != 4 && size != 8 {
			return 0, 0, errType
		}
		return size, size, nil
	case kindArray:
		elem := b.skipMods(btf.TypeID(b.field(id, btfTypeSize)))
		count := b.field(id, btfTypeSize+8)
		size, align, err = b.kconfigLayout(elem, false)
		isBool := err == nil && b.field(elem, btfTypeSize)>>24&encBool != 0
		if !array || err != nil || b.kind(elem) != kindInt || size != 1 || isBool || count == 0 || count > maxKconfigSize {
			return 0, 0, errType
		}
		return count, align, nil
	}
	return 0, 0, errType
}

// layOutKconfig places the kconfig variables, ordered by descending alignment, then by size, then
// by name (libbpf's cmp_externs).
func (x *externs) layOutKconfig() {
	var vars []*externSym
	for _, e := range x.byName {
		if e.kind == 0 {
			vars = append(vars, e)
		}
	}
	slices.SortFunc(vars, func(p, q *externSym) int {
		return cmp.Or(cmp.Compare(q.align, p.align), cmp.Compare(p.size, q.size), strings.Compare(p.sym.name, q.sym.name))
	})
	for _, e := range vars {
		e.off = (x.kconfig + e.align - 1) / e.align * e.align
		x.kconfig = e.off + e.size
	}
}

// fixExterns rewrites externs in BTF for the kernel, which has no extern linkage. Kernel symbols
// become variables of type int, one after the other in section .ksyms. A function cannot be in a
// data section, so a variable dummy_ksym takes its place, and its parameters get names. Kconfig
// variables get their offsets in the map.
func fixExterns(b *rawBTF, x *externs) error {
	if len(x.bySymbol) == 0 {
		return nil
	}
	for id := btf.TypeID(1); b.has(id); id++ {
		if b.kind(id) != kindDatasec {
			continue
		}
		switch b.name(id) {
		case ksymsSection:
			if err := fixKsyms(b, x, id); err != nil {
				return badSection(ksymsSection, "%w", err)
			}
		case kconfigSection:
			if err := fixKconfig(b, x, id); err != nil {
				return badSection(kconfigSection, "%w", err)
			}
		}
	}
	return nil
}

// extern returns the extern of a FUNC or VAR in .ksyms or .kconfig.
func (b *rawBTF) extern(x *externs, id btf.TypeID) (*externSym, error) {
	if kind := b.kind(id); kind != kindVar && kind != kindFunc {
		return nil, fmt.Errorf("BTF: type %d in a section of externs is neither a function nor a variable", id)
	}
	e := x.byName[b.name(id)]
	if e == nil || e.id != id {
		return nil, fmt.Errorf("%s is in BTF, but not in the symbol table", clean(b.name(id)))
	}
	return e, nil
}

func fixKsyms(b *rawBTF, x *externs, datasec btf.TypeID) error {
	const size = 4 // of int
	intID := b.intID()
	var dummy btf.TypeID
	infos := b.secinfos(datasec)
	for i := range infos {
		id := infos[i].typ
		e, err := b.extern(x, id)
		if err != nil {
			return err
		}
		if e.kind == Kfunc {
			if dummy == 0 {
				dummy = b.add("dummy_ksym", kindVar, uint32(intID), linkageGlobal)
			}
			b.nameParams(b.ref(id), b.field(dummy, 0))
			infos[i].typ = dummy
		} else {
			b.setField(id, 8, uint32(intID))
		}
		b.setLinkage(id, linkageGlobal)
		infos[i].off, infos[i].size = uint32(i*size), size
	}
	b.setField(datasec, 8, uint32(len(infos)*size))
	b.setSecinfos(datasec, infos)
	return nil
}

// intID returns the ID of the first 32-bit integer type. It adds one if there is none.
func (b *rawBTF) intID() btf.TypeID {
	const encSigned32 = 1<<24 | 32
	for id := btf.TypeID(1); b.has(id); id++ {
		if b.kind(id) == kindInt && b.field(id, btfTypeSize)&0xff == 32 {
			return id
		}
	}
	return b.add("int", kindInt, 4, encSigned32)
}

// nameParams gives the name to all parameters that have none.
func (b *rawBTF) nameParams(proto btf.TypeID, name uint32) {
	for i := range b.vlen(proto) {
		at := btfTypeSize + i*8
		if b.field(proto, at) == 0 && b.field(proto, at+4) != 0 {
			b.setField(proto, at, name)
		}
	}
}

func fixKconfig(b *rawBTF, x *externs, datasec btf.TypeID) error {
	infos := b.secinfos(datasec)
	for i := range infos {
		e, err := b.extern(x, infos[i].typ)
		if err != nil {
			return err
		}
		b.setLinkage(e.id, linkageGlobal)
		infos[i].off = e.off
	}
	b.setField(datasec, 8, x.kconfig)
	b.setSecinfos(datasec, infos)
	return nil
}

// public returns the extern in the form that Object has.
func (e *externSym) public() *Extern {
	x := &Extern{Name: e.sym.name, KernelName: e.sym.name, Kind: e.kind, Weak: e.isWeak(), TypeID: e.id, Declared: e.typ}
	if e.kind == Kfunc {
		x.KernelName = sys.EssentialName(e.sym.name)
	}
	return x
}
