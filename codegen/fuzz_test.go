package codegen

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// Limits for the types of one input.
const (
	fuzzAlloc = 512 << 20 // bytes
	fuzzTime  = 10 * time.Second
)

// FuzzTypes claims that any BTF gives either Go types that compile and have the layout of C, or an
// error of one line. Each named type is the type of a global variable, and every other one is also
// requested by name.
func FuzzTypes(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte, big bool) {
		order := binary.ByteOrder(binary.LittleEndian)
		if big {
			order = binary.BigEndian
		}
		obj, err := object.Parse("fuzz", fileOf(data, order))
		if err != nil {
			return
		}
		names := useAll(obj)
		before, start := allocated(), time.Now()
		files, err := Generate(obj, &spec.Spec{Maps: make([]spec.MapSpec, len(obj.Maps))}, Options{
			Package: "fuzz", Stem: "fuzz", Suffix: "bpf", GOARCH: []string{"arm", "s390x"}, Types: names,
		})
		if n := allocated() - before; n > fuzzAlloc {
			t.Errorf("%d bytes of BTF: allocated %d", len(data), n)
		}
		if d := time.Since(start); d > fuzzTime {
			t.Errorf("%d bytes of BTF: took %v", len(data), d)
		}
		switch {
		case err == nil:
			checkSource(t, files[0].Data)
		case strings.ContainsAny(err.Error(), "\n\r"):
			t.Errorf("an error of several lines: %v", err)
		case errors.As(err, new(types.Error)), errors.As(err, new(scanner.ErrorList)):
			t.Errorf("the generated code is not Go: %v", err)
		}
	})
}

// useAll makes a global variable of each named type and returns half of the names.
func useAll(obj *object.Object) (names []string) {
	const most = 1 << 24 // bytes of the section
	section := &object.Map{Name: ".data", Kind: object.Data}
	asked := false
	for t, err := range obj.Types.All() {
		if err != nil || t.TypeName() == "" {
			continue
		}
		switch t.(type) {
		case *btf.Struct, *btf.Union, *btf.Enum, *btf.Typedef, *btf.Int, *btf.Float:
			if asked = !asked; asked {
				names = append(names, cName(t))
			}
		}
		size, err := btf.Sizeof(t)
		if err != nil || size > most || section.ValueSize > most {
			continue
		}
		section.Vars = append(section.Vars, object.Var{Name: t.TypeName(), Offset: section.ValueSize, Size: uint32(size), Type: t})
		section.ValueSize += (uint32(size) + maxAlign - 1) / maxAlign * maxAlign
	}
	obj.Maps = append(obj.Maps, section)
	return names
}

// checkSource checks that a Go file compiles, apart from package runtime, and that no name from the
// object escapes from its comment.
func checkSource(t *testing.T, source []byte) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatalf("%v\n%s", err, source)
	}
	for _, group := range file.Comments {
		for _, c := range group.List {
			if c.Text != "//" && !strings.HasPrefix(c.Text, "// ") && !strings.HasPrefix(c.Text, "//go:") {
				t.Errorf("comment %q\n%s", c.Text, source)
			}
		}
	}
	conf := types.Config{
		Importer: hostLayoutImporter{},
		Error: func(err error) {
			if !strings.Contains(err.Error(), "could not import") {
				t.Errorf("%v\n%s", err, source)
			}
		},
	}
	_, _ = conf.Check("fuzz", fset, []*ast.File{file}, nil)
}

// fileOf returns an object file that contains only BTF.
func fileOf(data []byte, order binary.ByteOrder) []byte {
	const (
		headerSize  = 64 // of elf.Header64, and of elf.Section64
		sectionName = "\x00.BTF\x00"
		symtab      = 1
		strtab      = 2
	)
	sections := []elf.Section64{
		{},
		symtab: {Type: uint32(elf.SHT_SYMTAB), Link: strtab, Entsize: elf.Sym64Size},
		strtab: {Type: uint32(elf.SHT_STRTAB), Size: uint64(len(sectionName))},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Size: uint64(len(data))},
	}
	contents := slices.Concat([]byte(sectionName), data)
	at := uint64(headerSize * (1 + len(sections)))
	for i := range sections {
		sections[i].Off = at
		at += sections[i].Size
	}
	header := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: uint32(elf.EV_CURRENT),
		Shoff: headerSize, Ehsize: headerSize, Shentsize: headerSize, Shnum: uint16(len(sections)), Shstrndx: strtab,
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB)
	if order == binary.BigEndian {
		header.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	var out bytes.Buffer
	for _, v := range []any{header, sections, contents} {
		if err := binary.Write(&out, order, v); err != nil {
			panic(err) // unreachable: all of fixed size
		}
	}
	return out.Bytes()
}

func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
