package runtime

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Link is an attachment of a program. It lasts until Close or the end of the process or, if pinned,
// until the pin is removed. Neither closing the skeleton nor garbage collection ends it. Its
// methods are safe for concurrent use; on a nil or zero Link they return an error.
type Link struct {
	fd   fd
	name string // of the program, or ofMap and the name of a struct_ops map
	what string // "attach XDP to interface 3"

	// undo ends an attachment that is not a BPF link. It is nil for BPF links.
	undo   func() error
	undone atomic.Bool
}

// ofMap is the prefix of the name of a struct_ops map's link, which makes errors read "program of
// map plain: update link: the link is closed".
const ofMap = "of map "

// AnyProgram is a [*Program] or one of the typed programs around it.
type AnyProgram interface {
	Name() string
	FD() int
	DupFD() (int, error)
	Spec() *ProgramSpec
	untyped() *Program
}

func (p *Program) untyped() *Program { return p }

// linkCreate attaches p with a BPF link. The caller keeps alive whatever tail has addresses of.
func linkCreate(p *Program, what string, target int, attachType, flags uint32, tail linkTail) (*Link, error) {
	num, err := p.acquire(what)
	if err != nil {
		return nil, err
	}
	defer p.fd.release()
	if int(int32(target)) != target { // the kernel would take another one
		return nil, p.fail(what, unix.EINVAL)
	}
	attr := sys.LinkCreateAttr{
		ProgFd: uint32(num), TargetFd: uint32(target), AttachType: attachType, Flags: flags,
	}
	size := unsafe.Offsetof(attr.Tail)
	copy(attr.Tail[:], tail)
	size += uintptr(len(tail))
	link, errno := sys.BPF(sys.CmdLinkCreate, unsafe.Pointer(&attr), size)
	if errno != 0 {
		return nil, p.fail(what, withHint(errno, explain.AttachHint(attachType, errno)))
	}
	return newLink(p, what, link), nil
}

// linkTail is the bytes of one of the Link*Tail structs, or nil for attach types that need no
// further data.
type linkTail []byte

func tailOf[T any](tail *T) linkTail {
	return unsafe.Slice((*byte)(unsafe.Pointer(tail)), unsafe.Sizeof(*tail))
}

func newLink(p *Program, what string, num int) *Link {
	l := &Link{name: p.spec.Name, what: what}
	l.fd.set(num)
	return l
}

// NewLink makes a Link from an attachment that is not a BPF link. It is for packages that attach in
// other ways. The text in what describes the attachment in messages, such as "attach tc to
// interface 3". The function detach ends the attachment, and is called once. Such a Link cannot be
// updated or pinned, and has no file descriptor.
func NewLink(p AnyProgram, what string, detach func() error) *Link {
	return &Link{name: programOf(p).Name(), what: what, undo: detach}
}

// Close ends the attachment, unless it is pinned. Closing twice is fine.
func (l *Link) Close() error {
	var err error
	switch {
	case l == nil, l.what == "":
		err = errNoLink
	case l.undo == nil:
		l.fd.close()
	case l.undone.CompareAndSwap(false, true):
		err = l.undo()
	}
	if err != nil {
		return l.fail("close", err)
	}
	return nil
}

// String describes what is attached where.
func (l *Link) String() string {
	if l == nil || l.what == "" {
		return "no link"
	}
	if _, name, ok := strings.Cut(l.name, ofMap); ok {
		return "map " + name + ": " + l.what
	}
	return "program " + l.name + ": " + l.what
}

// FD returns the link's file descriptor, or -1 if the link is closed or not a BPF link. The link
// owns it.
func (l *Link) FD() int {
	if l == nil {
		return -1
	}
	return l.fd.peek()
}

// DupFD returns a new file descriptor for the link, which the caller owns.
func (l *Link) DupFD() (int, error) {
	if _, err := l.acquire("duplicate"); err != nil {
		return -1, err
	}
	defer l.fd.release()
	num, err := l.fd.dup()
	if err != nil {
		return -1, l.fail("duplicate", err)
	}
	return num, nil
}

// LinkTarget is what [Link.Update] takes: a [*Program], one of the typed programs, or a
// [*StructOpsMap] for the link of one.
type LinkTarget interface {
	Name() string
	FD() int
	DupFD() (int, error)
}

