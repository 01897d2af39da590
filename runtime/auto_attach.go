package runtime

import (
	"fmt"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// AutoAttach attaches a program to what its section names, whatever its kind.
// It fails with [ErrNoAttachTarget] if the section does not say where: what needs an
// interface, a cgroup, a socket, a map or the symbols of an executable.
func AutoAttach(p *Program) (*Link, error) {
	nowhere := func() (*Link, error) {
		return nil, p.fail(fmt.Sprintf("attach by section %q", p.spec.Section), ErrNoAttachTarget)
	}
	switch p.spec.Type {
	case sys.ProgTypeTracing:
		switch {
		case p.spec.Target < 0:
			return nowhere()
		case p.spec.AttachType != sys.AttachTraceIter:
			return TracingProgram{p}.Attach()
		}
		switch p.spec.AttachTo {
		case "bpf_map_elem", "bpf_sk_storage_map", "sockmap", "cgroup":
			return nowhere() // of which map, from which cgroup on
		}
		return IterProgram{p}.Attach(IterTarget{})
	case sys.ProgTypeLSM:
		if p.spec.Target < 0 || p.spec.AttachType != sys.AttachLSMMAC {
			return nowhere()
		}
		return LSMProgram{p}.Attach()
	case sys.ProgTypeTracepoint:
		if !strings.Contains(p.spec.AttachTo, "/") {
			return nowhere()
		}
		return TracepointProgram{p}.Attach()
	case sys.ProgTypeRawTracepoint, sys.ProgTypeRawTracepointWritable:
		if p.spec.AttachTo == "" {
			return nowhere()
		}
		return RawTracepointProgram{p}.Attach()
	case sys.ProgTypeKprobe:
		switch {
		case p.spec.AttachTo == "" || !p.isKprobe():
			return nowhere()
		case p.spec.AttachType == sys.AttachTraceKprobeMulti || p.spec.AttachType == sys.AttachTraceKprobeSession:
			return KprobeMultiProgram{p}.Attach()
		}
		return KprobeProgram{p}.Attach()
	}
	return nowhere()
}

// isKprobe tells kprobes from what else is of their type: uprobes and USDT.
func (p *Program) isKprobe() bool {
	return strings.HasPrefix(strings.TrimPrefix(p.spec.Section, "?"), "k")
}
