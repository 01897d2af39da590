package object

import (
	"bytes"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// arenaSection is the section in which clang puts global variables of address space 1, the kernel's
// __arena.
const arenaSection = ".addr_space.1"

// readArena gives the object's arena the global variables of arenaSection. An arena begins with
// them, as in libbpf up to 1.6. Later versions put them into its last pages if the kernel lets
// instructions refer to those (arena_data_off). That place depends on the page size and on
// max_entries, so it is known only when the object is loaded.
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
			return badSection(arenaSection, "cannot place __arena variables: the object has two arenas, %s and %s", clean(arena.Name), clean(m.Name))
		}
		arena = m
	}
	if arena == nil {
		return badSection(arenaSection, "cannot place __arena variables: define a map of type BPF_MAP_TYPE_ARENA")
	}
	if arena.Flags&sys.FlagSegvOnFault != 0 {
		return badSection(arenaSection, "cannot initialize __arena variables: remove the flag BPF_F_SEGV_ON_FAULT from map %s",
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
