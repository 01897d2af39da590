// Package object reads BPF object files.
//
// In go the bytes of an ELF file for the BPF machine, out comes an [Object]:
// its maps, its programs with all their subprograms linked in, its global
// variables, its externs, and its BTF made fit for the kernel. It decides
// nothing about how they are loaded (package loader does) and makes no system
// call. The caller is cmd/bpf2lskel; loader and codegen read the result.
package object

import (
	"encoding/binary"

	"github.com/cilium/ebpf/btf"
)

// Object is a BPF object file, read and linked.
//
// Everything in it is in the byte order of the reader's machine except BTF and
// the bytes of Map.Data, which stay in ByteOrder.
type Object struct {
	// Name is the file's base name up to its first dot, as libbpf has it. The
	// kernel names of global data maps begin with it.
	Name      string
	ByteOrder binary.ByteOrder
	// License is the string in section "license", "" if there is none.
	License string

	// BTF is what BPF_BTF_LOAD gets, nil if the object has none: the bytes of section .BTF with
	// data sections sized, variables placed and sorted, and hidden functions made static. Type IDs
	// and string offsets are those of the file, so that func info, line info and CO-RE records hold
	// without translation.
	BTF []byte
	// Types is the same BTF, decoded; Types.TypeByID takes the IDs used here.
	Types *btf.Spec

	// Maps in the order of libbpf: those of section .maps in the order of
	// their symbols, then global data by section, .kconfig, and structs of operations by section. A
	// map's index is the imm of the instructions that refer to it.
	Maps     []*Map
	Programs []*Program
	// Externs are the distinct symbols that the kernel has to resolve, in
	// order of first use.
	Externs []*Extern

	// OddBTF is set if the BTF has what clang writes and the kernel refuses. libbpf goes on without
	// BTF then.
	OddBTF bool

	// CutEnums are the enums of 64 bits whose values have only 32 in BTF, as clang before 15 writes
	// them: what the others were is not known.
	CutEnums map[*btf.Enum]bool
	// Warnings are what whoever compiled the file should know, a line each: it loads, but not all
	// of it as C means it.
	Warnings []string
}

// DataKind tells global data maps from the maps that a source file defines.
type DataKind uint8

const (
	NoData  DataKind = iota // a map of section .maps
	Data                    // .data, .data.*
	ROData                  // .rodata, .rodata.*: frozen
	BSS                     // .bss, .bss.*: zero, has no bytes
	Kconfig                 // .kconfig: frozen, filled in at load time
)

// Pinning is the value of a map's pinning attribute, libbpf's enum libbpf_pin_type. Numbers above
// are for whoever wrote them: cilium's loader has one of its own.
type Pinning uint32

const (
	PinNone   Pinning = iota // LIBBPF_PIN_NONE
	PinByName                // LIBBPF_PIN_BY_NAME
)

// Map is a map that the object defines.
type Map struct {
	// Name is the variable's name, or the section's name for global data.
	Name string
	// KernelName is what the kernel shows: at most 15 bytes; for global data
	// the object's name precedes it as libbpf does.
	KernelName string

	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32 // as written; 0 if absent
	Flags      uint32
	Extra      uint64
	NumaNode   uint32
	Pinning    Pinning

	// KeyTypeID and ValueTypeID are for the kernel: 0 for a map type that
	// takes no BTF.
	KeyTypeID, ValueTypeID btf.TypeID
	// Key and Value are for generated code: nil if the object gives only sizes.
	Key, Value btf.Type

	// Inner defines the maps that a map of maps holds; nil otherwise.
	Inner *Map
	// Slots are the entries that the source initializes: of a map of maps or
	// a program array.
	Slots []Slot

	// StructOps is set for a struct of operations; nil for other maps.
	StructOps *StructOps

	Kind DataKind
	// Managed is set for global data that the kernel manages a part of, a lock, say: nobody can map
	// it.
	Managed bool
	// Data is the initial value of global data, ValueSize bytes in the
	// object's byte order; nil for BSS. An arena, which has no value, begins with it.
	Data []byte
	// Vars are the variables of global data, or those that an arena begins with, by offset.
	Vars []Var
}

// Slot is a statically initialized entry of a map of maps or a program array.
// Exactly one of Map and Program is not nil.
type Slot struct {
	Index   uint32
	Map     *Map
	Program *Program
}

