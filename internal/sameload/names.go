package sameload

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// cString converts a zero-terminated name field.
func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// mapName returns the name of a map in its object. A map of global data has its section's name,
// whatever the caller calls it: BTF has the full name, while the kernel's name ("object.bss") is
// limited to 15 bytes. Other maps have the caller's name.
func mapName(given, kernel string, value btf.Type) string {
	if sec, ok := value.(*btf.Datasec); ok {
		return sec.Name
	}
	if i := strings.IndexByte(kernel, '.'); i >= 0 {
		return kernel[i:]
	}
	return given
}

// typeName returns a BTF type's name for a View.
func typeName(t btf.Type) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf("%s %s", strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", t), "*btf.")), t.TypeName())
}

// btfCache caches the BTF of the load, which its maps and programs share.
type btfCache map[uint32]*btf.Spec

func (c btfCache) spec(id uint32) (*btf.Spec, error) {
	if s, ok := c[id]; ok {
		return s, nil
	}
	h, err := btf.NewHandleFromID(btf.ID(id))
	if err != nil {
		return nil, fmt.Errorf("BTF %d: %w", id, err)
	}
	defer h.Close()
	s, err := h.Spec(nil)
	if err != nil {
		return nil, fmt.Errorf("BTF %d: %w", id, err)
	}
	c[id] = s
	return s, nil
}

// typeByID returns the type with this ID, or nil for ID 0.
func (c btfCache) typeByID(btfID, typeID uint32) (btf.Type, error) {
	if btfID == 0 || typeID == 0 {
		return nil, nil
	}
	s, err := c.spec(btfID)
	if err != nil {
		return nil, err
	}
	return s.TypeByID(btf.TypeID(typeID))
}
