package runtime

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// area is the memory of a global data map, whole pages of it: anonymous before
// the load, the kernel's own from then on, at the same address.
type area struct {
	p    unsafe.Pointer
	size uintptr
	of   int // index of the map
}

// areaOf is the area of the map of that index, which has no memory yet.
func areaOf(i int, m *MapSpec) area {
	page := uintptr(unix.Getpagesize())
	return area{of: i, size: (uintptr(m.dataSize()) + page - 1) &^ (page - 1)}
}

// attachAreas maps global data, each where its initial value has been. After a
// failure, which is of the map of that index, all is as before.
func (l *loading) attachAreas() (of int, err error) {
	for i := range l.areas {
		m := &l.spec.Maps[l.areas[i].of]
		if m.Type == mapTypeArena {
			continue // mapped before the loader ran
		}
		// BSS has no bytes in the blob: what was set before the load goes in now.
		var initial []byte
		opened := l.areas[i].p != nil
		if m.Kind == BSS && opened {
			initial = append(initial, l.areas[i].bytes()[:m.ValueSize]...)
		}
		if err := l.areas[i].attach(m, int(*l.slot(m.Slot))); err != nil {
			if !opened {
				unmapAreas(l.areas)
				return l.areas[i].of, err
			}
			if m.Data != 0 {
				initial = l.mem[m.Data:][:m.ValueSize]
			}
			l.detachAreas(i, initial)
			return l.areas[i].of, err
		}
		copy(l.areas[i].bytes(), initial)
	}
	return 0, nil
}

// detachAreas gives areas memory of their own again: those before the i-th, which are mapped, and that itself, whose
// memory may be gone, with its initial value.
func (l *loading) detachAreas(i int, initial []byte) {
	for j := range l.areas[:i+1] {
		a := &l.areas[j]
		if a.p == nil {
			continue
		}
		value := initial
		if j < i {
			value = append([]byte(nil), a.bytes()...)
		}
		if err := a.reserve(); err != nil {
			l.state = closed // what was changed before the load is lost
			unmapAreas(l.areas)
			return
		}
		copy(a.bytes(), value)
	}
}

// reserve gives an area memory of its own for the initial value, in the place of what it had.
func (a *area) reserve() error {
	flags := unix.MAP_SHARED | unix.MAP_ANONYMOUS
	if a.p != nil {
		flags |= unix.MAP_FIXED
	}
	p, err := unix.MmapPtr(-1, 0, a.p, a.size, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return err
	}
	a.p = p
	return nil
}

// attach maps a map's memory: over what reserve got, if it was called.
func (a *area) attach(m *MapSpec, fd int) error {
	prot, flags := unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED
	if m.Kind == ROData || m.Kind == Kconfig {
		prot = unix.PROT_READ // the map is frozen
	}
	if a.p != nil {
		flags |= unix.MAP_FIXED
	}
	p, err := unix.MmapPtr(fd, 0, a.p, a.size, prot, flags)
	if err != nil {
		return err
	}
	a.p = p
	return nil
}

func (a *area) bytes() []byte { return unsafe.Slice((*byte)(a.p), a.size) }

func (a *area) unmap() {
	if a.p != nil {
		_ = unix.MunmapPtr(a.p, a.size)
		a.p = nil
	}
}
