package load

import (
	"errors"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// PinConflict describes a pinned map that differs from the object's map.
type PinConflict struct {
	_ incomparable

	Map  string // name in the source
	Path string // where the existing map is pinned
	Why  *IncompatibleMapError

	old, now int  // file descriptors
	aside    bool // now is pinned at AsidePath already
	oldInfo  sys.MapInfo
	nowInfo  sys.MapInfo
}

// AsidePath returns the path to which SetAsidePinned moves a map that was pinned at path.
func AsidePath(path string) string { return path + "_old" }

// settlePin handles a map that is pinned at the path of an object's map. Only one process does this
// at a time.
func settlePin(e *engine, p pin) *spec.Failure {
	release, err := LockDir(p.path[:strings.LastIndexByte(p.path, '/')])
	if err != nil {
		return failPin(e, p.index, err)
	}
	defer release()
	fd, errno := sys.ObjGet(p.path)
	if errno == unix.ENOENT {
		return failPin(e, p.index, unix.EAGAIN) // the pin was removed: try again
	}
	if errno != 0 {
		return failPin(e, p.index, errno)
	}
	defer unix.Close(fd)
	info, err := compatiblePin(e, p.index, p.path, fd)
	if err == nil {
		return failPin(e, p.index, unix.EAGAIN) // another process was faster: try again with its map
	}
	var differs *IncompatibleMapError
	if !errors.As(err, &differs) || incompatible(e) == nil {
		return failPin(e, p.index, err)
	}
	m := &e.spec.Maps[p.index]
	c := &PinConflict{Map: m.Name, Path: p.path, Why: differs, old: fd, now: int(*e.blob.slot(m.Slot)), aside: p.aside, oldInfo: info}
	if c.nowInfo, errno = sys.MapInfoOf(c.now); errno != 0 {
		return failPin(e, p.index, errno)
	}
	if err := incompatible(e)(c); err != nil {
		return failReuse(e, p.index, err)
	}
	return nil
}

// LockDir locks a directory, so that other processes that call LockDir do not change its pins at
// the same time. The lock is released when the process dies.
func LockDir(directory string) (release func(), err error) {
	fd, err := unix.Open(directory, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(fd, unix.LOCK_EX); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return func() { unix.Close(fd) }, nil
}

// stage pins the new map next to the old one, so that a single rename puts it in the old one's
// place.
func (c *PinConflict) stage() error {
	if c.aside {
		return nil
	}
	path := AsidePath(c.Path)
	switch errno := sys.ObjPin(c.now, path); errno {
	case 0:
		return nil
	case unix.EEXIST:
		return &asideError{path}
	default:
		return errno
	}
}

// unstage removes the pin that stage has created.
func (c *PinConflict) unstage() {
	if !c.aside {
		_ = unix.Unlink(AsidePath(c.Path))
	}
}

type asideError struct{ path string }

func (e *asideError) Error() string {
	return e.path + " is left over from an interrupted upgrade: finish it with that version, or remove the pin"
}

func (e *asideError) Unwrap() error { return unix.EEXIST }

// ReplacePinned replaces the pinned map with the object's map. The old map's entries are no longer
// reachable through the path. Programs that use the old map continue to do so.
func ReplacePinned(c *PinConflict) error {
	if err := c.stage(); err != nil {
		return err
	}
	if err := unix.Rename(AsidePath(c.Path), c.Path); err != nil {
		c.unstage()
		return err
	}
	return nil
}

// SetAsidePinned replaces the pinned map with the object's map in one step, and leaves the old map
// pinned at [AsidePath].
func SetAsidePinned(c *PinConflict) error {
	if err := c.stage(); err != nil {
		return err
	}
	const exchange = 1 << 1 // RENAME_EXCHANGE, which BPF file systems have since 5.16 (simple_rename_exchange)
	if err := unix.Renameat2(unix.AT_FDCWD, AsidePath(c.Path), unix.AT_FDCWD, c.Path, exchange); err != nil {
		c.unstage()
		return err
	}
	return nil
}
