package errtype

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"testing"
)

func TestOf(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}
	for _, test := range []struct {
		name string
		err  error
		want syscall.Errno // 0 for none
	}{
		{"nil", nil, 0},
		{"itself", syscall.EPERM, syscall.EPERM},
		{"wrapped", fmt.Errorf("a: %w", fmt.Errorf("b: %w", syscall.EPERM)), syscall.EPERM},
		{"in a struct", path, syscall.ENOENT},
		{"joined, the first", errors.Join(io.EOF, fmt.Errorf("a: %w", syscall.EPERM), path), syscall.EPERM},
		{"joined within", fmt.Errorf("a: %w and %w", errors.Join(io.EOF, nil), path), syscall.ENOENT},
		{"another", fmt.Errorf("a: %w", io.EOF), 0},
		{"joined others", errors.Join(io.EOF, io.ErrNoProgress), 0},
	} {
		got, ok := Of[syscall.Errno](test.err)
		var same syscall.Errno
		if want := errors.As(test.err, &same); ok != want || got != same {
			t.Errorf("%s: got %v, %v; package errors has %v, %v", test.name, got, ok, same, want)
		}
		if got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
	if got, ok := Of[*fs.PathError](fmt.Errorf("a: %w", path)); !ok || got != path {
		t.Errorf("pointer: got %v, %v", got, ok)
	}
	if got, ok := Of[interface {
		error
		Timeout() bool
	}](fmt.Errorf("a: %w", syscall.EAGAIN)); !ok || !got.Timeout() {
		t.Errorf("interface: got %v, %v", got, ok)
	}
}
