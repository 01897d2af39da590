package runtime

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The questions that hints ask of a failure.

// stepKind is 0 for what the runtime does itself.
func (f *failure) stepKind() StepKind {
	if f.Step < 0 {
		return 0
	}
	return f.spec.Steps[f.Step].Kind
}

func (f *failure) finds() bool { return f.stepKind().finds() }

// mapSpec is the map that could not be created, nil if it was something else.
func (f *failure) mapSpec() *MapSpec {
	if f.stepKind() != StepCreateMap {
		return nil
	}
	return &f.spec.Maps[f.spec.Steps[f.Step].Index]
}

// mappedSpec is the map that could not be mapped.
func (f *failure) mappedSpec() *MapSpec {
	name, ok := strings.CutPrefix(f.Op, opMapData)
	if !ok || f.Step >= 0 {
		return nil
	}
	for i := range f.spec.Maps {
		if f.spec.Maps[i].Name == name {
			return &f.spec.Maps[i]
		}
	}
	return nil
}

func (f *failure) mapsMemory() bool { return f.Op == opMapBlob || f.mappedSpec() != nil }

func (f *failure) programSpec() *ProgramSpec {
	if f.stepKind() != StepLoadProgram {
		return nil
	}
	return &f.spec.Programs[f.spec.Steps[f.Step].Index]
}

func (f *failure) targetSpec() *TargetSpec {
	if f.stepKind() != StepFindTarget {
		return nil
	}
	return &f.spec.Targets[f.spec.Steps[f.Step].Index]
}

func (f *failure) externSpec() *ExternSpec {
	if f.stepKind() != StepFindExtern {
		return nil
	}
	return &f.spec.Externs[f.spec.Steps[f.Step].Index]
}

// externKind is that of the extern that was not found, 0 if it was something else.
func (f *failure) externKind() ExternKind {
	if e := f.externSpec(); e != nil {
		return e.Kind
	}
	return 0
}

// mapSize is about what a map takes, in bytes.
func (f *failure) mapSize(m *MapSpec) uint64 {
	entries := uint64(f.maps[f.spec.Steps[f.Step].Index].MaxEntries())
	size := entries * (uint64(m.KeySize) + uint64(m.ValueSize))
	switch m.Type {
	case mapTypeRingBuf, mapTypeUserRingBuf:
		return entries
	case mapTypeArena:
		return entries * uint64(unix.Getpagesize())
	case mapTypePerCPUArray, mapTypePerCPUHash, mapTypeLRUPerCPUHash:
		cpus, _ := PossibleCPUs()
		return size * uint64(max(cpus, 1))
	}
	return size
}

// files is how many files a load has open at most.
func (s *Spec) files() int {
	n := 2 // the loader and its map
	for _, step := range s.Steps {
		switch step.Kind {
		case StepLoadBTF, StepCreateMap, StepCreateInner, StepLoadProgram:
			n++
		}
	}
	return n
}

// after returns what follows the last occurrence of a text in the log, to the end of the line.
func (f *failure) after(text string) (string, bool) {
	i := strings.LastIndex(f.Log, text)
	if i < 0 {
		return "", false
	}
	rest, _, _ := strings.Cut(f.Log[i+len(text):], "\n")
	return rest, true
}

// unknownFunc is the number in "invalid func unknown#N" (check_helper_call), -1 if there is none.
func (f *failure) unknownFunc() int {
	rest, ok := f.after("invalid func unknown#")
	if !ok {
		return -1
	}
	return leadingNumber(rest)
}

// unknownHelper is the helper that this kernel does not have.
func (f *failure) unknownHelper() uint32 {
	if n := f.unknownFunc(); n > 0 && n < badRelo {
		return uint32(n)
	}
	return 0
}

// refusedHelper is the helper that the kernel has, but not for this program:
// "unknown func bpf_x#1" up to 6.9, "program of this type cannot use helper bpf_x#1" since (check_helper_call).
func (f *failure) refusedHelper() string {
	for _, text := range []string{"cannot use helper ", "unknown func "} {
		if rest, ok := f.after(text); ok {
			name, _, _ := strings.Cut(rest, "#")
			return name
		}
	}
	return ""
}

// leadingNumber is -1 if s does not begin with one.
func leadingNumber(s string) int {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(s[:end])
	if err != nil {
		return -1
	}
	return n
}

// count is a number, or a limit. Inlined it would be a kilobyte more in each binary.
//
//go:noinline
func count(n uint64) string {
	if n == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

func hex(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }
