package sameload

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// objInfo fills info from a file descriptor. Memory that its fields refer to must stay alive.
func objInfo[T sys.MapInfo | sys.ProgInfo | sys.BtfInfo](fd int, info *T) error {
	if errno := sys.ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info)); errno != 0 {
		return fmt.Errorf("BPF_OBJ_GET_INFO_BY_FD: %w", errno)
	}
	return nil
}

// fdByID opens a map, a program or BTF by ID.
func fdByID(cmd sys.Cmd, id uint32) (int, error) {
	fd, errno := sys.GetFdByID(cmd, id)
	if errno != 0 {
		return -1, errno
	}
	return fd, nil
}

// elem looks up or updates an element, or stores the key after key in value.
func elem(cmd sys.Cmd, fd int, key, value []byte) error {
	attr := sys.MapElemAttr{MapFd: uint32(fd), Key: sys.BytesAddr(key), Value: sys.BytesAddr(value)}
	_, errno := sys.BPF(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	if errno != 0 {
		return errno
	}
	return nil
}

// fdinfo returns /proc's fields for a file descriptor of this process.
func fdinfo(fd int) (map[string]string, error) {
	return readFdinfo(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
}

func readFdinfo(path string) (map[string]string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			fields[key] = strings.TrimSpace(value)
		}
	}
	return fields, nil
}
