package testobj

import (
	"debug/elf"
	"fmt"
)

// symbol returns a symbol's section and its offset there.
func symbol(obj, name string) (section string, offset uint32, err error) {
	f, err := elf.Open(obj)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	syms, err := f.Symbols()
	if err != nil {
		return "", 0, err
	}
	for _, s := range syms {
		if s.Name == name && int(s.Section) < len(f.Sections) {
			return f.Sections[s.Section].Name, uint32(s.Value), nil
		}
	}
	return "", 0, fmt.Errorf("%s: no symbol %s", obj, name)
}
