package sameload

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Sizes of a program's records.
const (
	insnSize     = uint32(unsafe.Sizeof(sys.Insn{}))
	funcInfoSize = uint32(unsafe.Sizeof(sys.FuncInfo{}))
	lineInfoSize = uint32(unsafe.Sizeof(sys.LineInfo{}))
)

// progView describes one program.
func (d *describer) progView(fd int) (Program, error) {
	info, records, err := progRecords(fd)
	if err != nil {
		return Program{}, err
	}
	fields, ok := d.programs[info.Id]
	if !ok {
		return Program{}, fmt.Errorf("the program iterator does not know id %d", info.Id)
	}
	p := Program{
		Name:               cString(info.Name[:]),
		Type:               ebpf.ProgramType(info.Type).String(),
		ExpectedAttachType: fields.ExpectedAttachType,
		Sleepable:          fields.Sleepable,
		Frags:              fields.Frags,
		GPLCompatible:      info.GplCompatible != 0,
		HasBTF:             info.BtfId != 0,
		Tag:                hex.EncodeToString(info.Tag[:]),
		TagVaries:          info.NrMapIds > 0,
		FixedTag:           !fields.KernelBTF,
	}
	if p.AttachTo, err = d.attachTo(info); err != nil {
		return Program{}, err
	}
	p.Insns = listing(records.insns, fields.Aux, d.mapNameByID)
	if p.Funcs, err = d.funcs(info, records.funcs); err != nil {
		return Program{}, err
	}
	p.Lines, err = d.lines(info, records.lines)
	return p, err
}

// records are the arrays in a struct bpf_prog_info.
type records struct {
	insns, funcs, lines []byte
}

// progRecords reads a program's info, and in a second call the arrays, whose sizes the first call
// returned.
func progRecords(fd int) (sys.ProgInfo, records, error) {
	var sizes sys.ProgInfo
	if err := objInfo(fd, &sizes); err != nil {
		return sys.ProgInfo{}, records{}, err
	}
	r := records{
		insns: make([]byte, sizes.XlatedProgLen),
		funcs: make([]byte, sizes.NrFuncInfo*funcInfoSize),
		lines: make([]byte, sizes.NrLineInfo*lineInfoSize),
	}
	info := sys.ProgInfo{
		XlatedProgLen: sizes.XlatedProgLen, XlatedProgInsns: sys.BytesAddr(r.insns),
		NrFuncInfo: sizes.NrFuncInfo, FuncInfo: sys.BytesAddr(r.funcs), FuncInfoRecSize: funcInfoSize,
		NrLineInfo: sizes.NrLineInfo, LineInfo: sys.BytesAddr(r.lines), LineInfoRecSize: lineInfoSize,
	}
	if err := objInfo(fd, &info); err != nil {
		return sys.ProgInfo{}, records{}, err
	}
	return info, r, nil
}

// mapNameByID returns the name of a map that a program refers to.
func (d *describer) mapNameByID(id uint32) string {
	if name, ok := d.mapNames[id]; ok {
		return name
	}
	// Not one of the load's maps, such as the kernel's map for literals of a "?" program.
	fd, err := fdByID(sys.CmdMapGetFdByID, id)
	if err != nil {
		return "unknown map"
	}
	defer unix.Close(fd)
	name, err := d.name("", fd)
	if err != nil || name != "" {
		return name
	}
	var info sys.MapInfo
	if err := objInfo(fd, &info); err != nil {
		return "unknown map"
	}
	return cString(info.Name[:])
}

// attachTo returns the name of the function, type or program that a program is verified against.
func (d *describer) attachTo(info sys.ProgInfo) (string, error) {
	if info.AttachBtfId == 0 {
		return "", nil
	}
	if info.AttachBtfObjId == 0 {
		return "a program", nil // without a BTF object of the kernel
	}
	h, err := btf.NewHandleFromID(btf.ID(info.AttachBtfObjId))
	if err != nil {
		return "", fmt.Errorf("attach target: %w", err)
	}
	defer h.Close()
	hi, err := h.Info()
	if err != nil {
		return "", fmt.Errorf("attach target: %w", err)
	}
	spec, err := kernelSpec(h, hi)
	if err != nil {
		return "", fmt.Errorf("attach target: %w", err)
	}
	typ, err := spec.TypeByID(btf.TypeID(info.AttachBtfId))
	if err != nil {
		return "", fmt.Errorf("attach target: %w", err)
	}
	return hi.Name + ": " + typeName(typ), nil
}

// kernelSpec returns the BTF of the kernel or of one of its modules. vmlinux is decoded only once.
func kernelSpec(h *btf.Handle, hi *btf.HandleInfo) (*btf.Spec, error) {
	if hi.IsVmlinux() {
		return vmlinux()
	}
	base, err := vmlinux()
	if err != nil {
		return nil, err
	}
	return h.Spec(base)
}

// funcs lists a program's functions: their first instructions and names.
func (d *describer) funcs(info sys.ProgInfo, raw []byte) ([]string, error) {
	var funcs []string
	for rec := range slices.Chunk(raw, int(funcInfoSize)) {
		typ, err := d.btf.typeByID(info.BtfId, binary.NativeEndian.Uint32(rec[4:]))
		if err != nil {
			return nil, fmt.Errorf("func info: %w", err)
		}
		funcs = append(funcs, fmt.Sprintf("%d: %s", binary.NativeEndian.Uint32(rec), typeName(typ)))
	}
	return funcs, nil
}

// lines returns a program's line info, with text instead of offsets into the BTF's strings.
func (d *describer) lines(info sys.ProgInfo, raw []byte) ([]Line, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	text, err := d.strings(info.BtfId)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for rec := range slices.Chunk(raw, int(lineInfoSize)) {
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(rec[4*i:]) }
		lines = append(lines, Line{word(0), text(word(1)), word(3), text(word(2))})
	}
	return lines, nil
}
