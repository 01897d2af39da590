package runtime

import (
	"errors"
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// MapChange describes a map for the function passed to [ChangeMap], which modifies it.
type MapChange struct {
	Type       uint32 // enum bpf_map_type
	KeySize    uint32 // bytes
	ValueSize  uint32 // bytes
	MaxEntries uint32
	Flags      uint32 // map_flags
	// Inner describes the maps that a map of maps holds. It is nil for other maps, and if the
	// object does not describe them.
	Inner *InnerChange
	// LeaveOut prevents the map from being created; other maps do not hold it either. If a program
	// can reach an instruction that uses the map, it fails to load with an error that names the
	// map. It loads if the verifier sees that the instruction is unreachable, for example because
	// of a constant in .rodata. Once set, LeaveOut cannot be unset.
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

// ChangeMap changes a map between Open and Load. It calls change with the current description,
// which change modifies:
//
//	err := runtime.ChangeMap(s.Core(), s.Maps.Flows, func(m *runtime.MapChange) {
//		m.Type = unix.BPF_MAP_TYPE_LRU_HASH
//	})
//
// ChangeMap checks only what holds for every kernel. Load reports whether the running kernel
// accepts the map. ChangeMap returns an error for:
//
//   - a map that is already loaded or closed, or belongs to another skeleton;
//   - a package that can be signed: [ErrSigned];
//   - types, and sizes of keys and values, that do not fit the map's Go type: a [HashMap] is for
//     hashes and LRU hashes only;
//   - changes to global data, which cannot be left out either;
//   - changes to or from types that are created before the loader runs: arenas and local storage.
//
// Keys and values of a changed size have no BTF types, so they cannot contain locks or timers.
//
// If the object does not describe the maps that a map of maps holds and change sets Inner,
// ChangeMap creates a map for the kernel to use as a template, which stays open as long as the
// skeleton.
//
// ChangeMap is a function rather than a method so that only programs that use it contain the code.
// It must not be called while the map or the skeleton is in use elsewhere.
func ChangeMap(s *Skeleton, m AnyMap, change func(*MapChange)) error {
	of := mapIn(m)
	switch {
	case s == nil || s.spec == nil:
		return errNoSkeleton
	case of == nil:
		return newMapError("", "change", errNoMap)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.changeable(of)
	if err != nil {
		return of.cannotChange(err)
	}
	if a := of.access(); a != nil && a.existing.peek() > 0 {
		return of.cannotChange(errors.New("ReuseMap has replaced it with an existing map"))
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

// mapChange is a change in progress.
type mapChange struct {
	skeleton *Skeleton
	m        *Map
	i        int
	typed    bool // a typed map refers to it

	old, now  MapChange
	hasInner  bool // the object describes its inner maps
	changer   *load.Changer
	innerSpec *spec.InnerSpec
}

func (c *mapChange) make(change func(*MapChange)) error {
	c.describe()
	change(&c.now)
	if c.old.LeaveOut {
		return errors.New("already left out")
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

// describe fills in the current state of the map.
func (c *mapChange) describe() {
	d := &c.skeleton.spec.Maps[c.i]
	c.old = MapChange{
		Type: d.Type, KeySize: d.KeySize, ValueSize: d.ValueSize, MaxEntries: c.m.MaxEntries(), Flags: d.Flags,
		LeaveOut: load.LeftOut(c.skeleton.spec, c.i),
	}
	fields, ok := load.Template(c.skeleton.spec, c.i)
	if c.hasInner = ok; !ok {
		if a := c.m.access(); a != nil && a.inner != nil { // set by an earlier change
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

// check rejects impossible changes.
func (c *mapChange) check() error {
	d, old, now := &c.skeleton.spec.Maps[c.i], &c.old, &c.now
	if d.Kind != spec.NoData || d.Data != 0 && d.DataSize == 0 {
		return errors.New("the map holds global variables: only their values can be changed")
	}
	if now.LeaveOut {
		if d.MappedSize() > 0 {
			return errors.New("the map holds global variables, and cannot be left out")
		}
		return nil
	}
	if now.Type != old.Type && (isOutside(now.Type) || isOutside(old.Type)) {
		return fmt.Errorf("cannot change type %s to %s at run time: set the type in the source", sys.MapTypeName(old.Type), sys.MapTypeName(now.Type))
	}
	if c.typed {
		if err := goTypeFits("keys", old.KeySize, now.KeySize); err != nil {
			return err
		}
		if err := goTypeFits("values", old.ValueSize, now.ValueSize); err != nil {
			return err
		}
		if !load.SameKind(now.Type, old.Type) {
			return &sentinelError{text: fmt.Sprintf("the map's Go type is for type %s, not %s: set the type in the source", sys.MapTypeName(old.Type), sys.MapTypeName(now.Type)), errno: unix.EINVAL}
		}
	}
	if now.Inner == nil {
		if old.Inner != nil {
			return errors.New("Inner is nil: a map of maps requires it")
		}
		return nil
	}
	if now.Type != sys.MapTypeArrayOfMaps && now.Type != sys.MapTypeHashOfMaps {
		return errors.New("Inner is set: only a map of maps can have it")
	}
	if c.typed && old.Inner != nil {
		if err := goTypeFits("inner maps' keys", old.Inner.KeySize, now.Inner.KeySize); err != nil {
			return err
		}
		if err := goTypeFits("inner maps' values", old.Inner.ValueSize, now.Inner.ValueSize); err != nil {
			return err
		}
		if !load.SameKind(now.Inner.Type, old.Inner.Type) {
			return &sentinelError{text: fmt.Sprintf("the inner maps' Go type is for type %s, not %s: set the type in the source", sys.MapTypeName(old.Inner.Type), sys.MapTypeName(now.Inner.Type)), errno: unix.EINVAL}
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

// isOutside reports whether maps of the given type are created before the loader runs.
func isOutside(mapType uint32) bool {
	switch mapType {
	case sys.MapTypeSKStorage, sys.MapTypeInodeStorage, sys.MapTypeTaskStorage, sys.MapTypeCgrpStorage, sys.MapTypeArena, sys.MapTypeStructOps:
		return true
	}
	return false
}

// setInner sets what a map of maps holds. If the object has no template, setInner creates one and
// returns its file descriptor; otherwise, or if nothing has changed, it returns -1.
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

// take applies the change to the skeleton.
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

// typed is the number of an fd that is not open yet and belongs to a map with a Go type.
const typed = -2

// isTyped reports whether a typed map was made from m, which is not loaded yet.
func (m *Map) isTyped() bool { return m.fd.num.Load() == typed }

// InnerOptions configure a map that [HashOfMaps.NewInner] or [ArrayOfMaps.NewInner] creates. Zero
// fields, and a nil *InnerOptions, mean the object's values. Kernels accept an array with a
// different number of entries in a map of maps only if both arrays have the flag BPF_F_INNER_MAP
// (5.10), set in the source or by [ChangeMap].
type InnerOptions struct {
	MaxEntries uint32
	// Name is the map's name in the kernel, which truncates it to 15 characters.
	Name string
	// NumaNode is the NUMA node of its memory, for inner maps with the flag BPF_F_NUMA_NODE.
	NumaNode uint32
}
