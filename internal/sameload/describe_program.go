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
)

// Sizes of the records that a program carries.
const (
	insnSize     = 8
	funcInfoSize = 8  // struct bpf_func_info
	lineInfoSize = 16 // struct bpf_line_info
)

// progView describes one program.
func (d *describer) progView(fd int) (Program, error) {
	info, records, err := progRecords(fd)
	if err != nil {
		return Program{}, err
	}
	fields, ok := d.programs[info.ID]
	if !ok {
		return Program{}, fmt.Errorf("the program iterator does not know id %d", info.ID)
	}
	p := Program{
		Name:               cString(info.Name[:]),
		Type:               ebpf.ProgramType(info.Type).String(),
		ExpectedAttachType: fields.ExpectedAttachType,
		Sleepable:          fields.Sleepable,
		Frags:              fields.Frags,
		GPLCompatible:      info.GPLCompatible != 0,
		HasBTF:             info.BtfID != 0,
		Tag:                hex.EncodeToString(info.Tag[:]),
		TagVaries:          info.NrMapIDs > 0,
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

// records are the arrays that belong to a struct bpf_prog_info.
type records struct {
	insns, funcs, lines []byte
}

// progRecords reads a program's info, and in a second call the arrays whose sizes the first one told.
func progRecords(fd int) (progInfo, records, error) {
	var sizes progInfo
	if err := objInfo(fd, &sizes); err != nil {
		return progInfo{}, records{}, err
	}
	r := records{
		insns: make([]byte, sizes.XlatedProgLen),
		funcs: make([]byte, sizes.NrFuncInfo*funcInfoSize),
		lines: make([]byte, sizes.NrLineInfo*lineInfoSize),
	}
	info := progInfo{
		XlatedProgLen: sizes.XlatedProgLen, XlatedProgInsns: unsafe.Pointer(unsafe.SliceData(r.insns)),
		NrFuncInfo: sizes.NrFuncInfo, FuncInfo: unsafe.Pointer(unsafe.SliceData(r.funcs)), FuncInfoRecSize: funcInfoSize,
		NrLineInfo: sizes.NrLineInfo, LineInfo: unsafe.Pointer(unsafe.SliceData(r.lines)), LineInfoRecSize: lineInfoSize,
	}
	if err := objInfo(fd, &info); err != nil {
		return progInfo{}, records{}, err
	}
	return info, r, nil
}

// mapNameByID names a map that a program refers to.
func (d *describer) mapNameByID(id uint32) string {
	if name, ok := d.mapNames[id]; ok {
		return name
	}
	// Not one of those that the load gave out, as the kernel's own map of a "?" program's literals.
	fd, err := fdByID(unix.BPF_MAP_GET_FD_BY_ID, id)
	if err != nil {
		return "unknown map"
	}
	defer unix.Close(fd)
	name, err := d.name("", fd)
	if err != nil || name != "" {
		return name
	}
	var info mapInfo
	if err := objInfo(fd, &info); err != nil {
		return "unknown map"
	}
	return cString(info.Name[:])
}

// attachTo names the function, type or program that a program is verified against.
func (d *describer) attachTo(info progInfo) (string, error) {
	if info.AttachBtfID == 0 {
		return "", nil
	}
	if info.AttachBtfObjID == 0 {
		return "a program", nil // which has no BTF object of the kernel
	}
	h, err := btf.NewHandleFromID(btf.ID(info.AttachBtfObjID))
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
	typ, err := spec.TypeByID(btf.TypeID(info.AttachBtfID))
	if err != nil {
		return "", fmt.Errorf("attach target: %w", err)
	}
	return hi.Name + ": " + typeName(typ), nil
}

// kernelSpec decodes the BTF of the kernel or of one of its modules. vmlinux is decoded once only.
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

// funcs lists a program's functions: where each begins, and what it is called.
func (d *describer) funcs(info progInfo, raw []byte) ([]string, error) {
	var funcs []string
	for rec := range slices.Chunk(raw, funcInfoSize) {
		typ, err := d.btf.typeByID(info.BtfID, binary.NativeEndian.Uint32(rec[4:]))
		if err != nil {
			return nil, fmt.Errorf("func info: %w", err)
		}
		funcs = append(funcs, fmt.Sprintf("%d: %s", binary.NativeEndian.Uint32(rec), typeName(typ)))
	}
	return funcs, nil
}

// lines lists a program's line info, with texts instead of offsets into the BTF's strings.
func (d *describer) lines(info progInfo, raw []byte) ([]Line, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	text, err := d.strings(info.BtfID)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for rec := range slices.Chunk(raw, lineInfoSize) {
		word := func(i int) uint32 { return binary.NativeEndian.Uint32(rec[4*i:]) }
		lines = append(lines, Line{word(0), text(word(1)), word(3), text(word(2))})
	}
	return lines, nil
}
