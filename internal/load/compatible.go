package load

import (
	"strconv"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// An IncompatibleMapError reports how an existing map differs from the object's map.
type IncompatibleMapError struct {
	_ incomparable

	Map  string // name in the source
	Path string // where it is pinned; "" for a map from the caller
	// Field is the property that differs: "type", "key size", "value size", "max_entries",
	// "map_flags", "map_extra", or, for fields that the kernel manages, "number of bpf_timer
	// fields" or "offset of bpf_timer".
	Field string
	// Have is the existing map's value, and Want the object's.
	Have, Want uint64
}

// Error names the field and both values.
func (e *IncompatibleMapError) Error() string {
	format := func(n uint64) string {
		switch e.Field {
		case fieldType:
			return sys.MapTypeName(uint32(n))
		case fieldFlags, fieldExtra:
			return "0x" + strconv.FormatUint(n, 16)
		}
		return strconv.FormatUint(n, 10)
	}
	which := "the existing map"
	if e.Path != "" {
		which = "the map pinned at " + e.Path
	}
	return e.Field + " of " + which + " is " + format(e.Have) + ", but the object has " + format(e.Want)
}

// The fields that are compared.
const (
	fieldType       = "type"
	fieldKeySize    = "key size"
	fieldValueSize  = "value size"
	fieldMaxEntries = "max_entries"
	fieldFlags      = "map_flags"
	fieldExtra      = "map_extra"
)

// Compatible returns nil if the object's programs, and the Go type of the map, can use an existing
// map: it is of the same kind, and has keys and values of the same size. max_entries and other
// flags may differ. Global variables must be mappable.
func Compatible(s *spec.Spec, i int, info *sys.MapInfo) error {
	m := &s.Maps[i]
	differ := func(field string, have, want uint32) error {
		if have == want {
			return nil
		}
		return &IncompatibleMapError{Map: m.Name, Field: field, Have: uint64(have), Want: uint64(want)}
	}
	if !SameKind(info.Type, m.Type) {
		return differ(fieldType, info.Type, m.Type)
	}
	if err := differ(fieldKeySize, info.KeySize, m.KeySize); err != nil {
		return err
	}
	if err := differ(fieldValueSize, info.ValueSize, m.ValueSize); err != nil {
		return err
	}
	if m.MappedSize() > 0 {
		const need = sys.FlagMmapable | sys.FlagRdonlyProg
		if info.MapFlags&need != m.Flags&need {
			return differ(fieldFlags, info.MapFlags, m.Flags)
		}
	}
	if err := CompatibleBTF(s, i, info); err != nil {
		return err
	}
	return nil
}

// differs returns how a map that is pinned by name differs from the one that the loader would
// create, or nil. It compares the same fields as libbpf (map_is_reuse_compat).
func differs(e *engine, i int32, info *sys.MapInfo) *IncompatibleMapError {
	m := &e.spec.Maps[i]
	differ := func(field string, have, want uint64) *IncompatibleMapError {
		return &IncompatibleMapError{Map: m.Name, Field: field, Have: have, Want: want}
	}
	flags := info.MapFlags
	switch info.Type {
	case sys.MapTypeDevMap, sys.MapTypeDevMapHash:
		flags = flags&^sys.FlagRdonlyProg | m.Flags&sys.FlagRdonlyProg // the kernel sets it (dev_map_init_map)
	}
	entries, counts := createdEntries(e, i)
	switch {
	case info.Type != m.Type:
		return differ(fieldType, uint64(info.Type), uint64(m.Type))
	case info.KeySize != m.KeySize:
		return differ(fieldKeySize, uint64(info.KeySize), uint64(m.KeySize))
	case info.ValueSize != m.ValueSize:
		return differ(fieldValueSize, uint64(info.ValueSize), uint64(m.ValueSize))
	case counts && info.MaxEntries != entries:
		return differ(fieldMaxEntries, uint64(info.MaxEntries), uint64(entries))
	case flags != m.Flags:
		return differ(fieldFlags, uint64(flags), uint64(m.Flags))
	case info.MapExtra != m.Extra:
		return differ(fieldExtra, info.MapExtra, m.Extra)
	}
	return nil
}

// createdEntries returns the number of entries that the kernel would report for a map that the
// loader creates, and whether the object depends on it.
func createdEntries(e *engine, i int32) (n uint32, counts bool) {
	m := &e.spec.Maps[i]
	n = m.MaxEntries
	for _, asked := range e.req.Entries {
		if asked.Map == i {
			n = asked.MaxEntries
		}
	}
	if m.Sizing == spec.SizeCPUs && n == 0 {
		return 0, false
	}
	if m.Sizing == spec.SizePages {
		return fitPages(n), true
	}
	if m.Flags&sys.FlagNoCommonLRU != 0 { // rounded to the same number for each CPU (htab_map_alloc)
		if cpus, err := sys.PossibleCPUs(); err == nil {
			n = (n + uint32(cpus) - 1) / uint32(cpus) * uint32(cpus)
		}
	}
	return n, true
}
