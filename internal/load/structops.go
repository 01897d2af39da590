package load

import (
	"bytes"
	"cmp"
	"strconv"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// This file fits structs of operations to the kernel's, in a copy of the Spec. A load is unaware of
// it.

// Fitted is an object whose structs of operations have the kernel's layout. Close must be called
// once the object is loaded.
type Fitted struct {
	Spec *spec.Spec
	// Operations are in the order of spec.ReadStructOps.
	Operations []KernelOperation

	btf *kernelbtf.Kernel
}

// Close releases the kernel's BTF, which a load needs.
func (f *Fitted) Close() {
	if f.btf != nil {
		f.btf.Close()
		f.btf = nil
	}
}

// Operation is a struct of operations to be loaded.
type Operation struct {
	// Create is whether to create a map for it.
	Create bool
	// Data is the value, as large as the object's struct. Its pointers are ignored.
	Data []byte
	// Programs has the index in Spec.Programs of each member's program, -1 for none.
	Programs []int32
}

// KernelOperation is a struct of operations in the kernel's layout. Value is nil if it was not
// created.
type KernelOperation struct {
	// Value is the value for the map's update, with zeros for programs.
	Value []byte
	// Functions are the places for the programs' file descriptors.
	Functions []KernelFunction
}

// KernelFunction is a place in a value, of 8 bytes, for the file descriptor of a program.
type KernelFunction struct {
	Offset  uint32 // bytes
	Program int32  // index in Spec.Programs
}

// OperationsOf returns the structs of operations as the object has them.
func OperationsOf(s *spec.Spec, list []spec.StructOps) []Operation {
	values := make([]Operation, len(list))
	for i := range list {
		ops, v := &list[i], &values[i]
		v.Create = ops.AutoCreate && !LeftOut(s, int(ops.Map))
		v.Data = []byte(s.Blob[ops.Data:][:s.Maps[ops.Map].ValueSize])
		v.Programs = make([]int32, len(ops.Members))
		for j := range ops.Members {
			v.Programs[j] = ops.Members[j].Program
		}
	}
	return values
}

// FitOperations fits structs of operations to the kernel's. It writes the IDs of the kernel's
// structs into the attrs of maps and programs, and makes the values of the maps (libbpf's
// bpf_object__init_kern_struct_ops_maps). wanted has for each program whether it is to be loaded,
// as set by [Wants].
func FitOperations(s *spec.Spec, list []spec.StructOps, values []Operation, wanted []bool) (*Fitted, *spec.Failure) {
	f := &Fitted{Operations: make([]KernelOperation, len(list))}
	c := Change(s)
	member := make([]int32, len(s.Programs)) // 1 plus the index in list of each program's struct; 0 for none
	for i := range list {
		if !values[i].Create {
			continue
		}
		m := matcher{fitted: f, changer: c, source: s, list: list, index: i, ops: &list[i], value: &values[i], to: &f.Operations[i], member: member}
		if errno := m.match(); errno != 0 {
			f.Close()
			return nil, m.failure(spec.StepCreateMap, list[i].Map, errno)
		}
	}
	for p := range s.Programs {
		if s.Programs[p].Type != sys.ProgTypeStructOps || member[p] != 0 || !wanted[p] {
			continue
		}
		m := matcher{source: s, reason: "it is not a member of any struct_ops that is created"}
		m.hint = "make it a member before Load, disable it with SetAutoLoad(false), or put a '?' before its section's name"
		f.Close()
		return nil, m.failure(spec.StepLoadProgram, int32(p), sys.ENOTSUPP) // as the kernel says (check_struct_ops_btf_id)
	}
	for i := range list {
		if !values[i].Create && !LeftOut(s, int(list[i].Map)) {
			c.LeaveOut(int(list[i].Map))
		}
	}
	f.Spec = c.Spec()
	return f, nil
}

// Wants sets in wanted which programs the structs of operations need: programs that are members of
// a created struct are loaded, and programs that are members only of others are not (libbpf's
// bpf_object_adjust_struct_ops_autoload). For all other programs wanted stays unchanged.
func Wants(list []spec.StructOps, values []Operation, wanted []bool) {
	each := func(want bool, programs func(i, j int) int32) {
		for i := range list {
			for j := range list[i].Members {
				if p := programs(i, j); p >= 0 && (!want || values[i].Create) {
					wanted[p] = want
				}
			}
		}
	}
	now := func(i, j int) int32 { return values[i].Programs[j] }
	each(false, func(i, j int) int32 { return list[i].Members[j].Program })
	each(false, now)
	each(true, now)
}

// matcher fits one struct of operations to the kernel's.
type matcher struct {
	fitted  *Fitted
	changer *Changer
	source  *spec.Spec
	list    []spec.StructOps
	index   int             // index of ops in list
	ops     *spec.StructOps // the struct to fit
	value   *Operation
	to      *KernelOperation
	member  []int32
	kernel  *kernelbtf.Operations

	reason, hint string
}

// failure returns the failure of a step that could not be carried out.
func (m *matcher) failure(kind spec.StepKind, index int32, errno unix.Errno) *spec.Failure {
	f := &spec.Failure{Spec: m.source, Op: spec.OpStep, Err: errno, Errno: errno, Reason: m.reason, Hint: m.hint}
	for i := range m.source.Steps {
		if step := &m.source.Steps[i]; step.Kind == kind && step.Index == index {
			f.Step = i
		}
	}
	return f
}

func (m *matcher) match() unix.Errno {
	f := m.fitted
	if f.btf == nil {
		btf, err := kernelbtf.ReadKernel()
		if err != nil {
			m.reason = "the kernel's BTF, which says what its struct " + m.ops.Type + " is like: " + err.Error()
			m.hint = "use a kernel built with CONFIG_DEBUG_INFO_BTF=y, with /sys mounted"
			return cmp.Or(sys.ErrnoOf(err), unix.EINVAL)
		}
		f.btf = btf
	}
	var err error
	if m.kernel, err = f.btf.Operations(m.ops.Type); err != nil {
		return m.missing(err)
	}
	set := func(field uintptr, n uint32) { m.changer.setWord(m.source.Maps[m.ops.Map].Attr+spec.BlobOff(field), n) }
	var attr sys.MapCreateAttr
	set(unsafe.Offsetof(attr.ValueSize), m.kernel.ValueSize)
	set(unsafe.Offsetof(attr.BtfVmlinuxValueTypeId), m.kernel.Value)
	if m.kernel.FD > 0 {
		set(unsafe.Offsetof(attr.MapFlags), m.source.Maps[m.ops.Map].Flags|sys.FlagVtypeBtfObjFd)
		set(unsafe.Offsetof(attr.ValueTypeBtfObjFd), uint32(m.kernel.FD))
	}
	m.to.Value = make([]byte, m.kernel.ValueSize)
	for i := range m.ops.Members {
		if errno := m.fit(i); errno != 0 {
			return errno
		}
	}
	return 0
}

// missing sets the reason for a struct that was not found, and returns the errno.
func (m *matcher) missing(err error) unix.Errno {
	if sys.ErrnoOf(err) != unix.ENOENT {
		m.reason = "the kernel's modules may have struct " + m.ops.Type + ": " + err.Error()
		if sys.ErrnoOf(err) == unix.EPERM {
			m.hint = "struct_ops in modules require CAP_SYS_ADMIN"
		}
		return cmp.Or(sys.ErrnoOf(err), unix.EINVAL)
	}
	m.reason = "this kernel has no struct " + m.ops.Type + " whose functions BPF programs can be: neither vmlinux nor a module that is loaded has struct bpf_struct_ops_" + m.ops.Type + " in its BTF"
	m.hint = "load the module that has it, use a newer kernel, or call SetAutoCreate(false)"
	return unix.ENOENT
}

// fit copies one member.
func (m *matcher) fit(i int) unix.Errno {
	member, program := &m.ops.Members[i], m.value.Programs[i]
	data := m.value.Data[member.Offset:][:member.Size]
	isPointer := member.Kind == sys.BtfKindPtr
	name := "struct " + m.ops.Type + " member " + member.Name

	in, ok := m.kernel.Member(m.kernel.Type, member.Name)
	if !ok {
		switch {
		case isPointer && program >= 0:
			m.reason = "this kernel's struct " + m.ops.Type + " has no member " + member.Name + ", which is program " + m.source.Programs[program].Name
		case !isPointer && !isZero(data):
			m.reason = "this kernel's struct " + m.ops.Type + " has no member " + member.Name + ", which is not zero"
		default:
			return 0
		}
		m.hint = "set the member to its zero value before Load, for kernels that lack it"
		return unix.EOPNOTSUPP
	}
	if member.Bits || in.Bits {
		m.reason = name + " is a bit-field"
		m.hint = "remove it from the struct in the source"
		return unix.EOPNOTSUPP
	}
	if kind := kindOfMember(m.kernel.Kind(in.Type)); kind != member.Kind {
		m.reason = name + " is of another kind in this kernel"
		m.hint = "declare the struct in the source as in this kernel, or as a flavor of it"
		return unix.EOPNOTSUPP
	}
	at := m.kernel.Data + in.Offset
	if isPointer {
		if program < 0 {
			return 0
		}
		if !m.kernel.IsFunctionPointer(in.Type) || uint64(at)+8 > uint64(len(m.to.Value)) {
			m.reason = name + " is not a function in this kernel"
			m.hint = "remove it from the struct in the source"
			return unix.EOPNOTSUPP
		}
		m.to.Functions = append(m.to.Functions, KernelFunction{at, program})
		return m.setProgram(program, in.Index, name)
	}
	if size := m.kernel.Size(in.Type); size != member.Size || uint64(at)+uint64(size) > uint64(len(m.to.Value)) {
		m.reason = name + " has " + strconv.Itoa(int(member.Size)) + " bytes, but " + strconv.Itoa(int(size)) + " in this kernel"
		m.hint = "declare it in the source as in this kernel"
		return unix.EOPNOTSUPP
	}
	copy(m.to.Value[at:], data)
	return 0
}

// setProgram sets the struct and member that a program is loaded for. A program in several structs
// must be the same member in all of them.
func (m *matcher) setProgram(program int32, member uint32, name string) unix.Errno {
	p := &m.source.Programs[program]
	if p.Type != sys.ProgTypeStructOps {
		m.reason = name + ": program " + p.Name + " is in section " + p.Section + ", not in struct_ops"
		return unix.EINVAL
	}
	var attr sys.ProgLoadAttr
	at := func(field uintptr) spec.BlobOff { return p.Attr + spec.BlobOff(field) }
	id, index := at(unsafe.Offsetof(attr.AttachBtfId)), at(unsafe.Offsetof(attr.ExpectedAttachType))
	if m.member[program] != 0 && (m.changer.word(id) != m.kernel.Type || m.changer.word(index) != member) {
		other := m.list[m.member[program]-1]
		m.reason = name + ": program " + p.Name + " is already another member of struct " + other.Type + ", of " + m.source.Maps[other.Map].Name
		m.hint = "a program can be in several structs only as the same member of the same struct: make it two programs"
		return unix.EINVAL
	}
	m.member[program] = int32(m.index) + 1
	m.changer.setWord(id, m.kernel.Type)
	m.changer.setWord(index, member)
	m.changer.setWord(at(unsafe.Offsetof(attr.AttachBtfObjFd)), uint32(m.kernel.FD))
	return 0
}

// kindOfMember returns the kind of a member, with one kind for all enums.
func kindOfMember(kind uint8) uint8 {
	if kind == sys.BtfKindEnum64 {
		return sys.BtfKindEnum
	}
	return kind
}

func isZero(data []byte) bool { return len(bytes.TrimLeft(data, "\x00")) == 0 }
