package load

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Elem looks up or updates an element of a map, or finds the next key. A nil key means no key.
func Elem(cmd sys.Cmd, fd int, key, value []byte, flags uint64) unix.Errno {
	attr := &sys.MapElemAttr{MapFd: uint32(fd), Value: sys.Addr(unsafe.Pointer(unsafe.SliceData(value))), Flags: flags}
	if key != nil {
		attr.Key = sys.Addr(unsafe.Pointer(unsafe.SliceData(key)))
	}
	size := unsafe.Sizeof(*attr)
	if cmd == sys.CmdMapGetNextKey {
		size = unsafe.Offsetof(attr.Flags)
	}
	_, errno := sys.BPF(cmd, unsafe.Pointer(attr), size)
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return errno
}

// LoadBTF loads only an object's BTF.
func LoadBTF(s *spec.Spec) (int, unix.Errno) {
	data := s.Blob[s.BTF.Data:][:s.BTF.Size]
	attr := &sys.BtfLoadAttr{Btf: sys.StringAddr(data), BtfSize: s.BTF.Size}
	num, errno := sys.BPF(sys.CmdBtfLoad, unsafe.Pointer(attr), unsafe.Offsetof(attr.BtfLogLevel)+4)
	runtime.KeepAlive(data)
	return num, errno
}

// EachKey calls do with each key of a map. do must not keep the key. If a key is deleted during the
// iteration, the kernel starts over with the first key; EachKey accepts that a bounded number of
// times.
func EachKey(fd, keySize int, entries uint32, do func(key []byte) error) error {
	keys := make([]byte, 2*keySize)
	key, next := keys[:keySize], keys[keySize:]
	var at []byte
	for range 3*uint64(entries) + 1 {
		switch errno := Elem(sys.CmdMapGetNextKey, fd, at, next, 0); errno {
		case 0:
		case unix.ENOENT:
			return nil
		default:
			return errno
		}
		copy(key, next)
		at = key
		if err := do(key); err != nil {
			return err
		}
	}
	return errors.New("cannot list its keys, which change too fast")
}
