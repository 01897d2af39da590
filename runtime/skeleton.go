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

// Skeleton is an object on its way into the kernel: opened, loaded, closed.
// The maps, programs and global data that it hands out belong to it and end
// with Close. One that is forgotten is closed by the garbage collector:
// keep a reference for as long as its global data is in use.
//
// Load and Close are safe for concurrent use; what is changed before Load is not.
type Skeleton struct {
	spec     *Spec
	features unsafe.Pointer // *load.Features: see load.Request
	maps     []Map
	programs []Program
	// areas are the memory of global data maps, in the order of the maps; of an arena only what its
	// variables are before the load.
	areas   []load.Area
	externs []Extern
	// signature is set when a signed package is loaded.
	signature *Signature

	// fitted is the load of an object with structs of operations, nil for others. It takes a
	// *LoadOptions, whose type would be in each binary.
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

// Open prepares an object for loading. Its global data can be changed, as can what
// [Map.SetMaxEntries] and [Program.SetAutoLoad] change, until Load. Open makes no system call but
// one mmap for each global data map.
//
// Generated packages have an Open with types, which is the one to use. This one is
// for objects that are known only at run time: package loader makes their Spec.
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

// Load opens an object and loads it as it is, which saves what Open does for
// changing it.
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

// ownFeatures returns the features for a change: they are those of all skeletons of the package
// until then.
func (s *Skeleton) ownFeatures() *load.Features {
	own := *(*load.Features)(s.features)
	s.features = unsafe.Pointer(&own)
	return &own
}

// closeWhenForgotten has the garbage collector close what is not closed by
// then. A typed map or program refers to an element of the slices, so each of
// these lives for as long as anything in it is in use, and goes on its own.
func (s *Skeleton) closeWhenForgotten() {
	if n := len(s.maps); n > 0 {
		runtime.SetFinalizer(&s.maps[0], func(m *Map) { closeMaps(unsafe.Slice(m, n)) })
	}
	if n := len(s.programs); n > 0 {
		runtime.SetFinalizer(&s.programs[0], func(p *Program) { closePrograms(unsafe.Slice(p, n)) })
	}
	if len(s.areas) > 0 {
		s.areas[0].Count = uint32(len(s.areas))
		// AddCleanup, being generic, is 3 KB more in each binary. And a finalizer of the skeleton
		// itself would keep all methods that fmt may call of all types that it refers to.
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

// area is the memory of the global data map of that index, nil for other maps.
func (s *Skeleton) area(i int) *load.Area {
	for j := range s.areas {
		if int(s.areas[j].Map) == i {
			return &s.areas[j]
		}
	}
	return nil
}

// Spec returns what the skeleton was made from, with what [ChangeMap] has changed about it.
func (s *Skeleton) Spec() *Spec { return s.spec }

// Map returns the map of that index in the Spec. It exists before the load too, without a file
// descriptor.
func (s *Skeleton) Map(i int) *Map { return &s.maps[i] }

// Program returns the program of that index in the Spec.
func (s *Skeleton) Program(i int) *Program { return &s.programs[i] }

// MapByName returns the map of that name in the source, or of a section for global data; nil if
// there is none.
func (s *Skeleton) MapByName(name string) *Map {
	for i := range s.maps {
		if s.spec.Maps[i].Name == name {
			return &s.maps[i]
		}
	}
	return nil
}

// ProgramByName returns the program whose C function has that name, nil if there is none.
func (s *Skeleton) ProgramByName(name string) *Program {
	for i := range s.programs {
		if s.spec.Programs[i].Name == name {
			return &s.programs[i]
		}
	}
	return nil
}

// Data returns the memory of the global data map of that index: its initial value between Open and
// Load, the kernel's own memory after Load, at the same address. That of a read-only section is
// mapped read-only then. Of an arena with global variables it is what the arena begins with, and
// Load moves it. It is nil for other maps, for maps of no size, and after Close. What accesses it
// concurrently with a BPF program has to be atomic.
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

// Close closes all maps and programs and unmaps global data: what has a pointer to it must not use
// it any more. A map or program that is in use by a method at this moment stays open until that
// method returns. What is attached or pinned stays so. Closing twice is fine.
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

// release gives back all that the skeleton holds.
func (s *Skeleton) release() {
	closeMaps(s.maps)
	closePrograms(s.programs)
	unmapAreas(s.areas)
}

// errNoSkeleton is for the zero value of a generated Skeleton.
var errNoSkeleton error = &noSkeletonError{}

type noSkeletonError struct{}

func (*noSkeletonError) Error() string { return "not a skeleton that Open or Load returned" }
func (*noSkeletonError) Unwrap() error { return os.ErrInvalid }

// ready reports why Load may not go on.
func (s *Skeleton) ready() error {
	switch s.state {
	case loadedState:
		return errors.New("is loaded already")
	case closed:
		return os.ErrClosed
	}
	return unix.Supported()
}
