package uprobe

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// File holds the symbols of an executable or shared library. It is safe for concurrent use, and
// need not be closed: Open reads the symbols and closes the file.
type File struct {
	path      string
	functions map[string][]function
	segments  []elf.ProgHeader // only executable segments
}

// function is a symbol of type function.
type function struct {
	address uint64
	rank    rank
	ifunc   bool
}

// rank orders symbols of the same name. The highest wins.
type rank uint8

const (
	hidden rank = iota // a version that is not the default
	local
	weak
	global
)

// ErrNoSymbol means that a file has no function with the given name.
var ErrNoSymbol = errors.New("no such function")

// Open reads the symbols of a file. See the package documentation for names of files.
func Open(name string) (*File, error) {
	found, err := find(name)
	if err != nil {
		return nil, err
	}
	// Other files have no probes, and opening one may block, as with a FIFO.
	if info, err := os.Stat(found); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: found, Err: errors.New("not a regular file")}
	}
	raw, err := elf.Open(found)
	if err != nil {
		if errors.As(err, new(*fs.PathError)) {
			return nil, err
		}
		return nil, fmt.Errorf("%s is not an ELF file: %w", found, err)
	}
	defer raw.Close()
	f := &File{path: found, functions: map[string][]function{}}
	for _, p := range raw.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			f.segments = append(f.segments, p.ProgHeader)
		}
	}
	static, err := raw.Symbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("%s: symbols: %w", found, err)
	}
	dynamic, err := raw.DynamicSymbols()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		return nil, fmt.Errorf("%s: dynamic symbols: %w", found, err)
	}
	for _, list := range [][]elf.Symbol{static, dynamic} {
		for i := range list {
			f.add(&list[i])
		}
	}
	return f, nil
}

// sttGNUIFunc is the type of a function that selects another one when the file is loaded.
const sttGNUIFunc = elf.STT_LOOS

func (f *File) add(s *elf.Symbol) {
	typ := elf.ST_TYPE(s.Info)
	if typ != elf.STT_FUNC && typ != sttGNUIFunc || s.Section == elf.SHN_UNDEF || s.Value == 0 || s.Name == "" {
		return
	}
	fn := function{address: s.Value, ifunc: typ == sttGNUIFunc}
	switch elf.ST_BIND(s.Info) {
	case elf.STB_LOCAL:
		fn.rank = local
	case elf.STB_WEAK:
		fn.rank = weak
	default:
		fn.rank = global
	}
	// .symtab has versions in the names: "memcpy@GLIBC_2.2.5", "memcpy@@GLIBC_2.14".
	name, version, versioned := strings.Cut(s.Name, "@")
	isDefault := strings.HasPrefix(version, "@")
	version = strings.TrimPrefix(version, "@")
	if s.HasVersion && s.Version != "" {
		version, versioned, isDefault = s.Version, true, !s.VersionIndex.IsHidden()
	}
	if versioned {
		f.functions[name+"@"+version] = append(f.functions[name+"@"+version], fn)
		if !isDefault {
			fn.rank = hidden
		}
	}
	f.functions[name] = append(f.functions[name], fn)
}

// Path returns the path of the file.
func (f *File) Path() string { return f.path }

// Offset returns the offset of a function in the file, in bytes, which is what the kernel needs. It
// fails with [ErrNoSymbol] if there is no such function. It also fails if there are several.
func (f *File) Offset(symbol string) (uint64, error) {
	name := strings.Replace(symbol, "@@", "@", 1)
	fn, err := f.lookup(name)
	if err != nil {
		return 0, fmt.Errorf("%s: %s: %w", f.path, symbol, err)
	}
	return f.OffsetOf(fn.address)
}

func (f *File) lookup(name string) (function, error) {
	var best function
	n := 0
	for _, fn := range f.functions[name] {
		switch {
		case n == 0 || fn.rank > best.rank:
			best, n = fn, 1
		case fn.rank == best.rank && fn.address != best.address:
			n++
		}
	}
	switch {
	case n == 0 && len(f.functions) == 0:
		return best, fmt.Errorf("%w: the file is stripped: set Address to the function's address", ErrNoSymbol)
	case n == 0:
		return best, ErrNoSymbol
	case n > 1:
		return best, fmt.Errorf("%d functions have this name: set Address to the address of one: %w", n, unix.EINVAL)
	case best.ifunc:
		return best, fmt.Errorf("the symbol is an IFUNC, which selects a function when the file is loaded: "+
			"attach to the selected function by its own name: %w", unix.EINVAL)
	}
	return best, nil
}

// OffsetOf returns the offset in the file of a virtual address.
func (f *File) OffsetOf(address uint64) (uint64, error) {
	for i := range f.segments {
		if s := &f.segments[i]; address >= s.Vaddr && address-s.Vaddr < s.Filesz {
			return address - s.Vaddr + s.Off, nil
		}
	}
	return 0, fmt.Errorf("%s: no code at address %#x: %w", f.path, address, unix.EINVAL)
}

// Match returns the names of functions that match a pattern with * and ?, sorted. It omits
// functions that cannot be attached to by name alone.
func (f *File) Match(pattern string) ([]string, error) {
	var names []string
	for name := range f.functions {
		ok, err := path.Match(escape(pattern), escapeSlash(name))
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", pattern, err)
		}
		if !ok || strings.Contains(name, "@") {
			continue
		}
		if _, err := f.lookup(name); err == nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names, nil
}

// patternEscapes escapes what is special to path.Match but not here: slashes, which occur in names
// of Go functions, brackets and backslashes.
var patternEscapes = strings.NewReplacer("/", "\x00", "[", `\[`, `\`, `\\`)

func escape(pattern string) string   { return patternEscapes.Replace(pattern) }
func escapeSlash(name string) string { return strings.ReplaceAll(name, "/", "\x00") }

func isPattern(symbol string) bool { return strings.ContainsAny(symbol, "*?") }

func notFound(name string) error {
	return &fs.PathError{Op: "find", Path: name, Err: os.ErrNotExist}
}
