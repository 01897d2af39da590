// Package object reads BPF object files.
//
// It turns the bytes of a BPF ELF file into an [Object]: the maps, the programs with their
// subprograms linked in, the global variables, the externs, and BTF that the kernel accepts. It
// does not decide how they are loaded, which package loader does, and makes no system calls. The
// caller is cmd/bpf2lskel; loader and codegen use the result.
package object

import (
	"encoding/binary"

	"github.com/cilium/ebpf/btf"
)

// An Object is a BPF object file, read and linked.
//
// All values are in the byte order of this machine, except BTF and the bytes of Map.Data, which
// stay in ByteOrder.
type Object struct {
	// Name is the file's base name up to the first dot, as in libbpf. The kernel names of global
	// data maps begin with it.
	Name      string
	ByteOrder binary.ByteOrder
	// License is the string in section "license", or "".
	License string

	// BTF is the data for BPF_BTF_LOAD, or nil: the bytes of section .BTF with data sections sized,
	// variables placed and sorted, and hidden functions made static. Type IDs and string offsets
	// are those of the file, so that func info, line info and CO-RE records need no translation.
	BTF []byte
	// Types is the same BTF, decoded. Types.TypeByID takes the IDs used here.
	Types *btf.Spec

	// Maps are in libbpf's order: the maps of section .maps in the order of their symbols, then
	// global data by section, .kconfig, and struct_ops by section. The index of a map is the imm of
	// the instructions that refer to it.
	Maps     []*Map
	Programs []*Program
	// Externs are the distinct symbols that the kernel resolves, in order of first use.
	Externs []*Extern

	// OddBTF is set if clang wrote BTF that the kernel rejects. libbpf then continues without BTF.
	OddBTF bool

	// CutEnums holds the 64-bit enums whose values have only 32 bits in BTF, as clang before 15
	// writes them. Their upper bits are unknown.
	CutEnums map[*btf.Enum]bool
	// Warnings describe, in a line each, parts of the object that load but behave differently than
	// in C.
	Warnings []string
}

// DataKind distinguishes global data maps from the maps that the source defines.
type DataKind uint8

const (
	NoData  DataKind = iota // a map defined in section .maps
	Data                    // .data, .data.*
	ROData                  // .rodata, .rodata.*: frozen
	BSS                     // .bss, .bss.*: zero, has no bytes
	Kconfig                 // .kconfig: frozen, filled in at load time
)

// Pinning is the value of a map's pinning attribute, libbpf's enum libbpf_pin_type. Higher values
// have a meaning to other loaders only, such as cilium's.
type Pinning uint32

const (
	PinNone   Pinning = iota // LIBBPF_PIN_NONE
	PinByName                // LIBBPF_PIN_BY_NAME
)

// A Map is a map that the object defines.
type Map struct {
	// Name is the variable's name, or the section's name for global data.
	Name string
	// KernelName is the name in the kernel, of at most 15 bytes. For global data it begins with the
	// object's name, as in libbpf.
	KernelName string

	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32 // as in the source; 0 if absent
	Flags      uint32
	Extra      uint64
	NumaNode   uint32
	Pinning    Pinning

	// KeyTypeID and ValueTypeID are the types for the kernel, or 0 if the map type takes no BTF.
	KeyTypeID, ValueTypeID btf.TypeID
	// Key and Value are the types for generated code, or nil if the object only has sizes.
	Key, Value btf.Type

	// Inner is the definition of the maps in a map of maps. It is nil for other maps.
	Inner *Map
	// Slots are the entries of a map of maps or a program array that the source initializes.
	Slots []Slot

	// StructOps is set for struct_ops, and nil for other maps.
	StructOps *StructOps

	Kind DataKind
	// Managed is set for global data of which the kernel manages a part, such as a lock. User space
	// cannot map it.
	Managed bool
	// Data is the initial value of global data, ValueSize bytes in the object's byte order, or nil
	// for BSS. For an arena it is the initial contents of its first bytes.
	Data []byte
	// Vars are the variables of global data, or those at the start of an arena, by offset.
	Vars []Var
}

// A Slot is an entry of a map of maps or a program array that the source initializes. Exactly one
// of Map and Program is not nil.
type Slot struct {
	Index   uint32
	Map     *Map
	Program *Program
}

