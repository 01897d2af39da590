// Package spec is the contract between generation and load: what package loader
// makes of an object, what package codegen writes into generated code as a
// literal, and what internal/load carries out. It is data, and questions about
// that data; it makes no system call and keeps no state.
package spec

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// ABI is the version of the contract. Generated code states the one that it was
// written for and does not compile with a runtime of another; see
// [github.com/bpf2lskel/bpf2lskel/runtime/impl]. It changes with every change
// of these types, of the blob's layout or of the loader's conventions that
// makes packages generated before it load wrong, or not at all.
const ABI = 1

// A Spec is everything that a load needs. Generated packages hold one as static
// data; nothing in it is ever written.
//
// All bytes in Blob and Loader are in the byte order of the machine that loads.
type Spec struct {
	// Name is the object's, as in the name of its file.
	Name string
	// Loader is the loader program: instructions of a program of type
	// BPF_PROG_TYPE_SYSCALL, 8 bytes each.
	Loader string
	// Blob is the initial value of the loader's only map. It starts with
	// Slots 32-bit words, where the loader leaves file descriptors and errors.
	Blob  string
	Slots int

	// License is where the license string is, 0 if there are no programs.
	License BlobOff

	BTF      BTFSpec
	Maps     []MapSpec
	Programs []ProgramSpec
	Targets  []TargetSpec
	Externs  []ExternSpec
	// Kconfig has a line for each __kconfig variable that the runtime finds the value of; see
	// [ParseKconfig].
	Kconfig string
	// Constants has a line for each place of a number that assembly names; see
	// [Spec.ParseConstants].
	Constants string
	// NoAddresses is a word that is 1: set to 0, the loader looks the addresses of kfuncs up in
	// kallsyms, for kernels where a program cannot take them by BTF ID. 0 if no program takes one.
	NoAddresses Slot
	// StructOps is where the structs of operations are described, 0 if no map is one:
	// [ReadStructOps].
	StructOps BlobOff
	// Steps in the order in which the loader takes them on one thread.
	Steps []Step
	// Phases is set for large objects, whose loader does its work in parts, one a run: how many
	// parts each phase has. Those of one phase depend on those before, not on each other.
	Phases []int32
	// CORE is set for objects whose loader resolves CO-RE relocations for the programs. It does so
	// in the first of its phases, which does nothing else.
	CORE CORESpec
	// Signed is set for packages that can be signed, nil for others.
	Signed *SignedSpec
	// Sums is set in generated code, which knows what files it was generated with.
	Sums Sums
}

// Sums are the checksums of the files that belong to a generated Go file; see [Sum].
type Sums struct {
	Blob, Loader uint64
}

// BlobOff is an offset into a Spec's blob, in bytes.
type BlobOff uint32

// Slot is the index of a 32-bit word at the start of a blob.
type Slot uint32

// NoCompare is a field of structs that nobody compares. It takes no room: type descriptors refer to
// the code that compares two, which is 3 KB of a small program.
type NoCompare [0][]byte

// NoSlot marks a missing slot.
const NoSlot Slot = 1<<32 - 1

// BTFSpec is the object's own BTF.
type BTFSpec struct {
	NoCompare NoCompare

	// Attr is where its BPF_BTF_LOAD attr is; 0 if the object has none.
	Attr BlobOff
	Slot Slot
	Data BlobOff
	Size uint32 // bytes
	// Outside is set if the runtime loads it, before the loader: one with CO-RE records of its own
	// needs it.
	Outside bool
}

// CORESpec says where in the blob there is what the loader resolves for all programs.
type CORESpec struct {
	// Values are ValueCount results, 64 bits each: the value, of 32 bits, or COREMissing.
	Values     BlobOff
	ValueCount uint32
	// Records are the loader's own CO-RE records, struct bpf_core_relo each.
	Records     BlobOff
	RecordCount uint32
	// Sites are the instructions that want the values, a CORESite each.
	Sites     BlobOff
	SiteCount uint32
}

// COREMissing is the value of a CO-RE relocation about something that the kernel does not have.
const COREMissing = 1<<64 - 1

// CORESite is an instruction of a program, which gets the value of that index as its imm.
type CORESite struct {
	Insn  BlobOff
	Value uint32
}

// DataKind says which kind of section a global data map holds.
type DataKind uint8

const (
	NoData  DataKind = iota // not a global data map, or one that the kernel lets nobody map
	Data                    // .data, .data.*
	ROData                  // .rodata, .rodata.*
	BSS                     // .bss, .bss.*
	Kconfig                 // .kconfig
)

// Sizing says how a map's size depends on the machine that loads it.
type Sizing uint8

const (
	SizeFixed Sizing = iota
	// SizeCPUs means max_entries is the number of possible CPUs: a perf event
	// array that the source gives no size.
	SizeCPUs
	// SizePages means max_entries has to be a power of two times the page
	// size: ring buffers (libbpf's adjust_ringbuf_sz).
	SizePages
)

