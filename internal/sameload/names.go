package sameload

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// cString is the text of a name field that ends with a zero byte.
func cString(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// mapName is the name of a map in its object. A map of global data is called as its section,
// whatever the caller calls it: BTF has the section's name in full, where the kernel's name
// ("object.bss") is cut at 15 bytes. Other maps are called as the caller calls them.
func mapName(given, kernel string, value btf.Type) string {
	if sec, ok := value.(*btf.Datasec); ok {
		return sec.Name
	}
	if i := strings.IndexByte(kernel, '.'); i >= 0 {
		return kernel[i:]
	}
	return given
}

// typeName names a BTF type in a View.
func typeName(t btf.Type) string {
	if t == nil {
		return ""
	}
	return fmt.Sprintf("%s %s", strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", t), "*btf.")), t.TypeName())
}

// btfCache caches the BTF of the load that is being described: its maps and programs share one.
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

// typeByID is the type with this id, nil for id 0.
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
