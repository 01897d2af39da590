package load

import (
	"bytes"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// An Area is the memory of a map, in whole pages. For global data it is anonymous memory before the
// load, and the kernel's memory at the same address afterwards.
type Area struct {
	P    unsafe.Pointer // nil if there is no memory
	Size uintptr
	Map  int32 // index in Spec.Maps
	// Count is the length of the slice for its first area, and 0 for the others, so that a
	// finalizer of the first area needs no closure. The topmost bit is set for a map that the load
	// did not create, whose value is left unchanged.
	Count uint32
}

const existingArea = 1 << 31

// First returns the slice of areas that begins with a.
func (a *Area) First() []Area { return unsafe.Slice(a, a.Count&^existingArea) }

// AreaOf returns an area without memory for a map.
func AreaOf(i int, m *spec.MapSpec) Area {
	page := uintptr(unix.Getpagesize())
	return Area{Map: int32(i), Size: (uintptr(m.MappedSize()) + page - 1) &^ (page - 1)}
}

// Bytes returns the memory.
func (a *Area) Bytes() []byte { return unsafe.Slice((*byte)(a.P), a.Size) }

// changed reports whether the initial value in memory differs from the object's.
func (a *Area) changed(s *spec.Spec) bool {
	if a.P == nil {
		return false
	}
	m := &s.Maps[a.Map]
	now := a.Bytes()[:m.MappedSize()]
	if m.Data == 0 {
		return len(bytes.Trim(now, "\x00")) != 0
	}
	return string(now) != s.Blob[m.Data:][:len(now)]
}

// Reserve replaces the area's memory with anonymous memory for the initial value.
func (a *Area) Reserve() error {
	flags := unix.MAP_SHARED | unix.MAP_ANONYMOUS
	if a.P != nil {
		flags |= unix.MAP_FIXED
	}
	p, err := unix.MmapPtr(-1, 0, a.P, a.Size, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return err
	}
	a.P = p
	return nil
}

// attach maps a map's memory, in place of the memory from Reserve, if any.
func (a *Area) attach(m *spec.MapSpec, fd int) error {
	prot, flags := unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED
	if m.Kind == spec.ROData || m.Kind == spec.Kconfig {
		prot = unix.PROT_READ // the map is frozen
	}
	if a.P != nil {
		flags |= unix.MAP_FIXED
	}
	p, err := unix.MmapPtr(fd, 0, a.P, a.Size, prot, flags)
	if err != nil {
		return err
	}
	a.P = p
	return nil
}

// MapArea maps the memory of an existing map. (If it were a method, every binary would contain it.)
func MapArea(a *Area, m *spec.MapSpec, fd int) error { return a.attach(m, fd) }

// Unmap unmaps the memory, if any.
func (a *Area) Unmap() {
	if a.P != nil {
		_ = unix.MunmapPtr(a.P, a.Size)
		a.P = nil
	}
}

func unmapAreas(areas []Area) {
	for i := range areas {
		areas[i].Unmap()
	}
}

// attachAreas maps global data in place of the initial values, and releases the initial values of
// arenas, which are mapped already. After a failure, it restores the areas.
func (e *engine) attachAreas() *spec.Failure {
	areas := e.req.Areas
	for i := range areas {
		a := &areas[i]
		m := &e.spec.Maps[a.Map]
		if m.Type == sys.MapTypeArena {
			continue
		}
		// BSS has no bytes in the blob: write the initial value now.
		var initial []byte
		opened := a.P != nil
		if m.Kind == spec.BSS && opened {
			initial = append(initial, a.Bytes()[:m.ValueSize]...)
		}
		if err := a.attach(m, e.MapFD(int(a.Map))); err != nil {
			f := e.fail(spec.OpMapData, err)
			f.Map = int(a.Map)
			if !opened {
				unmapAreas(areas)
				return f
			}
			if m.Data != 0 {
				initial = e.blob.mem[m.Data:][:m.ValueSize]
			}
			f.Lost = !detachAreas(areas, i, initial)
			return f
		}
		if a.Count < existingArea {
			copy(a.Bytes(), initial)
		}
	}
	for i := range areas {
		if e.spec.Maps[areas[i].Map].Type == sys.MapTypeArena {
			areas[i].Unmap()
		}
	}
	return nil
}

// detachAreas replaces mapped areas with anonymous memory that holds the initial values: the areas
// before the i-th, and the i-th itself, whose memory may be gone. It reports whether there was
// enough memory. If not, it unmaps all areas.
func detachAreas(areas []Area, i int, initial []byte) bool {
	for j := range areas[:i+1] {
		a := &areas[j]
		if a.P == nil {
			continue
		}
		value := initial
		if j < i {
			value = append([]byte(nil), a.Bytes()...)
		}
		if err := a.Reserve(); err != nil {
			unmapAreas(areas)
			return false
		}
		copy(a.Bytes(), value)
	}
	return true
}
