package runtime

import (
	"errors"
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Cloner loads a program of a loaded skeleton again, once for each further target. The clones use
// the skeleton's maps and global data. Each clone is one BPF_PROG_LOAD, so a target that the kernel
// refuses does not affect the others.
//
// A Cloner is safe for concurrent use. It keeps the skeleton's maps open until Close.
type Cloner[P AnyProgram] struct {
	from     *Program
	typed    func(*Program) P
	maps     []*Map
	template *load.Cloner

	mu     sync.RWMutex
	closed bool
}

var errNoCloner = errors.New("the Cloner is nil or a zero value: use one that NewCloner returned")

// Clonable is the set of typed programs that are loaded for a target.
type Clonable[P any] interface {
	AnyProgram
	clone(*Program) P
}

func (TracingProgram) clone(p *Program) TracingProgram { return TracingProgram{p} }
func (LSMProgram) clone(p *Program) LSMProgram         { return LSMProgram{p} }
func (IterProgram) clone(p *Program) IterProgram       { return IterProgram{p} }
func (ExtProgram) clone(p *Program) ExtProgram         { return ExtProgram{p} }

// NewCloner prepares a program of a loaded skeleton for cloning. It runs the loader once more,
// without creating maps or loading programs. The program itself need not be loaded, as with
// SEC("?fentry"). Errors from the kernel are of type *[LoadError]. Packages that can be signed fail
// with [ErrSigned], because no signature covers what clones attach to.
func NewCloner[P Clonable[P]](s *Skeleton, p P) (*Cloner[P], error) {
	c := &Cloner[P]{from: programOf(p), typed: p.clone}
	if s == nil || s.spec == nil {
		return nil, errNoSkeleton
	}
	if !c.from.exists() {
		return nil, c.from.fail("clone", errNoProgram)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	index := int32(-1)
	for i := range s.programs {
		if &s.programs[i] == c.from {
			index = int32(i)
		}
	}
	switch {
	case index < 0:
		return nil, c.from.fail("clone", &sentinelError{text: "the program belongs to another skeleton", errno: unix.EINVAL})
	case s.spec.Signed != nil:
		return nil, c.from.fail("clone", ErrSigned)
	case s.state == opened:
		return nil, c.from.fail("clone", errNotLoaded)
	case s.state == closed:
		return nil, c.from.fail("clone", errProgClosed)
	}
	fds := make([]int, len(s.maps))
	for i := range s.maps {
		num, err := s.maps[i].fd.acquire()
		if err != nil { // not created or already closed: a clone that uses it is refused
			fds[i] = -1
			continue
		}
		fds[i], c.maps = num, append(c.maps, &s.maps[i])
	}
	prepare := load.NewCloner
	if load.Old != nil {
		prepare = load.Old.Cloner(s.spec, index, s.interpreted)
	}
	template, failure := prepare(s.spec, s.features, fds, index)
	if failure != nil {
		c.release()
		return nil, newLoadError(failure)
	}
	c.template = template
	return c, nil
}

func (c *Cloner[P]) release() {
	for _, m := range c.maps {
		m.fd.release()
	}
	c.maps = nil
}

// Clone loads the program for a kernel function, tracepoint, hook or iterator; see
// [TracingProgram.SetAttachTarget] for the names. The caller must close the clone. Errors from the
// kernel are of type *[LoadError].
func (c *Cloner[P]) Clone(name string) (P, error) {
	if c == nil || c.template == nil {
		return *new(P), errNoCloner
	}
	target, err := kernelTarget(c.from, name)
	if err != nil {
		var none P
		return none, err
	}
	return c.load(&target, name)
}

// CloneForProgram loads the program for a function of another BPF program: see
// [TracingProgram.SetAttachTargetProgram].
func (c *Cloner[P]) CloneForProgram(target AnyProgram, function string) (P, error) {
	if c == nil || c.template == nil {
		return *new(P), errNoCloner
	}
	t, err := programTarget(c.from, target, function)
	if err != nil {
		var none P
		return none, err
	}
	return c.load(&t, t.Name)
}

func (c *Cloner[P]) load(target *load.Target, attachTo string) (p P, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return p, c.from.fail("clone", &closedAs{"the Cloner is closed"})
	}
	num, failure := c.template.Load(target)
	if failure != nil {
		return p, newLoadError(failure)
	}
	described := *c.from.spec
	described.Slot, described.AttachTo = spec.NoSlot, attachTo
	clone := &Program{spec: &described}
	clone.fd.set(num)
	return c.typed(clone), nil
}

// Close releases what clones are made from. Existing clones stay open. Closing twice is fine.
func (c *Cloner[P]) Close() error {
	if c == nil || c.template == nil {
		return errNoCloner
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		c.template.Close()
		c.release()
	}
	return nil
}
