package runtime

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// IterProgram is a program of type TRACING that is called for each kernel object of some kind, and
// writes text or bytes about it: section iter.
type IterProgram struct{ *Program }

// NewIterProgram returns p as an IterProgram.
func NewIterProgram(p *Program) IterProgram { return IterProgram{p} }

// IterOptions restrict an iterator. Nil means all objects. Which fields apply depends on the
// iterator.
type IterOptions struct {
	// Map is the map that an iterator of map elements visits: iter/bpf_map_elem,
	// iter/bpf_sk_storage_map, iter/sockmap.
	Map AnyMap
	// TID or PID restricts an iterator of tasks, of their files or of their mappings to one thread,
	// or to all threads of one process (6.1).
	TID, PID int
	// Cgroup is the directory where an iterator of cgroups starts. It walks them in Order (6.1).
	Cgroup string
	Order  CgroupOrder
}

// CgroupOrder is enum bpf_cgroup_iter_order.
type CgroupOrder uint32

// Orders in which an iterator walks cgroups.
const (
	CgroupSelf            CgroupOrder = sys.CgroupIterSelfOnly
	CgroupDescendantsPre  CgroupOrder = sys.CgroupIterDescendantsPre
	CgroupDescendantsPost CgroupOrder = sys.CgroupIterDescendantsPost
	CgroupAncestorsUp     CgroupOrder = sys.CgroupIterAncestorsUp
)

// Attach returns a link for [OpenIter], which can be called any number of times. If the link is
// pinned, reading the pin runs the iterator.
func (p IterProgram) Attach(opts *IterOptions) (*Link, error) {
	const what = "attach iterator"
	target := opts
	if target == nil {
		target = &IterOptions{}
	}
	var info unsafe.Pointer // union bpf_iter_link_info
	tail := &sys.LinkIterTail{}
	switch {
	case target.Map != nil:
		num, err := acquireMap(target.Map, p.Program, what)
		if err != nil {
			return nil, err
		}
		defer mapIn(target.Map).fd.release()
		its := &sys.IterLinkInfoMap{MapFd: uint32(num)}
		info, tail.IterInfoLen = unsafe.Pointer(its), uint32(unsafe.Sizeof(*its))
	case target.TID != 0 || target.PID != 0:
		its := &sys.IterLinkInfoTask{Tid: uint32(target.TID), Pid: uint32(target.PID)}
		info, tail.IterInfoLen = unsafe.Pointer(its), uint32(unsafe.Sizeof(*its))
	case target.Cgroup != "" || target.Order != 0:
		its := &sys.IterLinkInfoCgroup{Order: uint32(target.Order)}
		if target.Cgroup != "" {
			num, err := sys.Open(target.Cgroup)
			if err != nil {
				return nil, p.fail(what, err)
			}
			defer unix.Close(num)
			its.CgroupFd = uint32(num)
		}
		info, tail.IterInfoLen = unsafe.Pointer(its), uint32(unsafe.Sizeof(*its))
	}
	tail.IterInfo = sys.Addr(info)
	l, err := linkCreate(p.Program, what, 0, sys.AttachTraceIter, 0, tailOf(tail))
	runtime.KeepAlive(info)
	return l, err
}

// Open starts an iteration. The reader returns what the program writes.
func (p IterProgram) Open(opts *IterOptions) (*IterReader, error) {
	l, err := p.Attach(opts)
	if err != nil {
		return nil, err
	}
	f, err := OpenIter(l)
	if err != nil {
		l.Close()
		return nil, err
	}
	return &IterReader{f, l}, nil
}

// IterReader reads the output of an iterator.
type IterReader struct {
	f    *os.File
	link *Link
}

// Read runs the program on as many objects as it takes to fill b, which may be smaller than the
// program's output for one object.
func (r *IterReader) Read(b []byte) (int, error) {
	if r == nil || r.f == nil {
		return 0, errNoIteration
	}
	return r.f.Read(b)
}

// Close ends the iteration and its link.
func (r *IterReader) Close() error {
	if r == nil || r.f == nil {
		return errNoIteration
	}
	return errors.Join(r.f.Close(), r.link.Close())
}

var errNoIteration = errors.New("the reader is nil or a zero value: use a reader that IterProgram.Open returned")

// OpenIter starts an iteration of an iterator link's program. The caller must close the file.
func OpenIter(l *Link) (*os.File, error) {
	num, err := l.acquire("iterate")
	if err != nil {
		return nil, err
	}
	defer l.fd.release()
	attr := sys.IterCreateAttr{LinkFd: uint32(num)}
	f, errno := sys.BPF(sys.CmdIterCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return nil, l.fail("iterate", errno)
	}
	return os.NewFile(uintptr(f), "bpf iterator "+l.name), nil
}
