package runtime

// This file has what only generated code needs, beside package runtime/impl. Use
// the functions of the generated package instead.

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// OpenGenerated is [Open] for generated code, which knows the features of package
// impl that its object needs.
func OpenGenerated(spec *Spec, features load.Features) (*Skeleton, error) {
	if err := features.Check(spec); err != nil {
		return nil, fmt.Errorf("open %s: %w", spec.Name, err)
	}
	s := newSkeleton(spec, features)
	for i := range s.areas {
		a := &s.areas[i]
		m := &spec.Maps[a.Map]
		if err := a.Reserve(); err != nil {
			s.Close()
			return nil, fmt.Errorf("open %s: map %s: memory for the initial value: %w", spec.Name, m.Name, err)
		}
		if m.Data != 0 {
			copy(a.Bytes(), spec.Blob[m.Data:][:m.MappedSize()])
		}
	}
	return s, nil
}

// LoadGenerated is [Load] for generated code.
func LoadGenerated(spec *Spec, features load.Features, opts *LoadOptions) (*Skeleton, error) {
	if err := features.Check(spec); err != nil {
		return nil, fmt.Errorf("load %s: %w", spec.Name, err)
	}
	s := newSkeleton(spec, features)
	if err := s.Load(opts); err != nil {
		return nil, err
	}
	return s, nil
}

// LoadAndBind is [Skeleton.Load] with a function that is called after it has
// succeeded, before anybody else can load or close the skeleton.
func LoadAndBind(s *Skeleton, opts *LoadOptions, bind func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(opts); err != nil {
		return err
	}
	bind()
	return nil
}

// CloseAndBind is [Skeleton.Close] likewise.
func CloseAndBind(s *Skeleton, bind func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.close()
	bind()
	return nil
}
