package runtime

// This file and package runtime/impl are for generated code only. Use the functions of the
// generated package instead.

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
)

// OpenGenerated is [Open] for generated code, which lists the features that its object needs so
// that the linker can drop the others.
func OpenGenerated(spec *Spec, features *load.Features) (*Skeleton, error) {
	if err := features.Check(spec); err != nil {
		return nil, fmt.Errorf("open %s: %w", spec.Name, err)
	}
	s := newSkeleton(spec, features)
	for i := range s.areas {
		a := &s.areas[i]
		m := &spec.Maps[a.Map]
		if err := a.Reserve(); err != nil {
			s.Close()
			return nil, fmt.Errorf("open %s: map %s: allocate memory for the initial value: %w", spec.Name, m.Name, err)
		}
		if m.Data != 0 {
			copy(a.Bytes(), spec.Blob[m.Data:][:m.MappedSize()])
		}
	}
	return s, nil
}

// OpenKconfig initializes __kconfig variables with this machine's values, as far as they can be
// found. It is for generated code, which calls it after OpenGenerated.
func OpenKconfig(s *Skeleton) { load.OpenKconfig(s.spec, s.areas) }

// LoadGenerated is [Load] for generated code.
func LoadGenerated(spec *Spec, features *load.Features, opts *LoadOptions) (*Skeleton, error) {
	if err := features.Check(spec); err != nil {
		return nil, fmt.Errorf("load %s: %w", spec.Name, err)
	}
	s := newSkeleton(spec, features)
	if err := s.Load(opts); err != nil {
		return nil, err
	}
	return s, nil
}

// LoadAndBind is [Skeleton.Load] for generated code: after a successful load it calls bind, before
// another goroutine can load or close the skeleton.
func LoadAndBind(s *Skeleton, opts *LoadOptions, bind func()) error {
	if s == nil || s.spec == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(opts); err != nil {
		return err
	}
	bind()
	return nil
}

// CloseGenerated is [Skeleton.Close] for generated code: it detaches the links, closes the
// skeleton, and calls bind, if it is not nil, before another goroutine can load or attach.
func CloseGenerated(s *Skeleton, links []**Link, bind func()) error {
	if s == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	closeLinks(links)
	s.close()
	if bind != nil {
		bind()
	}
	return nil
}

// SectionProgram is a typed program that can be attached to what its section names.
type SectionProgram interface {
	AnyProgram
	attachBySection() (*Link, error)
}

// Each kind is reached only through a SectionProgram, so a binary contains only the kinds that its
// object has.
func (p TracingProgram) attachBySection() (*Link, error)       { return p.Attach(nil) }
func (p TracingMultiProgram) attachBySection() (*Link, error)  { return p.Attach(nil) }
func (p LSMProgram) attachBySection() (*Link, error)           { return p.Attach(nil) }
func (p ExtProgram) attachBySection() (*Link, error)           { return p.Attach(nil) }
func (p IterProgram) attachBySection() (*Link, error)          { return p.Attach(nil) }
func (p TracepointProgram) attachBySection() (*Link, error)    { return p.Attach(nil) }
func (p RawTracepointProgram) attachBySection() (*Link, error) { return p.Attach(nil) }
func (p KprobeProgram) attachBySection() (*Link, error)        { return p.Attach(nil) }
func (p KprobeMultiProgram) attachBySection() (*Link, error)   { return p.Attach(nil) }

// Attachment is a program that can be attached by its section, and the variable that holds its
// link.
type Attachment struct {
	Program SectionProgram
	Link    **Link
}

// AttachSections is a skeleton's Attach for generated code: it attaches every program in list that
// is loaded and not attached yet, and returns the names of all other programs of the object, except
// those already attached. If one fails, all programs in list are detached. It returns an error
// before Load and after Close.
func AttachSections(s *Skeleton, list []Attachment) (left []string, err error) {
	if s == nil || s.spec == nil {
		return nil, errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return attachSections(s, list)
}

func attachSections(s *Skeleton, list []Attachment) (left []string, err error) {
	if err := s.mayAttach(); err != nil {
		return nil, err
	}
	for i := range s.programs {
		p := &s.programs[i]
		a := attachmentOf(p, list)
		switch {
		case a == nil || p.FD() < 0:
			left = append(left, p.Name())
			continue
		case *a.Link != nil:
			continue
		}
		if *a.Link, err = a.Program.attachBySection(); err != nil {
			for _, a := range list {
				closeLinks([]**Link{a.Link})
			}
			return nil, err
		}
	}
	return left, nil
}

func attachmentOf(p *Program, list []Attachment) *Attachment {
	for i := range list {
		if list[i].Program.untyped() == p {
			return &list[i]
		}
	}
	return nil
}

// DetachSections is a skeleton's Detach for generated code.
func DetachSections(s *Skeleton, links []**Link) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	closeLinks(links)
}

// closeLinks closes the links that are not nil, and sets them to nil.
func closeLinks(links []**Link) {
	for _, l := range links {
		if *l != nil {
			(*l).Close()
			*l = nil
		}
	}
}

// mayAttach returns the reason why programs cannot be attached, if there is one.
func (s *Skeleton) mayAttach() error {
	switch s.state {
	case opened:
		return fmt.Errorf("attach %s: %w", s.spec.Name, errNotLoaded)
	case closed:
		return fmt.Errorf("attach %s: %w", s.spec.Name, errSkelClosed)
	}
	return nil
}
