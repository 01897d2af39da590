package runtime

import (
	"errors"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// IncompatibleMapError reports that an existing map cannot take the place of one of the object's:
// it names the field that differs, and both values. It is in the chain of the error that [ReuseMap]
// or Load returns.
type IncompatibleMapError = load.IncompatibleMapError

// ReuseMap makes Load use an existing map instead of creating one, like libbpf's bpf_map__reuse_fd
// and cilium/ebpf's MapReplacements. Call it between Open and Load:
//
//	err := runtime.ReuseMap(s.Core(), s.Maps.Counts, other.Maps.Counts)
//
// The existing map can belong to another skeleton, once that is loaded, or come from
// [OpenPinnedMap], [OpenMapID], [MapFromFD] or [CreateMap]. It may be closed immediately
// afterwards. If ReuseMap is called more than once for a map, the last call counts.
//
// The existing map must be of the same kind and have keys and values of the same size, or the error
// is an [IncompatibleMapError]. Its number of entries and its flags may differ; the skeleton's map
// reports them from then on. Its contents are kept, with one exception: programs that the source
// puts into a program array are stored again, since they are new programs. Global data can be
// shared too, for example by reusing the map of section .bss. If variables of such a section were
// given initial values, which would be lost, Load returns an error.
//
// Arenas and struct_ops maps cannot be reused. Packages that can be signed fail with [ErrSigned].
//
// ReuseMap is a function rather than a method so that only programs that use it contain the code.
// It must not be called while the skeleton is in use elsewhere.
func ReuseMap(s *Skeleton, m, existing AnyMap) error {
	of, by := mapIn(m), mapIn(existing)
	switch {
	case s == nil || s.spec == nil:
		return errNoSkeleton
	case of == nil || by == nil:
		return newMapError("", "reuse existing map", errNoMap)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reuse(of, by); err != nil {
		return newMapError(of.Name(), "reuse existing map", err)
	}
	return nil
}

func (s *Skeleton) reuse(m, existing *Map) error {
	i, err := s.changeable(m)
	if err != nil {
		return err
	}
	if load.LeftOut(s.spec, i) {
		return errors.New("ChangeMap has left the map out")
	}
	if s.spec.Maps[i].Kind == spec.Kconfig {
		return errors.New("__kconfig variables get their values from the load: set fields of Kconfig, or LoadOptions.Kconfig")
	}
	num, err := existing.file().dup()
	if err != nil {
		return existing.wrap("duplicate fd", err)
	}
	info, err := s.fitting(i, num)
	if err != nil {
		unix.Close(num)
		return err
	}
	a := m.takeInfo(&s.spec.Maps[i], &info)
	a.existing.close()
	a.existing = fd{}
	a.existing.set(num)
	var all []load.Existing
	for i := range s.maps {
		if a := s.maps[i].access(); a != nil && a.existing.peek() > 0 {
			all = append(all, load.Existing{Map: int32(i), FD: a.existing.peek()})
		}
	}
	load.AddExisting(s.ownFeatures(), all)
	return nil
}

// takeInfo replaces m's description with that of an existing map, which may differ from the
// object's.
func (m *Map) takeInfo(object *MapSpec, info *sys.MapInfo) *access {
	a := m.own()
	is := *object
	is.Type, is.MaxEntries, is.Flags, is.Extra = info.Type, info.MaxEntries, info.MapFlags, info.MapExtra
	slot := a.desc.Slot
	a.spec, a.desc, a.maxEntries = &is, is, info.MaxEntries
	a.desc.Slot = slot
	return a
}

// fitting returns the kernel's information about an existing map that is to replace map i of the
// skeleton.
func (s *Skeleton) fitting(i, num int) (info sys.MapInfo, err error) {
	info, errno := sys.MapInfoOf(num)
	if errno != 0 {
		return info, errno
	}
	if err := load.Reusable(info.Type); err != nil {
		return info, err
	}
	return info, load.Compatible(s.spec, i, &info)
}

// changeable returns the index of a map that can still be changed before the load.
func (s *Skeleton) changeable(m *Map) (int, error) {
	i := -1
	for j := range s.maps {
		if &s.maps[j] == m {
			i = j
		}
	}
	if i < 0 {
		return i, errors.New("the map belongs to another skeleton")
	}
	if err := s.ready(); err != nil {
		return i, err
	}
	if s.spec.Signed != nil {
		return i, ErrSigned
	}
	return i, nil
}

// MapFromFD opens the map that a file descriptor refers to, such as one received from another
// process. The caller keeps ownership of the file descriptor. Use [TypedMap] to give the map the
// types of its keys and values.
func MapFromFD(num int) (*Map, error) {
	const op = "open by file descriptor"
	dup, err := sys.Dup(num)
	if err != nil {
		return nil, newMapError("", op, err)
	}
	if !sys.IsMap(dup) {
		unix.Close(dup)
		return nil, newMapError("", op, errors.New("not a map"))
	}
	m, errno := describeMap(dup)
	if errno != 0 {
		return nil, newMapError("", op, errno)
	}
	return m.closedWhenForgotten(), nil
}
