package object

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// extInfo holds the records of section .BTF.ext for one section of code, in the order of the file.
// Insn counts from the start of the section.
type extInfo struct {
	funcs []FuncInfo
	lines []LineInfo
	relos []CORERelo
}

// parseExt decodes section .BTF.ext. The result is indexed by section.
func parseExt(data []byte, order binary.ByteOrder, b *rawBTF, f *elfFile) (map[int]*extInfo, error) {
	if len(data) < 24 {
		return nil, fmt.Errorf("header: %w", errTruncated)
	}
	if order.Uint16(data) != sys.BtfMagic {
		return nil, errors.New("not BTF in this byte order")
	}
	hdr := order.Uint32(data[4:])
	if hdr < 24 || uint64(hdr) > uint64(len(data)) {
		return nil, fmt.Errorf("header: %w", errTruncated)
	}
	r := extReader{order: order, names: b, sections: make(map[string]int), infos: make(map[int]*extInfo)}
	for i := len(f.sections) - 1; i > 0; i-- {
		r.sections[f.sections[i].name] = i // the first of each name wins
	}
	parts := []struct {
		name    string
		header  int // position of its offset and length in the header
		minimum int // minimum size of a record
		add     func(*extInfo, []byte) error
	}{
		{"func info", 8, 8, r.addFunc},
		{"line info", 16, 16, r.addLine},
		{"CO-RE relocations", 24, 16, r.addCORE},
	}
	for _, part := range parts {
		if part.header+8 > int(hdr) {
			continue // written before CO-RE existed
		}
		begin := uint64(hdr) + uint64(order.Uint32(data[part.header:]))
		size := uint64(order.Uint32(data[part.header+4:]))
		if size == 0 {
			continue
		}
		if begin+size > uint64(len(data)) {
			return nil, fmt.Errorf("%s: %w", part.name, errTruncated)
		}
		if err := r.read(data[begin:begin+size], part.minimum, part.add); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	for _, info := range r.infos {
		info.sortByInsn()
	}
	return r.infos, nil
}

type extReader struct {
	order    binary.ByteOrder
	names    *rawBTF
	sections map[string]int
	infos    map[int]*extInfo
}

// read decodes the size of a record, then the name, the number of records and the records of each
// section.
func (r *extReader) read(data []byte, minimum int, add func(*extInfo, []byte) error) error {
	if len(data) < 4 {
		return errTruncated
	}
	size := int(r.order.Uint32(data))
	if size < minimum || size > len(data) {
		return fmt.Errorf("invalid record size %d", size)
	}
	for data = data[4:]; len(data) > 0; {
		if len(data) < 8 {
			return errTruncated
		}
		name := r.names.str(r.order.Uint32(data))
		count := uint64(r.order.Uint32(data[4:]))
		data = data[8:]
		if count*uint64(size) > uint64(len(data)) {
			return fmt.Errorf("section %s: %w", clean(name), errTruncated)
		}
		index, known := r.sections[name]
		info := r.infos[index]
		if info == nil {
			info = new(extInfo)
		}
		if known {
			r.infos[index] = info
		}
		for range count {
			if err := add(info, data[:size]); err != nil {
				return fmt.Errorf("section %s: %w", clean(name), err)
			}
			data = data[size:]
		}
	}
	return nil
}

// insn decodes the offset at the start of each record, and returns it in instructions.
func (r *extReader) insn(rec []byte) (uint32, error) {
	off := r.order.Uint32(rec)
	if off%InsnSize != 0 {
		return 0, fmt.Errorf("offset %d is not at an instruction", off)
	}
	return off / InsnSize, nil
}

func (r *extReader) addFunc(info *extInfo, rec []byte) error {
	insn, err := r.insn(rec)
	id := btf.TypeID(r.order.Uint32(rec[4:]))
	info.funcs = append(info.funcs, FuncInfo{Insn: insn, Type: id})
	if err == nil && r.names.kind(id) != kindFunc {
		return fmt.Errorf("type %d is not a function", id)
	}
	return err
}

func (r *extReader) addLine(info *extInfo, rec []byte) error {
	insn, err := r.insn(rec)
	info.lines = append(info.lines, LineInfo{
		Insn:     insn,
		FileName: r.order.Uint32(rec[4:]),
		Line:     r.order.Uint32(rec[8:]),
		LineCol:  r.order.Uint32(rec[12:]),
	})
	return err
}

func (r *extReader) addCORE(info *extInfo, rec []byte) error {
	insn, err := r.insn(rec)
	id := btf.TypeID(r.order.Uint32(rec[4:]))
	info.relos = append(info.relos, CORERelo{
		Insn:      insn,
		Type:      id,
		AccessStr: r.order.Uint32(rec[8:]),
		Kind:      r.order.Uint32(rec[12:]),
	})
	if err == nil && !r.names.has(id) {
		return fmt.Errorf("CO-RE relocation of unknown type %d", id)
	}
	return err
}

// sortByInsn sorts the records by instruction, as compilers write them.
func (info *extInfo) sortByInsn() {
	slices.SortStableFunc(info.funcs, func(x, y FuncInfo) int { return cmp.Compare(x.Insn, y.Insn) })
	slices.SortStableFunc(info.lines, func(x, y LineInfo) int { return cmp.Compare(x.Insn, y.Insn) })
	slices.SortStableFunc(info.relos, func(x, y CORERelo) int { return cmp.Compare(x.Insn, y.Insn) })
}

// within returns the records whose instruction is in [begin, end). recs must be sorted.
func within[T any](recs []T, insn func(*T) uint32, begin, end uint32) []T {
	at := func(bound uint32) int {
		return sort.Search(len(recs), func(i int) bool { return insn(&recs[i]) >= bound })
	}
	first := at(begin)
	return recs[first:max(first, at(end))]
}
