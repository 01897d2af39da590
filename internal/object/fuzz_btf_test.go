package object

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
)

// FuzzBTF makes the claims of FuzzParse for the sections .BTF and .BTF.ext. It also claims that
// accepted BTF means the same to package btf, and is still BTF after it is adapted to the kernel.
// The other sections and symbols are those that the BTF refers to.
func FuzzBTF(f *testing.F) {
	for _, data := range corpusObjects(f) {
		file, err := readELF(data)
		if err != nil {
			continue
		}
		types, ext := file.sectionByName(btfSection), file.sectionByName(extSection)
		if types == nil || ext == nil {
			continue
		}
		f.Add(types.data, ext.data, file.order == binary.BigEndian)
	}
	f.Fuzz(func(t *testing.T, types, ext []byte, big bool) {
		before, start := allocated(), time.Now()
		order := binary.ByteOrder(binary.LittleEndian)
		if big {
			order = binary.BigEndian
		}
		obj, err := readBTFAlone(t, types, ext, order)
		if n := allocated() - before; n > fuzzAlloc {
			t.Errorf("%d bytes: allocated %d", len(types)+len(ext), n)
		}
		if d := time.Since(start); d > fuzzTime {
			t.Errorf("%d bytes: took %v", len(types)+len(ext), d)
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		checkObject(t, obj)
		after, err := parseBTF(obj.BTF, order)
		if err != nil {
			t.Fatalf("the BTF for the kernel: %v", err)
		}
		checkTypes(t, after, obj.Types)
	})
}

// readBTFAlone reads BTF and the maps that it defines.
func readBTFAlone(t *testing.T, types, ext []byte, order binary.ByteOrder) (*Object, error) {
	raw, err := parseBTF(types, order)
	if err != nil {
		return nil, err
	}
	again, err := parseBTF(raw.marshal(), order)
	if err != nil || !bytes.Equal(again.types, raw.types) || again.strs != raw.strs || !slices.Equal(again.offs, raw.offs) {
		t.Errorf("BTF changes when it is written and read again: %v", err)
	}
	r := &reader{obj: &Object{Name: "fuzz", ByteOrder: order}, elf: &elfFile{order: order, sections: make([]section, 1)}}
	add := func(name string, typ elf.SectionType, data []byte, size uint64) {
		r.elf.sections = append(r.elf.sections, section{index: len(r.elf.sections), name: name, typ: typ, data: data, size: size})
	}
	add(btfSection, elf.SHT_PROGBITS, types, uint64(len(types)))
	add(extSection, elf.SHT_PROGBITS, ext, uint64(len(ext)))
	for _, name := range []string{".text", "tc", "xdp", "socket"} { // named by .BTF.ext
		add(name, elf.SHT_PROGBITS, nil, 0)
	}
	for id := btf.TypeID(1); raw.has(id); id++ {
		if raw.kind(id) == kindDatasec {
			addDatasec(r.elf, raw, id, add)
		}
	}
	r.maps = r.elf.sectionByName(mapsSection)
	if err := r.readBTF(); err != nil {
		return nil, err
	}
	return r.obj, r.readMaps()
}

// addDatasec adds the ELF section for a data section in BTF, with a symbol for each variable.
// Externs only have symbols.
func addDatasec(f *elfFile, raw *rawBTF, id btf.TypeID, add func(string, elf.SectionType, []byte, uint64)) {
	const most = 1 << 16 // bytes
	name, in, end := raw.name(id), elf.SHN_UNDEF, uint32(0)
	if name != ksymsSection && name != kconfigSection {
		in = elf.SectionIndex(len(f.sections))
	}
	for _, info := range raw.secinfos(id) {
		if kind := raw.kind(info.typ); kind != kindVar && kind != kindFunc {
			continue
		}
		sym := symbol{name: raw.name(info.typ), bind: elf.STB_GLOBAL, section: in, value: uint64(max(end, info.off)), size: uint64(info.size)}
		if in != elf.SHN_UNDEF {
			sym.typ = elf.STT_OBJECT
			end = min(max(end, info.off)+info.size, most)
		}
		f.symbols = append(f.symbols, sym)
	}
	switch {
	case in == elf.SHN_UNDEF:
	case strings.HasPrefix(name, ".bss"):
		add(name, elf.SHT_NOBITS, nil, uint64(end))
	default:
		add(name, elf.SHT_PROGBITS, make([]byte, end), uint64(end))
	}
}

// checkTypes compares types with those that package btf reads.
func checkTypes(t *testing.T, raw *rawBTF, types *btf.Spec) {
	t.Helper()
	for id := btf.TypeID(1); raw.has(id); id++ {
		typ, err := types.TypeByID(id)
		if err != nil {
			t.Fatalf("type %d: %v", id, err)
		}
		if got, err := types.TypeID(typ); err != nil || got != id {
			t.Fatalf("type %d has the ID %d, %v", id, got, err)
		}
		switch raw.kind(id) {
		case kindPtr, kindArray, kindVolatile, kindConst, kindRestrict, kindFuncProto, kindDeclTag, kindTypeTag:
			// package btf does not name these.
		default:
			if typ.TypeName() != raw.name(id) {
				t.Errorf("type %d: name %q, package btf has %q", id, raw.name(id), typ.TypeName())
			}
		}
		if members, ok := membersOf(typ); ok && len(members) != raw.vlen(id) {
			t.Errorf("type %d: %d members, package btf has %d", id, raw.vlen(id), len(members))
		}
	}
}

func membersOf(t btf.Type) ([]btf.Member, bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, true
	case *btf.Union:
		return t.Members, true
	}
	return nil, false
}

// corpusObjects returns the files in FuzzParse's corpus.
func corpusObjects(t testing.TB) [][]byte {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("testdata", "fuzz", "FuzzParse"))
	if err != nil {
		t.Fatal(err)
	}
	var files [][]byte
	for _, entry := range entries {
		files = append(files, corpus(t, entry.Name()))
	}
	return files
}
