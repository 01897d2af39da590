package runtime

import (
	"bytes"
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ID returns the map's kernel ID, as shown by bpftool.
func (m *Map) ID() (uint32, error) {
	num, err := m.file().acquire()
	if err != nil {
		return 0, m.wrap("info", err)
	}
	defer m.fd.release()
	info := new(sys.MapInfo)
	if errno := sys.ObjInfo(num, unsafe.Pointer(info), unsafe.Sizeof(*info)); errno != 0 {
		return 0, newMapError(m.spec().Name, "info", errno)
	}
	return info.Id, nil
}

// Freeze makes the map permanently read-only for user space; programs can still write to it. Load
// freezes read-only global data.
func (m *Map) Freeze() error {
	num, err := m.file().acquire()
	if err != nil {
		return m.wrap("freeze", err)
	}
	defer m.fd.release()
	attr := sys.MapElemAttr{MapFd: uint32(num)}
	if _, errno := sys.BPF(sys.CmdMapFreeze, unsafe.Pointer(&attr), unsafe.Offsetof(attr.Key)); errno != 0 {
		return newMapError(m.spec().Name, "freeze", errno)
	}
	return nil
}

// Frozen reports whether the map is read-only for user space. It reads /proc, which must be
// mounted.
func (m *Map) Frozen() (bool, error) {
	num, err := m.file().acquire()
	if err != nil {
		return false, m.wrap("info", err)
	}
	defer m.fd.release()
	raw, err := sys.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", num))
	if err != nil {
		return false, m.wrap("info", err)
	}
	return bytes.Contains(raw, []byte("\nfrozen:\t1\n")), nil
}

// Pin gives the map a name in a BPF file system, so that it outlives the process. The name must not
// exist.
func (m *Map) Pin(path string) error {
	num, err := m.file().acquire()
	if err != nil {
		return m.wrap("pin", err)
	}
	defer m.fd.release()
	if errno := sys.ObjPin(num, path); errno != 0 {
		return newMapError(m.spec().Name, "pin to "+path, withHint(errno, explain.PinHint(errno)))
	}
	return nil
}
