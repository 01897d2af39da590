package runtime

import (
	"fmt"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// StructOps are the struct_ops maps of an object: structs of functions, such as struct
// tcp_congestion_ops. Generated packages have a typed struct for each. StructOps is for objects
// that are known only at run time.
type StructOps struct {
	skeleton *Skeleton
	err      error // the object's description of them is corrupt
	list     []spec.StructOps
	values   []load.Operation
	typed    []typedOperation
	// loaded is the result of loading list, or nil before. It is set before the maps have file
	// descriptors.
	loaded atomic.Pointer[[]load.KernelOperation]
}

// typedOperation is the Go struct that generated code has for a map. at is nil if there is none.
type typedOperation struct {
	at     unsafe.Pointer
	fields []uintptr // offset of each member
}

// NoField is the offset that generated code gives for a member without a Go field.
const NoField = ^uintptr(0)

// StructOpsOf returns the struct_ops maps of a skeleton. Call it once, before Load, which then
// loads the maps as the returned StructOps describes them. Without the call they are loaded as they
// are in the object, and cannot be attached.
func StructOpsOf(s *Skeleton) *StructOps {
	o := &StructOps{skeleton: s}
	if o.list, o.err = spec.ReadStructOps(s.spec); o.err == nil {
		o.values = load.OperationsOf(s.spec, o.list)
		o.typed = make([]typedOperation, len(o.list))
	}
	s.fitted = o.load
	return o
}

// Maps returns all struct_ops maps.
func (o *StructOps) Maps() []*StructOpsMap {
	maps := make([]*StructOpsMap, len(o.list))
	for i := range maps {
		maps[i] = &StructOpsMap{o.skeleton.Map(int(o.list[i].Map)), o, i}
	}
	return maps
}

// Map returns the struct_ops map with the given index in the Spec. If that map has another type,
// the result has no functions and cannot be attached.
func (o *StructOps) Map(index int) *StructOpsMap {
	for _, m := range o.Maps() {
		if int(m.describe().Map) == index {
			return m
		}
	}
	return &StructOpsMap{Map: o.skeleton.Map(index)}
}

// Bind connects m to a Go struct at the given address, whose fields for m's members have the given
// offsets. A field for a function is a StructOpsProgram. Bind initializes the fields from the
// object. It is for generated code.
func (o *StructOps) Bind(m *StructOpsMap, at unsafe.Pointer, fields []uintptr) {
	if m.ops == nil {
		return
	}
	o.typed[m.index] = typedOperation{at, fields}
	members, value := m.describe().Members, &o.values[m.index]
	for i, field := range fields[:min(len(fields), len(members))] {
		if field == NoField {
			continue
		}
		if members[i].IsPointer() {
			if p := value.Programs[i]; p >= 0 {
				*(*StructOpsProgram)(unsafe.Add(at, field)) = StructOpsProgram{o.skeleton.Program(int(p))}
			}
			continue
		}
		copy(unsafe.Slice((*byte)(unsafe.Add(at, field)), members[i].Size), value.Data[members[i].Offset:])
	}
}

// collect copies the contents of generated code's structs.
func (o *StructOps) collect() error {
	for i := range o.list {
		typed, value := o.typed[i], &o.values[i]
		members := o.list[i].Members
		for j, field := range typed.fields[:min(len(typed.fields), len(members))] {
			if field == NoField {
				continue
			}
			if !members[j].IsPointer() {
				copy(value.Data[members[j].Offset:][:members[j].Size], unsafe.Slice((*byte)(unsafe.Add(typed.at, field)), members[j].Size))
				continue
			}
			p, err := o.indexOf((*(*StructOpsProgram)(unsafe.Add(typed.at, field))).Program)
			if err != nil {
				return fmt.Errorf("load %s: struct %s %s member %s: %w",
					o.skeleton.spec.Name, o.list[i].Type, o.skeleton.maps[o.list[i].Map].Name(), members[j].Name, err)
			}
			value.Programs[j] = p
		}
	}
	return nil
}

// indexOf returns the index of a program in the Spec, or -1 for nil.
func (o *StructOps) indexOf(p *Program) (int32, error) {
	if p == nil {
		return -1, nil
	}
	for i := range o.skeleton.programs {
		if &o.skeleton.programs[i] == p {
			return int32(i), nil
		}
	}
	return -1, &sentinelError{text: "the program belongs to another skeleton", errno: unix.EINVAL}
}

// load loads the skeleton, whose lock is held. Meanwhile its Spec is one adapted to this kernel's
// structs.
func (o *StructOps) load(opts unsafe.Pointer) error {
	s := o.skeleton
	if err := s.ready(); err != nil {
		return fmt.Errorf("load %s: %w", s.spec.Name, err)
	}
	if o.err != nil {
		return fmt.Errorf("load %s: %w", s.spec.Name, o.err)
	}
	if err := o.collect(); err != nil {
		return err
	}
	values := slices.Clone(o.values)
	for i := range values {
		values[i].Create = values[i].Create && !load.LeftOut(s.spec, int(o.list[i].Map))
	}
	before := make([]bool, len(s.programs))
	for i := range s.programs {
		before[i] = s.programs[i].wanted()
	}
	wanted := slices.Clone(before)
	load.Wants(o.list, values, wanted)
	fitted, failure := load.FitOperations(s.spec, o.list, values, wanted)
	if failure != nil {
		return newLoadError(failure)
	}
	defer fitted.Close()
	object := s.spec
	s.fitted, s.spec = nil, fitted.Spec
	o.want(wanted)
	o.loaded.Store(&fitted.Operations)
	err := s.load((*LoadOptions)(opts))
	s.fitted, s.spec = o.load, object
	if err != nil {
		o.loaded.Store(nil)
		o.want(before)
	}
	return err
}

// want sets which programs are loaded.
func (o *StructOps) want(wanted []bool) {
	for i := range o.skeleton.programs {
		o.skeleton.programs[i].want(wanted[i])
	}
}

// StructOpsAttachment is a struct_ops map, and the variable that holds its link.
type StructOpsAttachment struct {
	Map  *StructOpsMap
	Link **Link
}

// AttachStructOps is [AttachSections] for objects with struct_ops maps: it also attaches all
// struct_ops maps that were created. The returned names include struct_ops maps that were not
// created, but not the programs of those that were.
func AttachStructOps(s *Skeleton, list []Attachment, maps []StructOpsAttachment) (left []string, err error) {
	if s == nil || s.spec == nil {
		return nil, errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := attachSections(s, list)
	if err != nil {
		return nil, closeAll(list, maps, err)
	}
	for _, name := range all {
		if p := s.ProgramByName(name); p.spec.Type != sys.ProgTypeStructOps || p.FD() < 0 {
			left = append(left, name)
		}
	}
	for _, a := range maps {
		switch {
		case a.Map.FD() < 0:
			left = append(left, a.Map.Name())
			continue
		case *a.Link != nil:
			continue
		}
		if *a.Link, err = a.Map.Attach(); err != nil {
			return nil, closeAll(list, maps, err)
		}
	}
	return left, nil
}

// closeAll closes all links and returns err.
func closeAll(list []Attachment, maps []StructOpsAttachment, err error) error {
	for _, a := range list {
		closeLinks([]**Link{a.Link})
	}
	for _, a := range maps {
		closeLinks([]**Link{a.Link})
	}
	return err
}
