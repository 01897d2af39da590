//vmtest:6.18,7.2,7.x

package sigload_test

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sigload"
)

// ring is an io_uring with one registered buffer, whose pages the kernel keeps after they are
// unmapped.
type ring struct {
	fd       int
	sq, sqes []byte
	tail     *uint32 // of the submission queue
	array    *uint32
	done     *uint32 // the tail of the completion queue
	result   *int32  // of the first completion
	buffer   uint64
}

// newRing registers a buffer.
func newRing(t *testing.T, buffer []byte) (*ring, error) {
	// struct io_uring_params: the offsets of the submission ring are at byte 40, those of the
	// completion ring at byte 80. The two rings are one mapping (IORING_FEAT_SINGLE_MMAP).
	var params [30]uint32
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return nil, fmt.Errorf("io_uring_setup: %w", errno)
	}
	r := &ring{fd: int(fd), buffer: uint64(uintptr(unsafe.Pointer(&buffer[0])))}
	t.Cleanup(func() { unix.Close(r.fd) })
	const sqes = 0x10000000 // IORING_OFF_SQES
	var err1, err2 error
	r.sq, err1 = unix.Mmap(r.fd, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	r.sqes, err2 = unix.Mmap(r.fd, sqes, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	t.Cleanup(func() { _, _ = unix.Munmap(r.sq), unix.Munmap(r.sqes) })
	sqOff := params[10:] // head, tail, ring_mask, ring_entries, flags, dropped, array
	r.tail = (*uint32)(unsafe.Pointer(&r.sq[sqOff[1]]))
	r.array = (*uint32)(unsafe.Pointer(&r.sq[sqOff[6]]))
	cqOff := params[20:] // head, tail, ring_mask, ring_entries, overflow, cqes
	r.done = (*uint32)(unsafe.Pointer(&r.sq[cqOff[1]]))
	r.result = (*int32)(unsafe.Pointer(&r.sq[cqOff[5]+8]))
	iovec := unix.Iovec{Base: &buffer[0]}
	iovec.SetLen(len(buffer))
	const registerBuffers = 0
	if _, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, fd, registerBuffers, uintptr(unsafe.Pointer(&iovec)), 1, 0, 0); errno != 0 {
		return nil, fmt.Errorf("register the buffer: %w", errno)
	}
	return r, nil
}

// read reads n bytes from a file into the beginning of the buffer. It can be called once per ring.
func (r *ring) read(from *os.File, n int) error {
	const readFixed, getEvents = 4, 1
	sqe := (*struct {
		opcode, flags uint8
		ioprio        uint16
		fd            int32
		off, addr     uint64
		len, rwFlags  uint32
		userData      uint64
		bufIndex      uint16
		_             [22]byte
	})(unsafe.Pointer(&r.sqes[0]))
	sqe.opcode, sqe.fd, sqe.off, sqe.addr, sqe.len = readFixed, int32(from.Fd()), 0, r.buffer, uint32(n)
	*r.array = 0
	atomic.AddUint32(r.tail, 1)
	// A signal ends the wait, but not the request.
	for submit := uintptr(1); atomic.LoadUint32(r.done) == 0; submit = 0 {
		_, _, errno := unix.Syscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), submit, 1, getEvents, 0, 0)
		if errno != 0 && errno != unix.EINTR {
			return fmt.Errorf("io_uring_enter: %w", errno)
		}
	}
	if *r.result != int32(n) {
		return fmt.Errorf("read to the buffer: result %d", *r.result)
	}
	return nil
}

// A mappable map can be changed after it was frozen, if its pages were registered with the kernel
// before. So the loader refuses it, although the kernel has verified the loader.
func TestMapWhosePagesAreKept(t *testing.T) {
	v := newVictim(t, "globals")
	const marker = "changed!" // in the slots, which the loader writes before it reads them
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(marker); err != nil {
		t.Fatal(err)
	}
	var r *ring
	seen := ""
	load := v.Good()
	load.Maps[0].Flags = unix.BPF_F_MMAPABLE
	load.Maps[0].BeforeFreeze = func(fd int) error {
		mem, err := unix.Mmap(fd, 0, len(v.Blob), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		r, err = newRing(t, mem)
		return errors.Join(err, unix.Munmap(mem))
	}
	load.BeforeRun = func(maps []int) error {
		err := r.read(file, len(marker))
		value, err2 := sigload.Lookup(maps[0], len(v.Blob))
		seen = value[:len(marker)]
		return errors.Join(err, err2)
	}
	verdict := v.Try(load)
	if seen != marker {
		t.Errorf("the frozen map begins with %q: it cannot be changed, so the loader need not refuse it", seen)
	}
	if verdict.Err != unix.EKEYREJECTED || verdict.Doing != "run the loader" {
		t.Errorf("got %v", verdict)
	}
	// The test can fail: w2 &= 4095 is replaced with w2 |= 1.
	v.sign(t, replace(t, v.Loader, "\x54\x02\x00\x00\xff\x0f\x00\x00", "\x44\x02\x00\x00\x01\x00\x00\x00"))
	if verdict := v.Try(load); !verdict.Verified {
		t.Errorf("without the check: %v", verdict)
	}
}
