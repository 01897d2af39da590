package runtime

import (
	"errors"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// MapChange is what [ChangeMap] can change about a map: as it is now, for the caller to write to.
type MapChange struct {
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32 // map_flags
	// Inner is what a map of maps holds; nil for other maps, and where the object does not say it.
	Inner *InnerChange
	// LeaveOut leaves the map out: it is not created, and other maps do not hold it. A program that
	// can reach an instruction that uses it does not load, and the error has the map's name; one
	// that the verifier sees cannot, because of a constant in .rodata say, does. What is left out
	// stays so.
	LeaveOut bool
}

// InnerChange describes the maps that a map of maps holds.
type InnerChange struct {
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32 // map_flags
}

// ChangeMap changes a map between Open and Load. The function gets the map as it is, and writes to
// what shall be different:
//
//	err := runtime.ChangeMap(s.Core(), s.Maps.Flows, func(m *runtime.MapChange) {
//		m.Type = unix.BPF_MAP_TYPE_LRU_HASH
//	})
//
// Only what is always there is checked here; whether the kernel takes such a map is for Load to
// say. These are errors:
//
//   - a map that is loaded, or closed, or of another skeleton;
//   - a package that can be signed: [ErrSigned];
//   - sizes of keys and values, and types, that do not go with the Go type that the map has: a
//     [HashMap] is for hashes and LRU hashes only;
//   - changes of global data, which cannot be left out either, and of what is created before the
//     loader runs, arenas and local storage, to or from another type.
//
// Keys and values of another size have no types in BTF, so there are no locks or timers in them.
//
// If the object does not say what a map of maps holds, and the function sets Inner, then ChangeMap
// creates a map for the kernel to look at, which is open for as long as the skeleton is.
//
// It is a function, and not a method, so that the code is only in programs that use it. It must not
// be called while the map, or the skeleton, is in use elsewhere.
func ChangeMap(s *Skeleton, m AnyMap, change func(*MapChange)) error {
	if s == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := m.untyped()
	i, err := s.changeable(of)
	if err != nil {
		return of.cannotChange(err)
	}
	if a := of.access(); a != nil && a.existing.peek() > 0 {
		return of.cannotChange(errors.New("it is to be a map that exists already"))
	}
	c := mapChange{skeleton: s, m: of, i: i, typed: of.isTyped()}
	if _, plain := m.(*Map); !plain {
		c.typed = true
	}
	if err := c.make(change); err != nil {
		return of.cannotChange(err)
	}
	return nil
}

func (m *Map) cannotChange(err error) error { return newMapError(m.Name(), "change", err) }

// mapChange is a change under way.
type mapChange struct {
	skeleton *Skeleton
	m        *Map
	i        int
	typed    bool // Go types stand for its keys and values

	old, now  MapChange
	hasInner  bool // the object says what it holds
	changer   *load.Changer
	innerSpec *spec.InnerSpec
}

func (c *mapChange) make(change func(*MapChange)) error {
	c.describe()
	change(&c.now)
	if c.old.LeaveOut {
		return errors.New("it is left out already")
	}
	if err := c.check(); err != nil {
		return err
	}
	c.changer = load.Change(c.skeleton.spec)
	template := -1
	if c.now.LeaveOut {
		c.changer.LeaveOut(c.i)
	} else {
		n := &c.now
		c.changer.SetMap(c.i, load.MapFields{Type: n.Type, KeySize: n.KeySize, ValueSize: n.ValueSize, Flags: n.Flags})
		if n.Inner != nil {
			var err error
			if template, err = c.setInner(); err != nil {
				return err
			}
		}
	}
	c.take(template)
	return nil
}

// describe says how the map is now.
func (c *mapChange) describe() {
	d := &c.skeleton.spec.Maps[c.i]
	c.old = MapChange{
		Type: d.Type, KeySize: d.KeySize, ValueSize: d.ValueSize, MaxEntries: c.m.MaxEntries(), Flags: d.Flags,
		LeaveOut: load.LeftOut(c.skeleton.spec, c.i),
	}
	fields, ok := load.Template(c.skeleton.spec, c.i)
	if c.hasInner = ok; !ok {
		if a := c.m.access(); a != nil && a.inner != nil { // by an earlier change
			fields = load.MapFields{Type: a.inner.Type, KeySize: a.inner.KeySize, ValueSize: a.inner.ValueSize, MaxEntries: a.inner.MaxEntries, Flags: a.inner.Flags}
			ok = true
		}
	}
	c.now = c.old
	if ok {
		inner := InnerChange(fields)
		c.now.Inner = &inner
		same := inner
		c.old.Inner = &same
	}
}

// check refuses what cannot be.
func (c *mapChange) check() error {
	d, old, now := &c.skeleton.spec.Maps[c.i], &c.old, &c.now
	if d.Kind != spec.NoData || d.Data != 0 && d.DataSize == 0 {
		return errors.New("it holds global variables: only the values of these can be changed")
	}
	if now.LeaveOut {
		if d.MappedSize() > 0 {
			return errors.New("it holds global variables, and cannot be left out")
		}
		return nil
	}
	if now.Type != old.Type && (isOutside(now.Type) || isOutside(old.Type)) {
		return fmt.Errorf("maps of type %s are created in another way than those of type %s: set the type in the source", sys.MapTypeName(old.Type), sys.MapTypeName(now.Type))
	}
	if c.typed {
		if err := goTypeFits("keys", old.KeySize, now.KeySize); err != nil {
			return err
		}
		if err := goTypeFits("values", old.ValueSize, now.ValueSize); err != nil {
			return err
		}
		if !load.SameKind(now.Type, old.Type) {
			return &sentinelError{text: fmt.Sprintf("its Go type is for maps of type %s, not of type %s: set the type in the source", sys.MapTypeName(old.Type), sys.MapTypeName(now.Type)), errno: unix.EINVAL}
		}
	}
	if now.Inner == nil {
		if old.Inner != nil {
			return errors.New("a map of maps needs to have Inner")
		}
		return nil
	}
	if now.Type != sys.MapTypeArrayOfMaps && now.Type != sys.MapTypeHashOfMaps {
		return errors.New("only a map of maps can have Inner")
	}
	if c.typed && old.Inner != nil {
		if err := goTypeFits("its inner maps' keys", old.Inner.KeySize, now.Inner.KeySize); err != nil {
			return err
		}
		if err := goTypeFits("its inner maps' values", old.Inner.ValueSize, now.Inner.ValueSize); err != nil {
			return err
		}
		if !load.SameKind(now.Inner.Type, old.Inner.Type) {
			return &sentinelError{text: fmt.Sprintf("the Go type of its inner maps is for type %s, not for type %s: set the type in the source", sys.MapTypeName(old.Inner.Type), sys.MapTypeName(now.Inner.Type)), errno: unix.EINVAL}
		}
	}
	return nil
}

func goTypeFits(what string, old, now uint32) error {
	if old == now {
		return nil
	}
	return &sentinelError{text: fmt.Sprintf("the Go type for %s has %d bytes, not %d: set the size in the source", what, old, now), errno: unix.EINVAL}
}

// isOutside reports whether maps of that type are created before the loader runs.
func isOutside(mapType uint32) bool {
	switch mapType {
	case sys.MapTypeSKStorage, sys.MapTypeInodeStorage, sys.MapTypeTaskStorage, sys.MapTypeCgrpStorage, sys.MapTypeArena, sys.MapTypeStructOps:
		return true
	}
	return false
}

// setInner says what a map of maps holds. It returns the file descriptor of a map for the kernel to
// look at, where the object has none, -1 if it has one or nothing has changed.
func (c *mapChange) setInner() (template int, err error) {
	fields := load.MapFields(*c.now.Inner)
	if c.old.Inner != nil && *c.old.Inner == *c.now.Inner {
		return -1, nil
	}
	c.innerSpec = &spec.InnerSpec{MapSpec: MapSpec{
		Name: c.m.Name() + ".inner", Type: fields.Type, KeySize: fields.KeySize, ValueSize: fields.ValueSize,
		MaxEntries: fields.MaxEntries, Flags: fields.Flags, Sizing: load.SizingOf(fields.Type),
	}}
	if c.hasInner {
		c.innerSpec.KeyTypeID, c.innerSpec.ValueTypeID, c.innerSpec.NumaNode = c.changer.SetTemplate(c.i, fields)
		return -1, nil
	}
	inner, err := createInner(c.m, c.innerSpec, nil)
	if err != nil {
		return -1, err
	}
	template, err = inner.DupFD()
	inner.Close()
	if err != nil {
		return -1, err
	}
	c.changer.SetTemplateFD(c.i, template)
	return template, nil
}

// take makes the change the skeleton's.
func (c *mapChange) take(template int) {
	s := c.skeleton
	s.spec = c.changer.Spec()
	a := c.m.own()
	a.spec = &s.spec.Maps[c.i]
	a.desc = *a.spec
	a.desc.Slot = spec.NoSlot
	a.maxEntries = c.now.MaxEntries
	if c.innerSpec != nil {
		a.inner = c.innerSpec
	}
	if template >= 0 {
		a.btf.close()
		a.btf = fd{}
		a.btf.set(template)
	}
}

// typed is the number of an fd that is not open yet, of a map that a Go type stands for.
const typed = -2

// isTyped reports whether a Go type was made to stand for a map that is not loaded.
func (m *Map) isTyped() bool { return m.fd.num.Load() == typed }

// InnerOptions are how a map is to be that [HashOfMaps.NewInner] or [ArrayOfMaps.NewInner] makes; a
// nil *InnerOptions, and what is zero in it, is what the object says. Kernels take an array with
// another number of entries into a map of maps only if both have the flag BPF_F_INNER_MAP (5.10),
// which is to be in the source, or set by [ChangeMap].
type InnerOptions struct {
	MaxEntries uint32
	// Name is what the kernel calls it: 15 characters of it at most.
	Name string
	// NumaNode is where its memory is, for inner maps with the flag BPF_F_NUMA_NODE.
	NumaNode uint32
}
