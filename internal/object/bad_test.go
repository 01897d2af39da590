package object

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

var le = binary.LittleEndian

func TestErrorsOfBadFiles(t *testing.T) {
	tests := []struct {
		claim string
		data  func(t *testing.T) []byte
		want  string
	}{
		{"no file at all", func(*testing.T) []byte { return nil }, "x.o: not an ELF file"},
		{"a script", func(*testing.T) []byte { return []byte("#!/bin/sh\nexit 0\n") }, "x.o: not an ELF file"},
		{"nothing but the magic number", func(*testing.T) []byte { return []byte("\x7fELF") }, "x.o: ELF header: truncated"},
		{"half a file", func(t *testing.T) []byte {
			b := patch(t, "minimal").data
			return b[:len(b)/2]
		}, "truncated"},
		{"another machine", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			le.PutUint16(p.data[0x12:], 62)
			return p.data
		}, "x.o: not a BPF object: ELF machine EM_X86_64"},
		{"32 bits", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			p.data[4] = 1
			return p.data
		}, "x.o: not a 64-bit ELF file"},
		{"an executable", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			p.data[0x10] = 2
			return p.data
		}, "x.o: not an object file: ELF type ET_EXEC"},
		{"no symbol table", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			p.setHeader32(".symtab", shType, 0)
			return p.data
		}, "x.o: no symbol table: strip the object with llvm-strip -g only"},
		{"no BTF", func(t *testing.T) []byte {
			return testobj.Read(t, "map_array", testobj.Options{Target: "bpfel", NoDebug: true})
		}, "x.o: no BTF: compile with -g"},
		{"BTF of the other byte order", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			b := p.contents(".BTF")
			b[0], b[1] = b[1], b[0]
			return p.data
		}, "x.o: section .BTF: not BTF in this byte order"},
		{"half of the BTF", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			p.setHeader64(".BTF", shSize, 100)
			return p.data
		}, "x.o: section .BTF: types: truncated"},
		{"half of the information on instructions", func(t *testing.T) []byte {
			p := patch(t, "minimal")
			p.setHeader64(".BTF.ext", shSize, 40)
			return p.data
		}, "x.o: section .BTF.ext: func info: truncated"},
		{"an undefined function", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			p.symbol("times_ten", func(sym []byte) {
				sym[4] = 0x10                  // NOTYPE GLOBAL
				copy(sym[6:8], []byte{0, 0})   // no section
				copy(sym[8:], make([]byte, 8)) // no value
			})
			return p.data
		}, "x.o: times_ten: undefined: define it in this object, or declare it __ksym or __kconfig"},
		{"a variable that was never given a place", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			p.symbol("got", func(sym []byte) { copy(sym[6:], []byte{0xf2, 0xff}) })
			return p.data
		}, ": got: variable without a section: initialize it"},
		{"a relocation of a type unknown", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			p.contents(".reltc")[8] = 7
			return p.data
		}, "unsupported relocation of type 7"},
		{"a relocation of an instruction that takes none", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			p.contents(".reltc")[0] = 0
			return p.data
		}, "unsupported relocation of an instruction with opcode"},
		{"two programs of one name", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			var name [4]byte
			p.symbol("use_all", func(sym []byte) { copy(name[:], sym) })
			p.symbol("use_none", func(sym []byte) { copy(sym, name[:]) })
			return p.data
		}, "x.o: section tc: use_all: two programs have this name"},
		{"a program that exceeds its section", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			p.symbol("use_none", func(sym []byte) { le.PutUint64(sym[16:], 1<<20) })
			return p.data
		}, "x.o: section tc: use_none: exceeds its section"},
		{"programs that overlap", func(t *testing.T) []byte {
			p := patch(t, "subprogs")
			p.symbol("use_all", func(sym []byte) { le.PutUint64(sym[16:], le.Uint64(sym[16:])+8) })
			return p.data
		}, "x.o: section tc: use_some: overlaps use_all"},
		{"zeroed data of a terabyte", func(t *testing.T) []byte {
			p := patch(t, "globals")
			p.setHeader64(".bss", shSize, 1<<40)
			return p.data
		}, "x.o: section .bss: too large: 1099511627776 bytes"},
		{"a map that is missing in BTF: compile with -g", func(t *testing.T) []byte {
			p := patch(t, "map_array")
			p.rename(".BTF", ".maps", ".mops")
			return p.data
		}, "section .mops: in BTF, but missing or empty in the ELF file"},
		{"an attribute unknown", func(t *testing.T) []byte {
			p := patch(t, "map_array")
			p.rename(".BTF", "max_entries", "min_entries")
			return p.data
		}, "x.o: section .maps: flows: min_entries: unknown attribute"},
	}
	for _, test := range tests {
		t.Run(test.claim, func(t *testing.T) {
			_, err := Parse("x.o", test.data(t))
			if err == nil {
				t.Fatal("no error")
			}
			var e *Error
			if !errors.As(err, &e) || e.File != "x.o" {
				t.Errorf("%T %[1]v does not name the file", err)
			}
			if got := err.Error(); !strings.Contains(got, test.want) || strings.Contains(got, "\n") {
				t.Errorf("\n got %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestReadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "broken.bpf.o")
	if err := os.WriteFile(path, []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || err.Error() != path+": not an ELF file" {
		t.Errorf("got %v", err)
	}
	if _, err := Read(dir); err == nil || err.Error() != dir+": a directory: want an object file, as clang -c writes it" {
		t.Errorf("a directory: got %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: got %v", err)
	}
}

func TestErrorsAreOneLine(t *testing.T) {
	err := &Error{File: "a\nb.o", Section: "s\x00", Symbol: strings.Repeat("x", 1000), Err: errTruncated}
	want := `"a\nb.o": section "s\x00": ` + strings.Repeat("x", 200) + "...: truncated"
	if got := err.Error(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if !errors.Is(err, errTruncated) {
		t.Error("the error does not unwrap")
	}
}
