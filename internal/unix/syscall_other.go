//go:build !linux || bpf2lskel_standin

package unix

import (
	"syscall"
	"unsafe"
)

func Supported() error { return ErrUnsupported }

func BPF(uintptr, unsafe.Pointer, uintptr) (uintptr, Errno) { return ^uintptr(0), syscall.ENOTSUP }

func MadvisePtr(unsafe.Pointer, uintptr, int) error { return ErrUnsupported }

func MremapFixed(unsafe.Pointer, uintptr, uintptr, unsafe.Pointer) Errno { return syscall.ENOTSUP }

func Personality(uint32) (uint32, error) { return 0, ErrUnsupported }
