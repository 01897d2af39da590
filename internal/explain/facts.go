package explain

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Facts about a failure, for hints and reasons.

// mapsMemory reports whether a mapping into the process failed.
func (f *failure) mapsMemory() bool { return f.Op == spec.OpMapBlob || f.area != nil }

// usesCORE reports whether the kernel had to resolve CO-RE relocations, of a program or of the
// loader.
func (f *failure) usesCORE() bool {
	return f.program != nil && f.program.CORERelos != 0 ||
		f.Op == spec.OpLoadLoader && f.Spec.CORE.ValueCount > 0
}

// memory estimates the memory of a map in bytes.
func (m *newMap) memory() uint64 {
	entries := uint64(m.maxEntries)
	size := entries * (uint64(m.keySize) + uint64(m.valueSize))
	switch m.typ {
	case sys.MapTypeRingBuf, sys.MapTypeUserRingBuf:
		return entries
	case sys.MapTypeArena:
		return entries * uint64(unix.Getpagesize())
	case sys.MapTypePerCPUArray, sys.MapTypePerCPUHash, sys.MapTypeLRUPerCPUHash:
		cpus, _ := sys.PossibleCPUs()
		return size * uint64(max(cpus, 1))
	}
	return size
}

// isLocalStorage reports whether a map is local storage, which has no max_entries.
func (m *newMap) isLocalStorage() bool {
	switch m.typ {
	case sys.MapTypeSKStorage, sys.MapTypeInodeStorage, sys.MapTypeTaskStorage, sys.MapTypeCgrpStorage:
		return true
	}
	return false
}

// hasNoEntries reports whether the map needs max_entries and has none.
func (m *newMap) hasNoEntries() bool {
	return m.maxEntries == 0 && !m.isLocalStorage() &&
		m.typ != sys.MapTypeCgroupStorage && m.typ != sys.MapTypePerCPUCgroupStorage
}

// lacks returns a property that the source does not set, and the method that sets it, or "".
func (m *newMap) lacks() (what, method string) {
	const change = "ChangeMap"
	switch m.typ {
	case sys.MapTypeRingBuf, sys.MapTypeUserRingBuf, sys.MapTypeArena: // no keys and values
	case sys.MapTypeQueue, sys.MapTypeStack, sys.MapTypeBloomFilter:
		if m.valueSize == 0 {
			return "value", change
		}
	default:
		if m.keySize == 0 {
			return "key", change
		}
		if m.valueSize == 0 {
			return "value", change
		}
	}
	switch {
	case m.hasNoEntries() && m.isInner: // SetMaxEntries does not apply
		return "max_entries", change
	case m.hasNoEntries():
		return "max_entries", "SetMaxEntries"
	case m.mapFlags&sys.FlagNoPrealloc == 0 && (m.typ == sys.MapTypeLPMTrie || m.isLocalStorage()):
		return "flag BPF_F_NO_PREALLOC", change
	case m.mapFlags&sys.FlagMmapable == 0 && m.typ == sys.MapTypeArena:
		return "flag BPF_F_MMAPABLE", change
	}
	return "", ""
}

// lacksInner reports whether it is a map of maps without a definition of its inner maps.
func (f *failure) lacksInner() bool {
	if m := f.newMap; m.isInner || m.typ != sys.MapTypeArrayOfMaps && m.typ != sys.MapTypeHashOfMaps {
		return false
	}
	for i := range f.Spec.Steps {
		if step := &f.Spec.Steps[i]; step.Kind == spec.StepCreateInner && step.Index == f.Spec.Steps[f.Step].Index {
			return false
		}
	}
	return true
}

// sharedMap looks for a map that the program shares with a program of another kind although all
// programs that use the map must be of the same kind: a program array, or a map whose entries may
// have a program (bpf_prog_map_compatible).
func (f *failure) sharedMap() (m *spec.MapSpec, other *spec.ProgramSpec) {
	for i := range f.Spec.Maps {
		switch m = &f.Spec.Maps[i]; m.Type {
		case sys.MapTypeProgArray, sys.MapTypeDevMap, sys.MapTypeDevMapHash, sys.MapTypeCPUMap:
		default:
			continue
		}
		if !f.uses(f.program, m) {
			continue
		}
		for i := range f.Spec.Programs {
			other = &f.Spec.Programs[i]
			if kindOf(other) != kindOf(f.program) && f.uses(other, m) {
				return m, other
			}
		}
	}
	return nil, nil
}

// kindOf returns the properties that must be equal in programs that share such a map.
func kindOf(p *spec.ProgramSpec) [3]uint32 {
	return [3]uint32{p.Type, p.AttachType, p.Flags & sys.FlagXDPHasFrags}
}

// uses reports whether a program refers to a map: whether there is such an ld_imm64 between the
// program's attr, which its instructions follow, and the next program's.
func (f *failure) uses(p *spec.ProgramSpec, m *spec.MapSpec) bool {
	end := spec.BlobOff(len(f.Spec.Blob))
	for i := range f.Spec.Programs {
		if at := f.Spec.Programs[i].Attr; at > p.Attr && at < end {
			end = at
		}
	}
	for at := p.Attr; at < end && end-at >= 8; at += 8 {
		code, regs := f.Spec.Blob[at], f.Spec.Blob[at+1]
		if code == sys.OpLdImm64 && (regs>>4 == sys.PseudoMapIdx || regs&0xf == sys.PseudoMapIdx) && word(f.Spec, at+4) == uint32(m.Slot) {
			return true
		}
	}
	return false
}

// after returns the rest of the line after the last occurrence of a text in the log.
func (f *failure) after(text string) (string, bool) {
	i := lastIndex(f.Log, text)
	if i < 0 {
		return "", false
	}
	rest, _, _ := strings.Cut(f.Log[i+len(text):], "\n")
	return rest, true
}

// lastIndex is strings.LastIndex, which would be linked only for this.
func lastIndex(s, text string) int {
	last := -1
	for i := 0; i >= 0; {
		if i = strings.Index(s[last+1:], text); i >= 0 {
			last += 1 + i
		}
	}
	return last
}

// verified returns the number of instructions that the verifier processed, or -1 if unknown.
func (f *failure) verified() int {
	rest, ok := f.after("processed ")
	if !ok {
		return -1
	}
	return sys.LeadingNumber(rest)
}

// unknownFunc returns the number in "invalid func unknown#N" (check_helper_call), or -1.
func (f *failure) unknownFunc() int {
	rest, ok := f.after("invalid func unknown#")
	if !ok {
		return -1
	}
	return sys.LeadingNumber(rest)
}

// refusedHelper returns the helper that the kernel has, but not for this program: the log has
// "unknown func bpf_x#1" up to 6.9, and "program of this type cannot use helper bpf_x#1" since
// (check_helper_call).
func (f *failure) refusedHelper() string {
	for _, text := range []string{"cannot use helper ", "unknown func "} {
		if rest, ok := f.after(text); ok {
			name, _, _ := strings.Cut(rest, "#")
			return name
		}
	}
	return ""
}

// number formats a number or a limit. Like other functions here, it is not inlined, which saves a
// kilobyte in each user's binary.
//
//go:noinline
func number(n uint64) string {
	if n == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

//go:noinline
func hex(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }
