package object

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

const (
	btfSection = ".BTF"
	extSection = ".BTF.ext"
)

// maxFile is the size of the largest file that is read, in bytes. Reading takes memory of a small
// multiple of it.
const maxFile = 32 << 20

// Read reads an object file. Errors are of type [*Error] and name the file.
func Read(path string) (*Object, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &Error{File: path, Err: errors.New("a directory: want an object file, as clang -c writes it")}
	}
	if !info.Mode().IsRegular() {
		return nil, &Error{File: path, Err: errors.New("not a regular file")}
	}
	if info.Size() > maxFile {
		return nil, &Error{File: path, Err: errLargeFile}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, objectName(path), data)
}

// Parse reads an object file from memory. The name is the file's base name without extension.
func Parse(name string, data []byte) (*Object, error) {
	return parse(name, name, data)
}

// objectName returns a file's base name up to the first dot, as in libbpf.
func objectName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return name
}

func parse(file, name string, data []byte) (*Object, error) {
	r := &reader{obj: &Object{Name: name}}
	if err := r.read(data); err != nil {
		var e *Error
		if errors.As(err, &e) && e == err {
			e.File = file
			return nil, e
		}
		return nil, &Error{File: file, Err: err}
	}
	return r.obj, nil
}

// A reader reads a file into an Object. Its fields are in the order in which they are set.
type reader struct {
	obj *Object

	elf  *elfFile
	maps *section // .maps, or nil

	raw       *rawBTF
	ext       map[int]*extInfo // by section
	externs   *externs
	callbacks map[string]string // by program: see exceptionCallbacks
	types     *btf.Spec
	datasecs  map[string]btf.TypeID

	mapAt    map[mapPlace]*Map
	mapVars  []mapVar
	dataAt   map[int]*Map // by section
	mapIndex map[*Map]int // in Object.Maps

	functions []*function         // by section and offset
	refs      map[int][]reference // by section, sorted by instruction
	entryOf   map[*Program]*function
	programAt map[place]*Program
}

var errLargeFile = fmt.Errorf("file is larger than %d MiB", maxFile>>20)

func (r *reader) read(data []byte) (err error) {
	if len(data) > maxFile {
		return errLargeFile
	}
	if r.elf, err = readELF(data); err != nil {
		return err
	}
	r.obj.ByteOrder = r.elf.order
	r.obj.License = license(r.elf.licenseSection())
	r.maps = r.elf.sectionByName(mapsSection)
	if r.functions, err = collectFunctions(r.elf); err != nil {
		return err
	}
	if err := r.readBTF(); err != nil {
		return err
	}
	if err := r.readMaps(); err != nil {
		return err
	}
	if err := r.collectReferences(); err != nil {
		return err
	}
	return r.readPrograms()
}

// licenseSection returns the data of section "license", or else of the last section whose name
// begins with it. libbpf and cilium/ebpf read the license there.
func (f *elfFile) licenseSection() []byte {
	var data []byte
	for i := range f.sections {
		switch s := &f.sections[i]; {
		case s.name == "license":
			return s.data
		case strings.HasPrefix(s.name, "license"):
			data = s.data
		}
	}
	return data
}

// license returns the string that libbpf copies from the section, of at most 63 bytes.
func license(data []byte) string {
	const most = 63
	data, _, _ = bytes.Cut(data, []byte{0})
	return string(data[:min(len(data), most)])
}

// errNoBTF is the error for objects that require BTF.
var errNoBTF = errors.New("no BTF: compile with -g")

// readBTF reads and fixes the BTF. An object without BTF can only have legacy maps, and variables
// without types.
func (r *reader) readBTF() (err error) {
	s := r.elf.sectionByName(btfSection)
	if s == nil || !s.isProgbits() {
		if r.maps != nil {
			return errNoBTF
		}
		r.raw = noBTF(r.elf.order)
		if r.externs, err = collectExterns(r.elf, r.raw); err != nil {
			return err
		}
		r.types, err = decodeTypes(r.raw.marshal(), len(r.raw.offs))
		r.obj.Types = r.types
		return err
	}
	if r.raw, err = parseBTF(s.data, r.elf.order); err != nil {
		return badSection(btfSection, "%w", err)
	}
	r.raw.sizeForwardEnums()
	if s := r.elf.sectionByName(extSection); s != nil && s.isProgbits() {
		if r.ext, err = parseExt(s.data, r.elf.order, r.raw, r.elf); err != nil {
			return badSection(extSection, "%w", err)
		}
	}
	r.callbacks = exceptionCallbacks(r.raw)
	if r.externs, err = collectExterns(r.elf, r.raw); err != nil {
		return err
	}
	if err := fixExterns(r.raw, r.externs); err != nil {
		return err
	}
	if err := fixDatasecs(r.raw, r.elf); err != nil {
		return err
	}
	hideFunctions(r.raw, r.functions)

	r.datasecs = make(map[string]btf.TypeID)
	for id := btf.TypeID(1); r.raw.has(id); id++ {
		if name := r.raw.name(id); r.raw.kind(id) == kindDatasec && r.datasecs[name] == 0 {
			r.datasecs[name] = id
		}
	}
	r.raw.renameDatasecs()
	r.obj.OddBTF = r.raw.isOdd()
	r.obj.BTF = r.raw.marshal()
	if r.types, err = decodeTypes(r.obj.BTF, len(r.raw.offs)); err != nil {
		return badSection(btfSection, "%w", err)
	}
	r.obj.Types = r.types
	r.shrinkArrays()
	return r.noteCutEnums()
}

