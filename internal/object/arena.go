package object

import (
	"bytes"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// arenaSection is where clang puts global variables of address space 1, the
// kernel's __arena.
const arenaSection = ".addr_space.1"

// readArena gives the object's arena the global variables of its section. An
// arena begins with them, as in libbpf up to 1.6. Later versions put them
// into its last pages where the kernel lets instructions refer to these
// (arena_data_off): where that is depends on the size of a page and on max_entries, and so is
// known only when the object is loaded.
func (r *reader) readArena() error {
	s := r.elf.sectionByName(arenaSection)
	if s == nil || !s.isProgbits() || s.size == 0 {
		return nil
	}
	var arena *Map
	for _, m := range r.obj.Maps {
		if ebpf.MapType(m.Type) != ebpf.Arena {
			continue
		}
		if arena != nil {
			return badSection(arenaSection, "__arena variables, and two maps that they could be in: %s and %s", clean(arena.Name), clean(m.Name))
		}
		arena = m
	}
	if arena == nil {
		return badSection(arenaSection, "__arena variables, but no map of type BPF_MAP_TYPE_ARENA that they could be in")
	}
	if arena.Flags&sys.FlagSegvOnFault != 0 {
		return badSection(arenaSection, "__arena variables, but the flag BPF_F_SEGV_ON_FAULT of map %s forbids to give them their initial values",
			clean(arena.Name))
	}
	_, vars, err := r.variablesOf(s.name, s.size)
	if err != nil {
		return err
	}
	arena.Data, arena.Vars = bytes.Clone(s.data), vars
	r.dataAt[s.index] = arena
	return nil
}
