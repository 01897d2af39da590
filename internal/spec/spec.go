// Package spec is the contract between generation and load. Package loader makes a Spec from an
// object, package codegen writes it into generated code as a literal, and internal/load executes
// it. The package holds data and functions on it, makes no system calls and has no state.
package spec

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// ABI is the version of the contract. Generated code states its version, and does not compile with
// a runtime of another; see [github.com/bpf2lskel/bpf2lskel/runtime/impl]. It changes with every
// change of these types, of the blob's layout or of the loader's conventions that would make
// existing packages load incorrectly or not at all.
const ABI = 1

// A Spec holds everything that a load needs. Generated packages have one as static data, to which
// nothing ever writes.
//
// Blob and Loader are in the byte order of the machine that loads them.
type Spec struct {
	// Name is the object's name, from its file name.
	Name string
	// Loader is the loader program: instructions of a program of type
	// BPF_PROG_TYPE_SYSCALL, 8 bytes each.
	Loader string
	// Blob is the initial value of the loader's only map. It starts with Slots 32-bit words, in
	// which the loader stores file descriptors and errors.
	Blob  string
	Slots int

	// License is the place of the license string, or 0 if there are no programs.
	License BlobOff

	BTF      BTFSpec
	Maps     []MapSpec
	Programs []ProgramSpec
	Targets  []TargetSpec
	Externs  []ExternSpec
	// Kconfig has a line for each __kconfig variable whose value the runtime determines; see
	// [ParseKconfig].
	Kconfig string
	// Constants has a line for each use of a constant that assembly names; see
	// [Spec.ParseConstants].
	Constants string
	// NoAddresses is a word that is 1. If the runtime sets it to 0, the loader looks up the
	// addresses of kfuncs in kallsyms, for kernels where a program cannot take them by BTF ID. It
	// is 0 if no program takes an address.
	NoAddresses Slot
	// StructOps is the place of the descriptions of struct_ops maps, or 0 if there are none: see
	// [ReadStructOps].
	StructOps BlobOff
	// Steps are in the order of a single thread.
	Steps []Step
	// Phases is set for large objects, whose loader does one part of its work in each run. It has
	// the number of parts of each phase. The parts of a phase depend on those of earlier phases,
	// not on each other.
	Phases []int32
	// CORE is set for objects whose loader resolves CO-RE relocations for the programs. It does so
	// in the first phase, which does nothing else.
	CORE CORESpec
	// Signed is set for packages that can be signed, and nil for others.
	Signed *SignedSpec
	// Sums is set in generated code, for the files that it was generated with.
	Sums Sums
}

// Sums holds the checksums of the files that belong to a generated Go file; see [Sum].
type Sums struct {
	Blob, Loader uint64
}

// A BlobOff is an offset into a Spec's blob, in bytes.
type BlobOff uint32

// A Slot is the index of a 32-bit word at the start of a blob.
type Slot uint32

// NoCompare makes structs not comparable. It takes no space, and saves the functions that compare
// such structs, to which type descriptors refer: 3 KB in a small program.
type NoCompare [0][]byte

// NoSlot marks a missing slot.
const NoSlot Slot = 1<<32 - 1

// BTFSpec is the object's own BTF.
type BTFSpec struct {
	NoCompare NoCompare

	// Attr is the place of its BPF_BTF_LOAD attr, or 0 if the object has no BTF.
	Attr BlobOff
	Slot Slot
	Data BlobOff
	Size uint32 // bytes
	// Outside is set if the runtime loads it before the loader, which needs it for its own CO-RE
	// records.
	Outside bool
}

// CORESpec locates the CO-RE relocations that the loader resolves for all programs in the blob.
type CORESpec struct {
	// Values has ValueCount results of 64 bits each: a 32-bit value, or COREMissing.
	Values     BlobOff
	ValueCount uint32
	// Records has the loader's own CO-RE records, each a struct bpf_core_relo.
	Records     BlobOff
	RecordCount uint32
	// Sites has a CORESite for each instruction that takes a value.
	Sites     BlobOff
	SiteCount uint32
}