// linkUpdater is a LinkTarget that is not a program. Programs do not have the method, because it
// would be in every binary.
type linkUpdater interface {
	updateLink(l *Link, link int) error
}

// Update atomically replaces the link's program, or struct_ops map, with another: no packet or
// event is missed. Kinds of links that cannot be updated return unix.EINVAL or
// [errors.ErrUnsupported].
func (l *Link) Update(to LinkTarget) error {
	num, err := l.acquire("update")
	if err != nil {
		return err
	}
	defer l.fd.release()
	if m, ok := to.(linkUpdater); ok {
		return m.updateLink(l, num)
	}
	p, _ := to.(AnyProgram)
	program := programOf(p)
	prog, err := program.acquire("replace program " + l.name)
	if err != nil {
		return err
	}
	defer program.fd.release()
	return updateLink(l, num, prog)
}

// updateLink replaces what a link refers to with another program or map, given by its file
// descriptor.
func updateLink(l *Link, link, to int) error {
	attr := sys.LinkUpdateAttr{LinkFd: uint32(link), NewProgFd: uint32(to)}
	if _, errno := sys.BPF(sys.CmdLinkUpdate, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 {
		return l.fail("update", withHint(errno, explain.UpdateHint(errno)))
	}
	return nil
}

// Detach ends the attachment but keeps the link, pinned or not (5.9).
func (l *Link) Detach() error {
	num, err := l.acquire("detach")
	if err != nil {
		return err
	}
	defer l.fd.release()
	attr := sys.LinkDetachAttr{LinkFd: uint32(num)}
	if _, errno := sys.BPF(sys.CmdLinkDetach, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); errno != 0 {
		return l.fail("detach", errno)
	}
	return nil
}

// Pin gives the link a name in a BPF file system, so that the attachment outlives the process. The
// name must not exist.
func (l *Link) Pin(path string) error {
	num, err := l.acquire("pin")
	if err != nil {
		return err
	}
	defer l.fd.release()
	if errno := sys.ObjPin(num, path); errno != 0 {
		return l.fail("pin to "+path, withHint(errno, explain.PinHint(errno)))
	}
	return nil
}

// OpenPinnedLink opens a pinned link.
func OpenPinnedLink(path string) (*Link, error) {
	num, err := openPin("open pinned link", path, isLink)
	if err != nil {
		return nil, err
	}
	l := &Link{name: path, what: "pinned"}
	l.fd.set(num)
	return l, nil
}

// acquire is fd.acquire for links, some of which have no fd.
func (l *Link) acquire(op string) (int, error) {
	if l == nil || l.what == "" {
		return -1, l.fail(op, errNoLink)
	}
	if l.undo != nil {
		return -1, l.fail(op, errors.ErrUnsupported)
	}
	num, err := l.fd.acquire()
	if err != nil {
		return -1, l.fail(op, err)
	}
	return num, nil
}

func (l *Link) fail(op string, err error) error {
	name := ""
	if l != nil {
		name = l.name
	}
	if err == error(os.ErrClosed) {
		err = errLinkClosed
	}
	return newProgramError(name, op+" link", err)
}

// rawTracepointOpen attaches p to the target it was loaded for, or to a raw tracepoint.
func rawTracepointOpen(p *Program, what, name string, cookie uint64) (*Link, error) {
	num, err := p.acquire(what)
	if err != nil {
		return nil, err
	}
	defer p.fd.release()
	attr := sys.RawTracepointAttr{ProgFd: uint32(num), Cookie: cookie}
	var keep []byte
	if name != "" {
		if attr.Name, keep, err = cString(name); err != nil {
			return nil, p.fail(what, err)
		}
	}
	size := unsafe.Sizeof(attr)
	if cookie == 0 {
		size = unsafe.Offsetof(attr.Cookie)
	}
	link, errno := sys.BPF(sys.CmdRawTracepointOpen, unsafe.Pointer(&attr), size)
	runtime.KeepAlive(keep)
	if errno != 0 {
		return nil, p.fail(what, withHint(errno, explain.AttachHint(sys.AttachTraceRawTP, errno)))
	}
	return newLink(p, what, link), nil
}
