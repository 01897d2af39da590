package spec

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// NeedsTarget reports whether programs of a type and attach type are loaded for one function or
// type of the kernel or of another program (check_attach_btf_id in kernel/bpf/verifier.c), which
// their section names, or the caller before the load.
func NeedsTarget(progType, attachType uint32) bool {
	switch progType {
	case sys.ProgTypeTracing:
		return attachType <= sys.AttachTraceFsession // types that attach to several targets come later
	case sys.ProgTypeLSM, sys.ProgTypeExt:
		return true
	}
	return false
}

// LacksTarget reports whether the program cannot be loaded unless the caller sets a target.
func LacksTarget(p *ProgramSpec) bool { return p.Target < 0 && NeedsTarget(p.Type, p.AttachType) }

// LacksTargets reports whether a program of the object lacks its target.
func LacksTargets(s *Spec) bool {
	for i := range s.Programs {
		if LacksTarget(&s.Programs[i]) {
			return true
		}
	}
	return false
}