// COREMissing is the value of a CO-RE relocation that the kernel cannot resolve.
const COREMissing = 1<<64 - 1

// A CORESite is an instruction of a program that takes the value of an index as its imm.
type CORESite struct {
	Insn  BlobOff
	Value uint32
}

// DataKind is the kind of section that a global data map holds.
type DataKind uint8

const (
	NoData  DataKind = iota // not a global data map, or one that the kernel refuses to map
	Data                    // .data, .data.*
	ROData                  // .rodata, .rodata.*
	BSS                     // .bss, .bss.*
	Kconfig                 // .kconfig
)

// Sizing describes how a map's size depends on the machine that loads it.
type Sizing uint8

const (
	SizeFixed Sizing = iota
	// SizeCPUs sets max_entries to the number of possible CPUs: for a perf event array without
	// max_entries in the source.
	SizeCPUs
	// SizePages rounds max_entries up to a power of two times the page size: for ring buffers
	// (libbpf's adjust_ringbuf_sz).
	SizePages
)

// A MapSpec is a map of the object.
type MapSpec struct {
	NoCompare NoCompare

	// Name is the name of the C variable, or of the section for global data.
	Name string
	// Slot receives the map's fd.
	Slot Slot
	// Attr is the place of the BPF_MAP_CREATE attr. The values below are copies of its fields.
	Attr       BlobOff
	AttrSize   uint32 // bytes; no longer than the map needs
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	Extra      uint64

	Sizing Sizing
	// PinByName is set if Pinning is LIBBPF_PIN_BY_NAME, which is 1.
	PinByName bool
	// Outside is set for maps that the runtime creates before the loader runs: local storage,
	// because a failed creation inside a loader hangs the kernel, and arenas, which must be mapped
	// before a program is loaded.
	Outside bool

	Kind DataKind
	// Data is the place of the initial value, of ValueSize bytes. It is 0 for BSS and for maps that
	// are not global data.
	Data BlobOff
	// DataSize is the size of the global variables at the start of an arena, in bytes, which are at
	// Data in the blob. It is 0 for other maps.
	DataSize uint32
	// Pinning is the value in the source, enum libbpf_pin_type. Values above 1 are the user's own,
	// and are ignored.
	Pinning uint32
}

// An InnerSpec describes the maps in a map of maps.
type InnerSpec struct {
	MapSpec
	NumaNode uint32
	// KeyTypeID and ValueTypeID are types in the object's BTF, or 0 if the map has none.
	KeyTypeID, ValueTypeID uint32
}

// A ProgramSpec is a program of the object.
type ProgramSpec struct {
	NoCompare NoCompare

	Name    string // of the C function
	Section string
	Slot    Slot
	// Attr is the place of the BPF_PROG_LOAD attr.
	Attr       BlobOff
	Type       uint32 // enum bpf_prog_type
	AttachType uint32 // enum bpf_attach_type
	Flags      uint32
	Insns      uint32 // instructions; the attr has 0 in insn_cnt if AutoLoad is not set
	// CORERelos is the place of the CO-RE records, or 0 if there are none.
	CORERelos BlobOff
	// OwnRelos is the number of CO-RE records at the start that the kernel resolves, if the loader
	// resolves the others.
	OwnRelos uint32
	// AutoLoad is false for programs that are loaded only when asked for.
	AutoLoad bool
	// AttachTo is the part of the section's name that names what to attach to.
	AttachTo string
	// Target is an index into Spec.Targets, or -1.
	Target int32
}

// A TargetSpec is a kernel function or type that programs attach to. The loader looks it up once
// for all of them.
type TargetSpec struct {
	NoCompare NoCompare

	Name   string
	Kind   uint8  // BTF_KIND_FUNC or BTF_KIND_TYPEDEF
	Module string // named in the source; "" if none
	Slot   Slot   // the first of two words, see [Step.Result]
}

// ExternKind is the way in which an extern is resolved.
type ExternKind uint8