// Var is a global variable.
type Var struct {
	Name   string
	Offset uint32 // bytes from the start of the section
	Size   uint32 // bytes
	Type   btf.Type
	Static bool // not visible outside its C file
	Weak   bool // of a kconfig variable: it may be missing, and is zero then
}

// Insn is one instruction, struct bpf_insn; an ld_imm64 is two of them.
type Insn struct {
	Op  uint8
	Dst uint8
	Src uint8
	Off int16
	Imm int32
}

// FuncInfo is struct bpf_func_info with the offset counted in instructions of
// the linked program.
type FuncInfo struct {
	Insn uint32
	Type btf.TypeID
}

// LineInfo is struct bpf_line_info; the names are offsets into BTF's strings.
type LineInfo struct {
	Insn     uint32
	FileName uint32
	Line     uint32
	LineCol  uint32 // line << 10 | column
}

// CORERelo is struct bpf_core_relo with the offset counted in instructions of
// the linked program.
type CORERelo struct {
	Insn      uint32
	Type      btf.TypeID
	AccessStr uint32 // offset into BTF's strings
	Kind      uint32 // enum bpf_core_relo_kind
}

// AttachTarget is what a program's load has to name by BTF ID.
type AttachTarget struct {
	// Name as the kernel's BTF has it: btf_trace_sched_switch,
	// bpf_lsm_file_open, bpf_iter_task, do_unlinkat.
	Name string
	// Kind is BTF_KIND_FUNC or BTF_KIND_TYPEDEF.
	Kind uint8
	// Module is the kernel module that the section names ("fentry/mod:func"),
	// "" for any.
	Module string
}

// Program is an entry function with all that it calls.
type Program struct {
	Name string // of the C function
	// KernelName is what the kernel shows: at most 15 bytes.
	KernelName string
	Section    string // as written

	Type               uint32 // enum bpf_prog_type
	ExpectedAttachType uint32 // enum bpf_attach_type
	Flags              uint32 // BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS
	// AutoLoad is false for sections that begin with '?'.
	AutoLoad bool
	// AttachTo is what the section's name says to attach to, its part behind the
	// slash ("sched/sched_switch", "do_unlinkat+0x4"); "" if it says nothing. That
	// of sections with a fixed name ("xdp/devmap") is a kind, not a target.
	AttachTo string
	// Target is nil for programs whose type does not attach by BTF, and for those
	// whose section does not say where. A freplace program has none either: its
	// target is another program.
	Target *AttachTarget

	// Insns is the whole program: the entry function, then each subprogram in
	// the order in which libbpf appends them, calls resolved. A reference to
	// a map is BPF_PSEUDO_MAP_IDX or BPF_PSEUDO_MAP_IDX_VALUE with the map's index.
	// References to externs wait for the loader, listed in ExternRefs.
	Insns      []Insn
	FuncInfos  []FuncInfo
	LineInfos  []LineInfo
	CORERelos  []CORERelo
	ExternRefs []ExternRef
	Constants  []ConstantRef

	// File and Line are where the entry function's first line info points, if known.
	File string
	Line int
}

// ExternKind tells how the kernel resolves an extern.
type ExternKind uint8

const (
	// Kfunc is a kernel function with BTF, called or its address taken.
	Kfunc ExternKind = iota + 1
	// KsymVar is a kernel variable with a type.
	KsymVar
	// KsymAddr is a kernel symbol of type void: its address, from kallsyms.
	KsymAddr
)

// Extern is a symbol that the kernel resolves when the object is loaded.
// Kconfig externs are variables of the .kconfig map instead.
type Extern struct {
	Name string
	// KernelName is what the kernel calls it: for a kfunc its name without a
	// flavor, bpf_foo of bpf_foo___v2.
	KernelName string
	Kind       ExternKind
	Weak       bool
	// TypeID is the BTF ID of its FUNC or VAR in the object, for errors and listings.
	TypeID btf.TypeID
	// Declared is the BTF ID of the type that the source gives it: a function's prototype, or the
	// type of a variable, for which the kernel gets an int.
	Declared btf.TypeID
}

// ConstantRef is a place in a program, an ld_imm64, of a number that only assembly has a name for.
type ConstantRef struct {
	Insn int // index in Program.Insns
	Name string
}

// ExternRef is a place in a program that an extern's value goes to: a call
// of a kfunc, or an ld_imm64.
type ExternRef struct {
	Insn   int // index in Program.Insns
	Extern int // index in Object.Externs
}