// noteCutEnums fills in CutEnums: 64-bit enums that are not of kind BTF_KIND_ENUM64.
func (r *reader) noteCutEnums() error {
	for id := btf.TypeID(1); r.raw.has(id); id++ {
		if r.raw.kind(id) != kindEnum || r.raw.field(id, 8) != 8 {
			continue
		}
		t, err := r.types.TypeByID(id)
		if err != nil {
			return badSection(btfSection, "%w", err)
		}
		if r.obj.CutEnums == nil {
			r.obj.CutEnums = make(map[*btf.Enum]bool)
		}
		r.obj.CutEnums[t.(*btf.Enum)] = true
	}
	return nil
}

// warn adds a warning, unless the object has it already.
func (r *reader) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(r.obj.Warnings) < maxWarnings && !slices.Contains(r.obj.Warnings, text) {
		r.obj.Warnings = append(r.obj.Warnings, text)
	}
}

// maxWarnings bounds the number of warnings.
const maxWarnings = 20

// shrinkArrays reduces arrays of 4 GiB and more to one element in the BTF for the kernel, which
// would reject all of it because of them (btf_array_check_meta, btf_array_resolve). They are
// numbers in map definitions: __uint(max_entries, 1 << 30) is the length of an array of int. libbpf
// continues without BTF.
func (r *reader) shrinkArrays() {
	const nelems = btfTypeSize + 8 // of struct btf_array
	changed := false
	for id := btf.TypeID(1); r.raw.has(id); id++ {
		if r.raw.kind(id) != kindArray {
			continue
		}
		t, err := r.types.TypeByID(id)
		if err != nil {
			continue // cannot fail: decodeTypes has decoded all types
		}
		arr := t.(*btf.Array)
		size, err := btf.Sizeof(arr.Type)
		if err == nil && arr.Nelems > 0 && uint64(size) > math.MaxUint32/uint64(arr.Nelems) {
			r.raw.setField(id, nelems, 1)
			changed = true
		}
	}
	if changed {
		r.obj.BTF = r.raw.marshal()
	}
}

// decodeTypes decodes all types in the order of their IDs, the order for which checkDepth bounds
// the recursion.
func decodeTypes(raw []byte, count int) (*btf.Spec, error) {
	types, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	for id := 1; id < count; id++ {
		if _, err := types.TypeByID(btf.TypeID(id)); err != nil {
			return nil, fmt.Errorf("type %d: %w", id, err)
		}
	}
	return types, nil
}

// readMaps reads all maps.
func (r *reader) readMaps() (err error) {
	r.mapAt = make(map[mapPlace]*Map)
	if r.obj.Maps, err = r.definedMaps(); err != nil {
		return err
	}
	legacy, err := r.legacyMaps()
	if err != nil {
		return err
	}
	r.obj.Maps = append(r.obj.Maps, legacy...)
	r.dataAt = make(map[int]*Map)
	for i := range r.elf.sections {
		s := &r.elf.sections[i]
		kind := dataKind(s)
		if kind == NoData || s.size == 0 {
			continue
		}
		m, err := r.dataMap(kind, s.name, s.size, s.data)
		if err != nil {
			return err
		}
		r.dataAt[s.index] = m
		r.obj.Maps = append(r.obj.Maps, m)
	}
	if err := r.readArena(); err != nil {
		return err
	}
	if size := r.externs.kconfig; size > 0 {
		m, err := r.dataMap(Kconfig, kconfigSection, uint64(size), make([]byte, size))
		if err != nil {
			return err
		}
		for i := range m.Vars {
			if e := r.externs.byName[m.Vars[i].Name]; e != nil {
				m.Vars[i].Weak = e.isWeak()
			}
		}
		r.obj.Maps = append(r.obj.Maps, m)
	}
	operations, err := r.structOpsMaps()
	if err != nil {
		return err
	}
	r.obj.Maps = append(r.obj.Maps, operations...)
	r.mapIndex = make(map[*Map]int)
	for i, m := range r.obj.Maps {
		r.mapIndex[m] = i
	}
	return nil
}

// readPrograms links each program, and fills in the slots of maps that hold programs or maps.
func (r *reader) readPrograms() (err error) {
	r.entryOf = make(map[*Program]*function)
	r.programAt = make(map[place]*Program)
	if r.obj.Programs, err = r.entries(); err != nil {
		return err
	}
	if err := r.linkStructOps(); err != nil {
		return err
	}
	l := &linker{reader: r, budget: maxLinked, indices: make(map[externKey]int)}
	for _, p := range r.obj.Programs {
		if err := l.link(p, r.entryOf[p]); err != nil {
			return err
		}
	}
	return r.readSlots()
}
