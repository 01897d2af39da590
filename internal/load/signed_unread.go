package load

import (
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// maxReads bounds how often the map of a signed load is read. The kernel copies it as a whole, and
// may lack the memory for a moment.
const maxReads = 8

// readBack copies the map to memory, with what the loader has put into the slots.
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

// unread are loads whose loader has run, and whose slots could not be read: only they say which
// file descriptors it has made. These are closed when the slots can be read, so the map is kept
// until then.
var unread struct {
	sync.Mutex
	loads []*engine
}

// settleLater keeps what is needed to close what a load has made. The map is then no longer the
// load's.
func settleLater(e *engine) {
	unread.Lock()
	defer unread.Unlock()
	unread.loads = append(unread.loads, &engine{Loaded: Loaded{spec: e.spec, blob: e.blob}})
}

// settleUnread closes what earlier loads have left, if it can.
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
