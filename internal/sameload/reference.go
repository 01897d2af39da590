package sameload

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Reference loads an object as libbpf does ([Load]), describes the result, and closes it. A Refusal
// means that libbpf could not load it in either way. Any other error is neither the object's fault
// nor the kernel's.
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

// Refusal is the reason why the reference did not load an object.
type Refusal struct {
	// Errno is the kernel's error: for libbpf's loader if it got that far, for libbpf otherwise. It
	// is zero if something other than the kernel refused.
	Errno unix.Errno
	// Light and Full are the errors of libbpf with and without its loader, or nil if not tried.
	Light, Full error
}

// Error returns the errors of both ways.
func (r *Refusal) Error() string {
	switch {
	case r.Full == nil:
		return fmt.Sprintf("by libbpf's loader: %v", r.Light)
	case r.Light == nil:
		return fmt.Sprintf("by libbpf without its loader: %v", r.Full)
	}
	return fmt.Sprintf("by libbpf's loader: %v; without it: %v", r.Light, r.Full)
}

// and joins the refusals of both ways, in either order.
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

// errUnsafe is for objects that can wedge the kernel if a loader program loads them.
var errUnsafe = errors.New("not tried: a map that hangs the kernel if its creation fails in a loader")

func asErrno(err error) (unix.Errno, bool) {
	var errno unix.Errno
	ok := errors.As(err, &errno)
	return errno, ok
}
