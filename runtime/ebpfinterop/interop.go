package ebpfinterop

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Map returns a typed or untyped map as an *ebpf.Map. The caller must close it.
func Map(m runtime.AnyMap) (*ebpf.Map, error) {
	num, err := m.DupFD()
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", m.Name(), err)
	}
	got, err := ebpf.NewMapFromFD(num) // takes ownership of num, even if it fails
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", m.Name(), err)
	}
	return got, nil
}

// Program returns a typed or untyped program as an *ebpf.Program. The caller must close it.
func Program(p runtime.AnyProgram) (*ebpf.Program, error) {
	num, err := p.DupFD()
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name(), err)
	}
	got, err := ebpf.NewProgramFromFD(num) // takes ownership of num, even if it fails
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name(), err)
	}
	return got, nil
}
