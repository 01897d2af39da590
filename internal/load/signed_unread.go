package load

import (
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// maxReads bounds the attempts to read the map of a signed load. The kernel copies the whole map,
// and may be short of memory for a moment.
const maxReads = 8

// readBack copies the map to memory, including what the loader has written to the slots.
func (m *blobMap) readBack() (errno unix.Errno) {
	for i := range maxReads {
		if errno = m.readOnce(); errno != unix.ENOMEM && errno != unix.EINTR && errno != unix.EAGAIN {
			break
		}
		time.Sleep(time.Millisecond << i)
	}
	return errno
}

func (m *blobMap) readOnce() unix.Errno {
	key := new(uint32)
	attr := sys.MapElemAttr{MapFd: uint32(m.fd), Key: sys.Addr(unsafe.Pointer(key)), Value: sys.Addr(m.at(0))}
	_, errno := sys.BPF(sys.CmdMapLookupElem, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(key)
	return errno
}

// unread holds loads whose loader has run but whose slots could not be read. Only the slots say
// which file descriptors the loader has created, so the map is kept until they can be read and the
// file descriptors closed.
var unread struct {
	sync.Mutex
	loads []*engine
}

// settleLater keeps what is needed to close the file descriptors that a load has created. It takes
// ownership of the load's map.
func settleLater(e *engine) {
	unread.Lock()
	defer unread.Unlock()
	unread.loads = append(unread.loads, &engine{Loaded: Loaded{spec: e.spec, blob: e.blob}})
}

// settleUnread closes what earlier loads have left open, if their slots can be read now.
func settleUnread() {
	unread.Lock()
	defer unread.Unlock()
	var still []*engine
	for _, e := range unread.loads {
		if e.blob.readOnce() != 0 {
			still = append(still, e)
			continue
		}
		e.closeRest(true)
		e.blob.close()
	}
	unread.loads = still
}
