// Package probedfile makes executables with symbols for tests of uprobes. They are copies of the
// test binary, which may be stripped, as it is in guests.
package probedfile

import (
	"debug/elf"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// Write writes a copy of this 64-bit binary to a temporary directory of the test and returns its
// path. The copy has a symbol for each of the functions, by the names given.
func Write(t testing.TB, name string, functions map[string]any) string {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, withSymbols(raw, functions), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// withSymbols replaces all sections of a file with a section of symbols.
func withSymbols(raw []byte, functions map[string]any) []byte {
	order := binary.NativeEndian
	put := func(v any) (off, size uint64) {
		for len(raw)%8 != 0 {
			raw = append(raw, 0)
		}
		off = uint64(len(raw))
		raw, _ = binary.Append(raw, order, v)
		return off, uint64(len(raw)) - off
	}
	text := []byte{0}
	symbols := []elf.Sym64{{}}
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		symbols = append(symbols, elf.Sym64{
			Name: uint32(len(text)), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1,
			Value: uint64(reflect.ValueOf(functions[name]).Pointer()),
		})
		text = append(text, name+"\x00"...)
	}
	symOff, symSize := put(symbols)
	strOff, strSize := put(text)
	headers, _ := put([]elf.Section64{
		{},
		{Type: uint32(elf.SHT_SYMTAB), Off: symOff, Size: symSize, Link: 2, Info: 1, Addralign: 8, Entsize: elf.Sym64Size},
		{Type: uint32(elf.SHT_STRTAB), Off: strOff, Size: strSize, Addralign: 1},
	})
	order.PutUint64(raw[0x28:], headers) // e_shoff
	order.PutUint16(raw[0x3c:], 3)       // e_shnum
	order.PutUint16(raw[0x3e:], 2)       // e_shstrndx
	return raw
}