// A Var is a global variable.
type Var struct {
	Name   string
	Offset uint32 // bytes from the start of the section
	Size   uint32 // bytes
	Type   btf.Type
	Static bool // not visible outside its C file
	Weak   bool // a kconfig variable that is zero if the kernel lacks it
}

// An Insn is one instruction, struct bpf_insn. An ld_imm64 takes two.
type Insn struct {
	Op  uint8
	Dst uint8
	Src uint8
	Off int16
	Imm int32
}

// FuncInfo is struct bpf_func_info with the offset in instructions of the linked program.
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

// CORERelo is struct bpf_core_relo with the offset in instructions of the linked program.
type CORERelo struct {
	Insn      uint32
	Type      btf.TypeID
	AccessStr uint32 // offset into BTF's strings
	Kind      uint32 // enum bpf_core_relo_kind
}

// An AttachTarget is the function or type whose BTF ID a program's load must pass.
type AttachTarget struct {
	// Name is the name in the kernel's BTF: btf_trace_sched_switch, bpf_lsm_file_open,
	// bpf_iter_task, do_unlinkat.
	Name string
	// Kind is BTF_KIND_FUNC or BTF_KIND_TYPEDEF.
	Kind uint8
	// Module is the kernel module that the section names ("fentry/mod:func"), or "" for any.
	Module string
}

// A Program is an entry function with all functions that it calls.
type Program struct {
	Name string // of the C function
	// KernelName is the name in the kernel, of at most 15 bytes.
	KernelName string
	Section    string // as written

	Type               uint32 // enum bpf_prog_type
	ExpectedAttachType uint32 // enum bpf_attach_type
	Flags              uint32 // BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS
	// AutoLoad is false for sections that begin with '?'.
	AutoLoad bool
	// AttachTo is the part of the section's name after the slash, which names what to attach to
	// ("sched/sched_switch", "do_unlinkat+0x4"), or "". It is also "" for sections with a fixed
	// name ("xdp/devmap"), in which that part is a kind of program.
	AttachTo string
	// Target is nil for programs whose type does not attach by BTF, or whose section does not name
	// a target. It is also nil for freplace programs, whose target is another program.
	Target *AttachTarget

	// Insns is the whole program: the entry function, then the subprograms in libbpf's order, with
	// calls resolved. A reference to a map is BPF_PSEUDO_MAP_IDX or BPF_PSEUDO_MAP_IDX_VALUE with
	// the map's index. References to externs are listed in ExternRefs, and resolved by the loader.
	Insns      []Insn
	FuncInfos  []FuncInfo
	LineInfos  []LineInfo
	CORERelos  []CORERelo
	ExternRefs []ExternRef
	Constants  []ConstantRef

	// File and Line are the position of the entry function in the source, from its first line info,
	// if known.
	File string
	Line int
}

// ExternKind is the way in which the kernel resolves an extern.
type ExternKind uint8

const (
	// Kfunc is a kernel function with BTF, which is called or whose address is taken.
	Kfunc ExternKind = iota + 1
	// KsymVar is a kernel variable with a type.
	KsymVar
	// KsymAddr is a kernel symbol of type void, which stands for its address in kallsyms.
	KsymAddr
)

// An Extern is a symbol that the kernel resolves when the object is loaded. Kconfig externs are not
// among them: they are variables of the .kconfig map.
type Extern struct {
	Name string
	// KernelName is the name in the kernel. For a kfunc it is the name without the flavor: bpf_foo
	// for bpf_foo___v2.
	KernelName string
	Kind       ExternKind
	Weak       bool
	// TypeID is the BTF ID of its FUNC or VAR in the object, for errors and listings.
	TypeID btf.TypeID
	// Declared is the BTF ID of the type in the source: the prototype of a function, or the type of
	// a variable, for which the kernel gets an int.
	Declared btf.TypeID
}

// A ConstantRef is an ld_imm64 in a program that loads a constant that is named only in assembly.
type ConstantRef struct {
	Insn int // index in Program.Insns
	Name string
}

// An ExternRef is an instruction of a program that takes the value of an extern: a call of a kfunc,
// or an ld_imm64.
type ExternRef struct {
	Insn   int // index in Program.Insns
	Extern int // index in Object.Externs
}
