package sameload

import (
	"context"
	"errors"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Loaded is an object loaded by the reference.
type Loaded struct {
	Style Style
	// Maps and Programs are file descriptors of this process, by their names in a View.
	Maps, Programs map[string]int
}

// Close closes all maps and programs.
func (l *Loaded) Close() {
	closeAll(l.Maps)
	closeAll(l.Programs)
}

// Describe returns a View of the load.
func (l *Loaded) Describe() (View, error) {
	v, err := Describe(l.Maps, l.Programs)
	v.Style = l.Style
	return v, err
}

// Light loads an object through libbpf's loader. If that fails, the error is a *Refusal whose Errno
// is the kernel's, or zero if libbpf has no loader for this object.
func Light(ctx context.Context, obj string) (*Loaded, error) {
	defs, err := readMapDefs(obj)
	if err != nil {
		return nil, &Refusal{Light: err}
	}
	if defs.unsafeInLoader() {
		return nil, &Refusal{Light: errUnsafe}
	}
	s, err := skeleton(ctx, obj)
	if errors.Is(err, ErrNoLoader) {
		return nil, &Refusal{Light: err}
	}
	if err != nil {
		return nil, err
	}
	l := &Loaded{Style: ByIndex}
	l.Maps, l.Programs, err = lightLoad(s, defs)
	if errno, ok := asErrno(err); ok {
		return nil, &Refusal{Errno: errno, Light: err}
	}
	if err != nil {
		return nil, err
	}
	return l, l.rename()
}

// Full loads an object with libbpf, without its loader. If that fails, the error is a *Refusal
// whose Errno is the kernel's, or zero if libbpf did not ask the kernel.
func Full(ctx context.Context, obj string) (*Loaded, error) {
	l := &Loaded{Style: ByFD}
	var err error
	l.Maps, l.Programs, err = fullLoad(ctx, obj)
	if said := new(saidNo); errors.As(err, &said) {
		errno, _ := asErrno(said)
		return nil, &Refusal{Errno: errno, Full: said}
	}
	if err != nil {
		return nil, err
	}
	return l, l.rename()
}

// rename gives maps their names in the object.
func (l *Loaded) rename() error {
	maps, err := namer().canonical(l.Maps)
	if err != nil {
		l.Close()
		return err
	}
	l.Maps = maps
	return nil
}

// Load loads an object through libbpf's loader if possible, and without it otherwise. If libbpf's
// loader cannot be trusted with the object ([PrefersFull]), only the other way is used, and if that
// is refused, the result is unknown: the Refusal has no Errno unless the loader is refused, too.
// Before Linux 5.14 only the other way exists, and its result counts.
func Load(ctx context.Context, obj string) (*Loaded, error) {
	if sys.KernelVersion().Before(sys.Version{5, 14}) {
		return Full(ctx, obj)
	}
	full, err := PrefersFull(obj)
	if err != nil {
		return nil, err
	}
	first, second := Light, Full
	if full {
		first, second = Full, Light
	}
	l, err := first(ctx, obj)
	one := new(Refusal)
	if !errors.As(err, &one) {
		return l, err
	}
	l, err = second(ctx, obj)
	other := new(Refusal)
	if errors.As(err, &other) {
		return nil, one.and(other)
	}
	if err == nil && full {
		l.Close()
		return nil, &Refusal{Light: errUntrusted, Full: one.Full}
	}
	return l, err
}

// errUntrusted is for objects that libbpf's loader loads wrongly.
var errUntrusted = errors.New("it takes weak kfuncs for missing")
