package object

import (
	"cmp"
	"debug/elf"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// secinfo is struct btf_var_secinfo, the place of a variable in a data section.
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

// Sections of externs, which exist in BTF only.
const (
	ksymsSection   = ".ksyms"
	kconfigSection = ".kconfig"
)

// fixDatasecs completes the data sections in BTF for the kernel. Clang leaves their sizes and the
// offsets of global variables at zero. fixDatasecs takes these from the ELF file, makes variables
// with a hidden symbol static, and sorts variables by offset, like libbpf's bpf_object_fixup_btf.
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

// dropEmptyVariables removes variables of size 0 (char none[0]) from all data sections. The kernel
// rejects BTF with them (btf_datasec_check_meta), and libbpf then continues without BTF.
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

// voidDatasec turns an empty data section, which the kernel rejects too, into an empty struct
// without a name. Nothing refers to its type ID.
func (b *rawBTF) voidDatasec(datasec btf.TypeID) {
	b.setField(datasec, 0, 0)
	b.setField(datasec, 4, kindStruct<<24)
	b.setField(datasec, 8, 0)
}

// renameDatasecs renames data sections whose names kernels before 6.9 reject, such as maps/events,
// after their first variables. Nothing looks these sections up by name. libbpf continues without
// BTF where it can, and cilium/ebpf omits the sections from the BTF that it loads.
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

// sizeForwardEnums gives enums that are only declared (enum state;) the size of an int, as GCC
// does. Clang leaves the size at 0, for which the kernel rejects all of the BTF
// (btf_enum_check_meta), and libbpf then continues without BTF.
func (b *rawBTF) sizeForwardEnums() {
	for id := btf.TypeID(1); b.has(id); id++ {
		if kind := b.kind(id); (kind == kindEnum || kind == kindEnum64) && b.field(id, 8) == 0 {
			b.setField(id, 8, 4)
		}
	}
}

// isOdd reports whether the BTF has something that compilers write and kernels reject: names with
// characters that C identifiers do not have or of 128 bytes and more (btf_name_valid_identifier;
// 512 since Linux 6.1), and integers of more than 128 bits (btf_int_check_meta).
func (b *rawBTF) isOdd() bool {
	const mostName, mostBits = 127, 128
	odd := false
	for id := btf.TypeID(1); b.has(id); id++ {
		switch b.kind(id) {
		case kindInt:
			odd = odd || b.field(id, btfTypeSize)&0xff > mostBits || b.field(id, 8) > mostBits/8
			continue
		case kindDatasec, kindDeclTag, kindTypeTag, kindFloat:
			continue // all other kinds have identifiers
		}
		b.eachName(id, func(off uint32) {
			name := b.str(off)
			odd = odd || len(name) > mostName || strings.ContainsFunc(name, oddInName)
		})
	}
	return odd
}

// oddInName reports whether some kernel's btf_name_valid_section rejects c.
func oddInName(c rune) bool {
	return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.'
}

// globalVariables returns the symbols of variables that are visible to other files. Of several with
// the same name it returns the first.
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

// fixDatasec completes one data section. s is the ELF section of that name, or nil.
func fixDatasec(b *rawBTF, id btf.TypeID, s *section, variables map[string]*symbol) error {
	name := b.name(id)
	infos := b.secinfos(id)
	if len(infos) == 0 && (s == nil || s.size == 0) {
		b.voidDatasec(id)
		return nil
	}
	// fixExterns has completed the sections of externs.
	if name != ksymsSection && name != kconfigSection {
		// libbpf's static linker has already placed the variables.
		place := b.field(id, 8) == 0
		if place {
			if s == nil || s.size == 0 {
				return badSection(name, "in BTF, but missing or empty in the ELF file")
			}
			if s.size > maxValueSize {
				return badSection(name, "too large: %d bytes", s.size)
			}
			b.setField(id, 8, uint32(s.size))
		}
		for i := range infos {
			v := infos[i].typ
			if b.kind(v) != kindVar {
				return badSection(name, "BTF: type %d in a data section is not a variable", v)
			}
			if b.linkage(v) != linkageGlobal {
				continue
			}
			sym := variables[b.name(v)]
			if sym == nil {
				return badSymbol(name, b.name(v), "in BTF, but not in the symbol table")
			}
			// A linker that replaces a weak variable leaves the replaced one in BTF.
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

// hideFunctions makes functions with a hidden global symbol static in BTF, so that the verifier
// checks them in the context of their callers (libbpf's bpf_object__sanitize_and_load_btf).
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
			delete(hidden, b.name(id)) // like libbpf, change only the first of each name
			b.setLinkage(id, linkageStatic)
		}
	}
}
