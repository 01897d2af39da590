package sameload

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Reference loads an object as libbpf does ([Load]), describes what came to be, and lets go of it.
// A Refusal says that libbpf could do it in neither way. An error is neither the object's fault nor
// the kernel's.
func Reference(ctx context.Context, obj string) (View, *Refusal, error) {
	l, err := Load(ctx, obj)
	if r := new(Refusal); errors.As(err, &r) {
		return View{}, r, nil
	}
	if err != nil {
		return View{}, nil, err
	}
	defer l.Close()
	v, err := l.Describe()
	return v, nil, err
}

// Refusal is why the reference did not load an object.
type Refusal struct {
	// Errno is the kernel's answer: to libbpf's loader if it came that far, to libbpf otherwise. It
	// is zero if it was not the kernel that refused.
	Errno unix.Errno
	// Light is what came of libbpf's loader, Full what came of libbpf without it; nil if not tried.
	Light, Full error
}

// Error says what came of both ways.
func (r *Refusal) Error() string {
	switch {
	case r.Full == nil:
		return fmt.Sprintf("by libbpf's loader: %v", r.Light)
	case r.Light == nil:
		return fmt.Sprintf("by libbpf without its loader: %v", r.Full)
	}
	return fmt.Sprintf("by libbpf's loader: %v; without it: %v", r.Light, r.Full)
}

// and joins the refusals of both ways, in whichever order they were tried.
func (r *Refusal) and(other *Refusal) *Refusal {
	light, full := r, other
	if light.Light == nil {
		light, full = full, light
	}
	both := &Refusal{Errno: light.Errno, Light: light.Light, Full: full.Full}
	if both.Errno == 0 {
		both.Errno = full.Errno
	}
	return both
}

// errUnsafe is for objects that are not to be loaded by a loader program on a kernel that one wants
// to keep.
var errUnsafe = errors.New("not tried: a map that hangs the kernel if its creation fails in a loader")

func asErrno(err error) (unix.Errno, bool) {
	var errno unix.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}
