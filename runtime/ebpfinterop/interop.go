package ebpfinterop

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Map returns a map, typed or not, as one of cilium/ebpf. The caller closes it.
func Map(m runtime.AnyMap) (*ebpf.Map, error) {
	num, err := m.DupFD()
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", m.Name(), err)
	}
	got, err := ebpf.NewMapFromFD(num) // takes num over, even when it fails
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", m.Name(), err)
	}
	return got, nil
}

// Program returns a program, of whatever kind, as one of cilium/ebpf. The caller closes it.
func Program(p runtime.AnyProgram) (*ebpf.Program, error) {
	num, err := p.DupFD()
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name(), err)
	}
	got, err := ebpf.NewProgramFromFD(num) // takes num over, even when it fails
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name(), err)
	}
	return got, nil
}