// MapSpec is one map of the object.
type MapSpec struct {
	NoCompare NoCompare

	// Name is the C variable's, or the section's for global data.
	Name string
	// Slot is where the loader leaves the map's fd.
	Slot Slot
	// Attr is where the BPF_MAP_CREATE attr is. The values below are copies of its fields.
	Attr       BlobOff
	AttrSize   uint32 // bytes: an attr is as long as the map needs
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32
	Extra      uint64

	Sizing Sizing
	// PinByName is set where the source says so: LIBBPF_PIN_BY_NAME, which is 1.
	PinByName bool
	// Outside is set for maps that the runtime creates before the loader
	// runs: local storage, because a failed creation inside a loader hangs the kernel, and
	// arenas, which want to be mapped before a program is loaded.
	Outside bool

	Kind DataKind
	// Data is where the initial value is, ValueSize bytes of it; 0 for BSS
	// and for maps that are not global data.
	Data BlobOff
	// DataSize is the size of the global variables that an arena begins with,
	// in bytes, at Data in the blob; 0 for other maps.
	DataSize uint32
	// Pinning is the number that the source gives, enum libbpf_pin_type. Those above 1 are
	// the user's own, and nothing is done about them.
	Pinning uint32
}

// InnerSpec describes the maps that a map of maps holds.
type InnerSpec struct {
	MapSpec
	NumaNode uint32
	// KeyTypeID and ValueTypeID are in the object's BTF, 0 if the map has none.
	KeyTypeID, ValueTypeID uint32
}

// ProgramSpec is one program of the object.
type ProgramSpec struct {
	NoCompare NoCompare

	Name    string // of the C function
	Section string
	Slot    Slot
	// Attr is where the BPF_PROG_LOAD attr is.
	Attr       BlobOff
	Type       uint32 // enum bpf_prog_type
	AttachType uint32 // enum bpf_attach_type
	Flags      uint32
	Insns      uint32 // instructions; the attr has 0 in insn_cnt if AutoLoad is not set
	// CORERelos is where the CO-RE records are, 0 if there are none.
	CORERelos BlobOff
	// OwnRelos is how many of them, the first, are left to the kernel when the loader resolves the
	// others.
	OwnRelos uint32
	// AutoLoad is false for programs that are loaded only when asked for.
	AutoLoad bool
	// AttachTo is the part of the section's name that says where to attach.
	AttachTo string
	// Target is an index into Spec.Targets, -1 for none.
	Target int32
}

// TargetSpec is a kernel function or type that programs attach to, looked up
// once for all of them.
type TargetSpec struct {
	NoCompare NoCompare

	Name   string
	Kind   uint8  // BTF_KIND_FUNC or BTF_KIND_TYPEDEF
	Module string // that the source names, "" if none
	Slot   Slot   // of the first of two words, see [Step.Result]
}

// ExternKind says how an extern is resolved.
type ExternKind uint8

const (
	Kfunc    ExternKind = iota + 1 // a kernel function with BTF
	KsymVar                        // a kernel variable with BTF
	KsymAddr                       // an address in kallsyms
)

// ExternSpec is a symbol that the kernel resolves.
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

// StepKind says what a step does.
type StepKind uint8

const (
	StepLoadBTF     StepKind = iota + 1 // BPF_BTF_LOAD
	StepCreateMap                       // BPF_MAP_CREATE
	StepCreateInner                     // BPF_MAP_CREATE of the template of map Index's inner maps
	StepFillMap                         // BPF_MAP_UPDATE_ELEM with the initial value of global data
	StepFreezeMap                       // BPF_MAP_FREEZE
	StepSetSlot                         // BPF_MAP_UPDATE_ELEM of one static entry of map Index
	StepFindTarget                      // bpf_btf_find_by_name_kind
	StepFindExtern                      // bpf_btf_find_by_name_kind or bpf_kallsyms_lookup_name
	StepLoadProgram                     // BPF_PROG_LOAD
)

// Step is one thing that the loader does. Steps do not branch: after a
// failure the loader goes on, and each later step that needs what failed
// fails too, without effect. The first failed step is the one to report.
type Step struct {
	NoCompare NoCompare

	Kind StepKind
	// Index is into Spec.Maps, Programs, Targets or Externs, as Kind says.
	Index int32
	// Entry is the key of a StepSetSlot.
	Entry uint32
	// Result is where the step leaves what it got: a fd or 0, or a negative
	// errno. Steps that find something leave 64 bits, aligned: the BTF ID in the low
	// half and the fd of a module's BTF in the high half, or a negative errno;
	// bpf_kallsyms_lookup_name leaves 0 or a negative errno.
	Result Slot
	// Attr is where the bpf_attr of the step is, 0 for those that find.
	Attr BlobOff
	// Start and End are the range of the loader's instructions that do this
	// step and nothing else: overwritten with no-ops, the rest works on.
	Start, End int32
}

// MappedSize returns how many bytes of global variables a map has that are
// mapped into the process.
func (m *MapSpec) MappedSize() uint32 {
	switch {
	case m.Type == sys.MapTypeArena:
		return m.DataSize
	case m.Kind != NoData && m.Flags&sys.FlagMmapable != 0:
		return m.ValueSize
	}
	return 0
}

// Files returns how many files a load opens at once, at most.
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

// HasInner reports whether the object has maps of maps, with a template of what they hold.
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

// Outside reports whether the runtime creates any map, or loads the BTF, before
// the loader runs.
func (s *Spec) Outside() bool {
	for i := range s.Maps {
		if s.Maps[i].Outside {
			return true
		}
	}
	return s.BTF.Outside
}

// BadRelo is the helper's number that the kernel, and the loader, put in the
// place of an instruction whose CO-RE relocation cannot be resolved
// (bpf_core_poison_insn): the verifier refuses it if it can be reached.
const BadRelo = 195896080

// BadMap, with the index of a map that was left out added, is the helper's number in the place of
// an instruction that refers to the map.
const BadMap = 2001000000
