package runtime

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Skeleton is a BPF object that has been opened, and can be loaded and closed. The maps, programs
// and global data that it hands out belong to it and become invalid after Close. The garbage
// collector closes a Skeleton that is no longer reachable, so keep a reference for as long as its
// global data is in use.
//
// Load and Close are safe for concurrent use. Changing the Skeleton before Load is not.
type Skeleton struct {
	spec     *Spec
	features unsafe.Pointer // *load.Features: see load.Request
	maps     []Map
	programs []Program
	// areas holds the memory of global data maps, in the order of the maps. For an arena it holds
	// only the initial values of its variables, until the load.
	areas   []load.Area
	externs []Extern
	// signature is nil unless a signed package was loaded.
	signature *Signature

	// fitted loads an object with struct_ops maps; it is nil for other objects. It takes a
	// *LoadOptions as an unsafe.Pointer, because the type would otherwise be in every binary.
	fitted func(opts unsafe.Pointer) error

	mu          sync.Mutex
	state       state
	interpreted bool
}

type state uint8

const (
	opened state = iota
	loadedState
	closed
)

// Open prepares an object for loading. Until Load, its global data can be changed, and so can
// whatever [Map.SetMaxEntries] and [Program.SetAutoLoad] change. Open makes no system calls except
// one mmap for each global data map.
//
// Prefer the typed Open of a generated package. This function is for objects that are known only at
// run time: package loader makes their Spec.
func Open(spec *Spec) (*Skeleton, error) {
	s, err := OpenGenerated(spec, load.AllFeatures())
	if err == nil && spec.Kconfig != "" {
		OpenKconfig(s)
	}
	if err == nil && spec.StructOps != 0 {
		StructOpsOf(s)
	}
	return s, err
}

// Load opens an object and loads it unchanged, without the work that Open does to make changes
// possible.
func Load(spec *Spec, opts *LoadOptions) (*Skeleton, error) {
	if spec.StructOps == 0 {
		return LoadGenerated(spec, load.AllFeatures(), opts)
	}
	s, err := Open(spec)
	if err != nil {
		return nil, err
	}
	if err := s.Load(opts); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newSkeleton(spec *Spec, features *load.Features) *Skeleton {
	s := &Skeleton{
		spec:     spec,
		features: unsafe.Pointer(features),
		maps:     make([]Map, len(spec.Maps)),
		programs: make([]Program, len(spec.Programs)),
	}
	for i := range s.maps {
		m := &spec.Maps[i]
		s.maps[i].desc = unsafe.Pointer(m)
		if m.MappedSize() > 0 {
			s.areas = append(s.areas, load.AreaOf(i, m))
		}
	}
	for i := range s.programs {
		p := &s.programs[i]
		p.spec = &spec.Programs[i]
		p.want(p.spec.AutoLoad)
	}
	s.closeWhenForgotten()
	return s
}

// ownFeatures returns a private copy of the features to change. Until then, all skeletons of a
// package share one set.
func (s *Skeleton) ownFeatures() *load.Features {
	own := *(*load.Features)(s.features)
	s.features = unsafe.Pointer(&own)
	return &own
}

// closeWhenForgotten makes the garbage collector close whatever has not been closed explicitly. A
// typed map or program points to an element of a slice, so each slice lives as long as any of its
// elements is in use, independently of the others.
func (s *Skeleton) closeWhenForgotten() {
	if n := len(s.maps); n > 0 {
		runtime.SetFinalizer(&s.maps[0], func(m *Map) { closeMaps(unsafe.Slice(m, n)) })
	}
	if n := len(s.programs); n > 0 {
		runtime.SetFinalizer(&s.programs[0], func(p *Program) { closePrograms(unsafe.Slice(p, n)) })
	}
	if len(s.areas) > 0 {
		s.areas[0].Count = uint32(len(s.areas))
		// AddCleanup is generic and adds 3 KB to each binary. A finalizer on the skeleton itself
		// would retain every method that fmt may call on every type reachable from it.
		runtime.SetFinalizer(&s.areas[0], func(a *load.Area) { unmapAreas(a.First()) })
	}
}

func closeMaps(maps []Map) {
	for i := range maps {
		maps[i].fd.close()
		maps[i].unmapArena()
		if a := maps[i].access(); a != nil {
			a.btf.close()
			a.existing.close()
		}
	}
}

func closePrograms(programs []Program) {
	for i := range programs {
		programs[i].fd.close()
	}
}

func unmapAreas(areas []load.Area) {
	for i := range areas {
		areas[i].Unmap()
	}
}

// area returns the memory of global data map i, or nil for other maps.
func (s *Skeleton) area(i int) *load.Area {
	for j := range s.areas {
		if int(s.areas[j].Map) == i {
			return &s.areas[j]
		}
	}
	return nil
}

// Spec returns the description that the skeleton was made from, including changes by [ChangeMap].
func (s *Skeleton) Spec() *Spec { return s.spec }

// Map returns the map with index i in the Spec. The Map exists before the load too, but has no file
// descriptor yet.
func (s *Skeleton) Map(i int) *Map { return &s.maps[i] }

// Program returns the program with index i in the Spec.
func (s *Skeleton) Program(i int) *Program { return &s.programs[i] }

// MapByName returns the map with the given name, or nil if there is none. The name is the one in
// the source, or the section's name for global data.
func (s *Skeleton) MapByName(name string) *Map {
	for i := range s.maps {
		if s.spec.Maps[i].Name == name {
			return &s.maps[i]
		}
	}
	return nil
}

// ProgramByName returns the program whose C function has the given name, or nil if there is none.
func (s *Skeleton) ProgramByName(name string) *Program {
	for i := range s.programs {
		if s.spec.Programs[i].Name == name {
			return &s.programs[i]
		}
	}
	return nil
}

// Data returns the memory of the global data map with index i. Between Open and Load it holds the
// initial value; after Load it is the kernel's own memory, at the same address. The memory of a
// read-only section is then mapped read-only. For an arena with global variables, Data returns the
// start of the arena, and Load moves it. Data returns nil for other maps, for maps of size zero,
// and after Close. Accesses that are concurrent with a BPF program must be atomic.
func (s *Skeleton) Data(i int) unsafe.Pointer {
	a := s.area(i)
	if a == nil {
		return nil
	}
	if arena := s.maps[i].arena(); arena != nil {
		return arena.P
	}
	return a.P
}

// Close closes all maps and programs and unmaps global data: pointers to it must not be used any
// more. A map or program that a method is using at that moment stays open until the method returns.
// Attachments and pins stay. Closing twice is fine.
func (s *Skeleton) Close() error {
	if s == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
	return nil
}

func (s *Skeleton) close() {
	s.state = closed
	s.release()
}

// release closes and unmaps everything the skeleton holds.
func (s *Skeleton) release() {
	closeMaps(s.maps)
	closePrograms(s.programs)
	unmapAreas(s.areas)
}

// errNoSkeleton reports use of a nil or zero generated Skeleton.
var errNoSkeleton error = &noSkeletonError{}

type noSkeletonError struct{}

func (*noSkeletonError) Error() string {
	return "the skeleton is nil or a zero value: call Open or Load"
}
func (*noSkeletonError) Unwrap() error { return os.ErrInvalid }

// ready returns the reason why the skeleton cannot be loaded or changed, if there is one.
func (s *Skeleton) ready() error {
	switch s.state {
	case loadedState:
		return errors.New("already loaded")
	case closed:
		return os.ErrClosed
	}
	return unix.Supported()
}
