package spec

import "github.com/bpf2lskel/bpf2lskel/internal/sys"

// NeedsTarget reports whether programs of that type and attach type are loaded for one function or
// type, of the kernel or of another program (check_attach_btf_id in kernel/bpf/verifier.c): their
// section names it, or the caller does before the load.
func NeedsTarget(progType, attachType uint32) bool {
	switch progType {
	case sys.ProgTypeTracing:
		return attachType <= sys.AttachTraceFsession // those that attach to several come after it
	case sys.ProgTypeLSM, sys.ProgTypeExt:
		return true
	}
	return false
}

// LacksTarget reports whether no program of that description can be loaded unless it is given a
// target.
func LacksTarget(p *ProgramSpec) bool { return p.Target < 0 && NeedsTarget(p.Type, p.AttachType) }

// LacksTargets reports whether the object has a program that lacks its target.
func LacksTargets(s *Spec) bool {
	for i := range s.Programs {
		if LacksTarget(&s.Programs[i]) {
			return true
		}
	}
	return false
}
