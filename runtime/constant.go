package runtime

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// SetConstant sets a number that assembly in the source refers to by name, in all programs that use
// it. Call it between Open and Load:
//
//	asm("%0 = MONITOR_PID ll" : "=r"(pid)); // in C
//	err := runtime.SetConstant(s.Core(), "MONITOR_PID", uint64(pid))
//
// The number is 0 by default. Sources that are not written for cilium/ebpf use a const volatile
// global instead, which is a field of Rodata. If the object has no number of that name, the error
// lists those it has. For a package that can be signed, the error is [ErrSigned], because the
// signature covers the number. SetConstant is a function rather than a method so that only programs
// that use it contain the code. It must not be called while the skeleton is in use elsewhere.
func SetConstant(s *Skeleton, name string, value uint64) error {
	if s == nil || s.spec == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.setConstant(name, value); err != nil {
		return fmt.Errorf("set constant %s of %s: %w", name, s.spec.Name, err)
	}
	return nil
}

func (s *Skeleton) setConstant(name string, value uint64) error {
	if err := s.ready(); err != nil {
		return err
	}
	if s.spec.Signed != nil {
		return ErrSigned
	}
	constants, err := s.spec.ParseConstants()
	if err != nil {
		return err
	}
	changer := load.Change(s.spec)
	var names []string
	found := false
	for _, c := range constants {
		if c.Name == name {
			changer.SetConstant(c.At, value)
			found = true
		} else if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	switch {
	case found:
		s.spec = changer.Spec()
		return nil
	case len(names) == 0:
		return errors.New("the object has no named constants")
	}
	return errors.New("no such constant: the object has " + strings.Join(names, ", "))
}
