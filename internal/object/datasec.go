package object

import (
	"cmp"
	"debug/elf"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// secinfo is struct btf_var_secinfo: where in a data section a variable is.
type secinfo struct {
	typ  btf.TypeID
	off  uint32
	size uint32
}

const secinfoSize = sys.BtfVarSecinfoSize

func (b *rawBTF) secinfos(datasec btf.TypeID) []secinfo {
	infos := make([]secinfo, b.vlen(datasec))
	for i := range infos {
		at := btfTypeSize + i*secinfoSize
		infos[i] = secinfo{btf.TypeID(b.field(datasec, at)), b.field(datasec, at+4), b.field(datasec, at+8)}
	}
	return infos
}

func (b *rawBTF) setSecinfos(datasec btf.TypeID, infos []secinfo) {
	for i, info := range infos {
		at := btfTypeSize + i*secinfoSize
		b.setField(datasec, at, uint32(info.typ))
		b.setField(datasec, at+4, info.off)
		b.setField(datasec, at+8, info.size)
	}
}

// The two sections that exist in BTF only, for externs.
const (
	ksymsSection   = ".ksyms"
	kconfigSection = ".kconfig"
)

// fixDatasecs makes the data sections in BTF what the kernel wants. Clang
// leaves their sizes and the offsets of global variables at zero: they are
// filled in from the ELF file, variables with a hidden symbol become static,
// and all are sorted by offset. This is libbpf's bpf_object_fixup_btf.
func fixDatasecs(b *rawBTF, f *elfFile) error {
	b.dropEmptyVariables()
	var sections map[string]*section
	var variables map[string]*symbol
	for id := btf.TypeID(1); b.has(id); id++ {
		if b.kind(id) != kindDatasec {
			continue
		}
		if variables == nil {
			sections, variables = f.sectionsByName(), globalVariables(f)
		}
		if err := fixDatasec(b, id, sections[b.name(id)], variables); err != nil {
			return err
		}
	}
	return nil
}

// dropEmptyVariables takes variables of no size (char none[0]) out of all data
// sections. The kernel refuses BTF with them (btf_datasec_check_meta); libbpf then goes on
// with no BTF at all.
func (b *rawBTF) dropEmptyVariables() {
	kept := b.types[:0]
	for id := btf.TypeID(1); b.has(id); id++ {
		record := b.record(id)
		begin := len(kept)
		if b.kind(id) == kindDatasec {
			infos := b.secinfos(id)
			kept = append(kept, record[:btfTypeSize]...)
			for i, info := range infos {
				if info.size != 0 || b.kind(info.typ) != kindVar {
					kept = append(kept, record[btfTypeSize+i*secinfoSize:][:secinfoSize]...)
				}
			}
		} else {
			kept = append(kept, record...)
		}
		b.offs[id] = begin
		if b.kind(id) == kindDatasec {
			b.setField(id, 4, b.field(id, 4)&^0xffff|uint32((len(kept)-begin-btfTypeSize)/secinfoSize))
		}
	}
	b.types = kept
}

// voidDatasec makes an empty data section, which the kernel refuses too, an
// empty struct without a name. Its type ID is needed by nobody.
func (b *rawBTF) voidDatasec(datasec btf.TypeID) {
	b.setField(datasec, 0, 0)
	b.setField(datasec, 4, kindStruct<<24)
	b.setField(datasec, 8, 0)
}

// renameDatasecs gives data sections with names that kernels before 6.9 refuse, such as
// maps/events, those of their first variables. Nobody looks for these sections by name: libbpf goes
// on without BTF where it can, and cilium/ebpf does not have them in what it loads.
func (b *rawBTF) renameDatasecs() {
	for id := btf.TypeID(1); b.has(id); id++ {
		if b.kind(id) != kindDatasec || !strings.ContainsFunc(b.name(id), oddInName) {
			continue
		}
		if infos := b.secinfos(id); len(infos) > 0 && b.kind(infos[0].typ) == kindVar {
			b.setField(id, 0, b.field(infos[0].typ, 0))
		}
	}
}

// sizeForwardEnums gives enums that are only declared (enum state;) the size of an int, which GCC
// takes it for too. Clang leaves it at 0, and the kernel refuses all of the BTF for that
// (btf_enum_check_meta); libbpf then goes on with no BTF at all.
func (b *rawBTF) sizeForwardEnums() {
	for id := btf.TypeID(1); b.has(id); id++ {
		if kind := b.kind(id); (kind == kindEnum || kind == kindEnum64) && b.field(id, 8) == 0 {
			b.setField(id, 8, 4)
		}
	}
}

// isOdd reports whether kernels refuse the BTF, as far as compilers write such: for names with
// other characters than C's own, or of 128 and more (btf_name_valid_identifier; 512 since Linux
// 6.1), and for integers of more than 128 bits (btf_int_check_meta).
func (b *rawBTF) isOdd() bool {
	const mostName, mostBits = 127, 128
	odd := false
	for id := btf.TypeID(1); b.has(id); id++ {
		switch b.kind(id) {
		case kindInt:
			odd = odd || b.field(id, btfTypeSize)&0xff > mostBits || b.field(id, 8) > mostBits/8
			continue
		case kindDatasec, kindDeclTag, kindTypeTag, kindFloat:
			continue // others than these have identifiers
		}
		b.eachName(id, func(off uint32) {
			name := b.str(off)
			odd = odd || len(name) > mostName || strings.ContainsFunc(name, oddInName)
		})
	}
	return odd
}

// oddInName tells what no kernel's btf_name_valid_section has always allowed.
func oddInName(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.'
}

// globalVariables are the symbols of variables that other files could see, the
// first of a name.
func globalVariables(f *elfFile) map[string]*symbol {
	m := make(map[string]*symbol)
	for i := range f.symbols {
		sym := &f.symbols[i]
		if sym.typ == elf.STT_OBJECT && sym.isGlobal() && m[sym.name] == nil {
			m[sym.name] = sym
		}
	}
	return m
}

// fixDatasec fixes one of them, of section s; that is nil if there is none of its name.
func fixDatasec(b *rawBTF, id btf.TypeID, s *section, variables map[string]*symbol) error {
	name := b.name(id)
	infos := b.secinfos(id)
	if len(infos) == 0 && (s == nil || s.size == 0) {
		b.voidDatasec(id)
		return nil
	}
	// Those of externs were filled in by fixExterns.
	if name != ksymsSection && name != kconfigSection {
		// The static linker of libbpf has already placed the variables.
		place := b.field(id, 8) == 0
		if place {
			if s == nil || s.size == 0 {
				return badSection(name, "has variables in BTF but no contents in ELF")
			}
			if s.size > maxValueSize {
				return badSection(name, "%d bytes are too many", s.size)
			}
			b.setField(id, 8, uint32(s.size))
		}
		for i := range infos {
			v := infos[i].typ
			if b.kind(v) != kindVar {
				return badSection(name, "BTF: type %d in it is not a variable", v)
			}
			if b.linkage(v) != linkageGlobal {
				continue
			}
			sym := variables[b.name(v)]
			if sym == nil {
				return badSymbol(name, b.name(v), "in BTF, but no such symbol")
			}
			// A linker that replaces a weak variable leaves the place of the dead one in BTF.
			if place || s != nil && int(sym.section) == s.index {
				infos[i].off = uint32(sym.value)
			}
			if sym.isHidden() {
				b.setLinkage(v, linkageStatic)
			}
		}
	}
	slices.SortStableFunc(infos, func(x, y secinfo) int { return cmp.Compare(x.off, y.off) })
	b.setSecinfos(id, infos)
	return nil
}

// hideFunctions makes functions static in BTF that have a global but hidden
// symbol: the verifier then checks them with what it knows of their callers
// (libbpf's bpf_object__sanitize_and_load_btf).
func hideFunctions(b *rawBTF, functions []*function) {
	hidden := make(map[string]bool)
	for _, fn := range functions {
		if fn.hidden && fn.isSubprogram() {
			hidden[fn.name] = true
		}
	}
	if len(hidden) == 0 {
		return
	}
	for id := btf.TypeID(1); b.has(id); id++ {
		if b.kind(id) == kindFunc && b.linkage(id) == linkageGlobal && hidden[b.name(id)] {
			delete(hidden, b.name(id)) // libbpf changes the first of a name
			b.setLinkage(id, linkageStatic)
		}
	}
}