const (
	Kfunc    ExternKind = iota + 1 // a kernel function with BTF
	KsymVar                        // a kernel variable with BTF
	KsymAddr                       // an address in kallsyms
)

// An ExternSpec is a symbol that the kernel resolves.
type ExternSpec struct {
	Name string
	Kind ExternKind
	Weak bool
	// Slot is the first of two words, see [Step.Result].
	Slot Slot
	// Uses is the number of instructions that it is patched into.
	Uses int32
	// Programs are the indices of the programs that use it.
	Programs []int32
}

// StepKind is the operation of a step.
type StepKind uint8

const (
	StepLoadBTF     StepKind = iota + 1 // BPF_BTF_LOAD
	StepCreateMap                       // BPF_MAP_CREATE
	StepCreateInner                     // BPF_MAP_CREATE of the template for inner maps of map Index
	StepFillMap                         // BPF_MAP_UPDATE_ELEM with the initial value of global data
	StepFreezeMap                       // BPF_MAP_FREEZE
	StepSetSlot                         // BPF_MAP_UPDATE_ELEM of an initial entry of map Index
	StepFindTarget                      // bpf_btf_find_by_name_kind
	StepFindExtern                      // bpf_btf_find_by_name_kind or bpf_kallsyms_lookup_name
	StepLoadProgram                     // BPF_PROG_LOAD
)

// A Step is one operation of the loader. Steps do not branch: after a failure the loader continues,
// and each later step that depends on the failed one fails too, without effect. The first failed
// step is the one to report.
type Step struct {
	NoCompare NoCompare

	Kind StepKind
	// Index is an index into Spec.Maps, Programs, Targets or Externs, depending on Kind.
	Index int32
	// Entry is the key of a StepSetSlot.
	Entry uint32
	// Result receives the result of the step: an fd or 0, or a negative errno. Look-ups have an
	// aligned 64-bit result: the BTF ID in the low half and the fd of a module's BTF in the high
	// half, or a negative errno; bpf_kallsyms_lookup_name has 0 or a negative errno.
	Result Slot
	// Attr is the place of the step's bpf_attr, or 0 for look-ups.
	Attr BlobOff
	// Start and End delimit the loader's instructions for this step. The rest of the loader works
	// if they are overwritten with no-ops.
	Start, End int32
}

// MappedSize returns the number of bytes of global variables that are mapped into the process.
func (m *MapSpec) MappedSize() uint32 {
	switch {
	case m.Type == sys.MapTypeArena:
		return m.DataSize
	case m.Kind != NoData && m.Flags&sys.FlagMmapable != 0:
		return m.ValueSize
	}
	return 0
}

// Files returns the maximum number of files that a load has open at once.
func (s *Spec) Files() int {
	n := 2 // the loader and its map
	for i := range s.Steps {
		switch s.Steps[i].Kind {
		case StepLoadBTF, StepCreateMap, StepCreateInner, StepLoadProgram:
			n++
		}
	}
	return n
}

// HasInner reports whether the object has maps of maps with a template for inner maps.
func (s *Spec) HasInner() bool {
	for i := range s.Steps {
		if s.Steps[i].Kind == StepCreateInner {
			return true
		}
	}
	return false
}

// PinsByName reports whether the source pins any map by name.
func (s *Spec) PinsByName() bool {
	for i := range s.Maps {
		if s.Maps[i].PinByName {
			return true
		}
	}
	return false
}

// Outside reports whether the runtime creates a map or loads the BTF before the loader runs.
func (s *Spec) Outside() bool {
	for i := range s.Maps {
		if s.Maps[i].Outside {
			return true
		}
	}
	return s.BTF.Outside
}

// BadRelo is the helper number with which the kernel and the loader replace an instruction whose
// CO-RE relocation cannot be resolved (bpf_core_poison_insn). The verifier refuses it if it is
// reachable.
const BadRelo = 195896080

// BadMap plus the index of a map is the helper number that replaces an instruction that refers to a
// map that was left out.
const BadMap = 2001000000
