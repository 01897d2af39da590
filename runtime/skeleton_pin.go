package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A pinned skeleton is a directory in a BPF file system with three subdirectories, for maps,
// programs and links. It is built under a temporary name and renamed, so that it exists completely
// or not at all, even if the process is killed.
const (
	mapPins     = "/maps/"
	programPins = "/programs/"
	linkPins    = "/links/"
)

// buildSuffix is appended to the name of a directory of pins while it is built or removed.
const buildSuffix = "_unfinished"

// PinName returns the name under which a map, program or link is pinned. Dots, as in .bss, are
// reserved in BPF file systems, and replaced as in libbpf.
func PinName(name string) string { return strings.ReplaceAll(name, ".", "_") }

// PinSkeleton pins the maps, programs and links of a loaded skeleton to a new directory. The Pin of
// a generated package calls it. The skeleton's own links are in list, and are pinned under the
// names of their programs; links has other links, such as those that AttachXDP returns. A link that
// was opened from a pin keeps the name of that file.
//
// The directory must not exist, unless replace is set: it is then replaced atomically (5.16). A
// link that is pinned in both stays attached.
func PinSkeleton(s *Skeleton, dir string, replace bool, list []Attachment, links []*Link) error {
	if s == nil || s.spec == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayPin(); err != nil {
		return err
	}
	dir = strings.TrimRight(dir, "/")
	if err := s.pin(dir, replace, list, links); err != nil {
		return fmt.Errorf("pin %s to %s: %w", s.spec.Name, dir, err)
	}
	return nil
}

func (s *Skeleton) mayPin() error {
	switch s.state {
	case opened:
		return fmt.Errorf("pin %s: %w", s.spec.Name, errNotLoaded)
	case closed:
		return fmt.Errorf("pin %s: %w", s.spec.Name, os.ErrClosed)
	}
	return nil
}

func (s *Skeleton) pin(dir string, replace bool, list []Attachment, links []*Link) error {
	parent := parentOf(dir)
	ok, err := load.InBPFFS(parent)
	if err == nil && !ok {
		err = unix.EPERM
	}
	if errno := sys.ErrnoOf(err); errno != 0 {
		return &fs.PathError{Op: "create", Path: dir, Err: withHint(errno, explain.PinHint(errno))}
	}
	release, err := load.LockDir(parent)
	if err != nil {
		return err
	}
	defer release()
	there := sys.Exists(dir)
	if there && !replace {
		return &fs.PathError{Op: "create", Path: dir, Err: withHint(unix.EEXIST, "use Repin to replace it, or Unpin to remove it")}
	}
	if there {
		if err := checkPins(dir); err != nil {
			return err
		}
	}
	build := dir + buildSuffix
	if err := removePins(build); err != nil { // left by a killed process
		return err
	}
	if err := s.pinAll(build, list, links); err != nil {
		return errors.Join(err, removePins(build))
	}
	var flags uint = unix.RENAME_NOREPLACE
	if there {
		flags = unix.RENAME_EXCHANGE
	}
	if err := unix.Renameat2(unix.AT_FDCWD, build, unix.AT_FDCWD, dir, flags); err != nil {
		return errors.Join(&fs.PathError{Op: "rename", Path: build, Err: err}, removePins(build))
	}
	if there {
		return removePins(build)
	}
	return nil
}

func parentOf(dir string) string {
	switch i := strings.LastIndexByte(dir, '/'); i {
	case -1:
		return "."
	case 0:
		return "/"
	default:
		return dir[:i]
	}
}

func (s *Skeleton) pinAll(dir string, list []Attachment, links []*Link) error {
	for _, sub := range []string{"", mapPins, programPins, linkPins} {
		path := strings.TrimRight(dir+sub, "/")
		if err := unix.Mkdir(path, 0o700); err != nil {
			return &fs.PathError{Op: "mkdir", Path: path, Err: withHint(sys.ErrnoOf(err), explain.PinHint(sys.ErrnoOf(err)))}
		}
	}
	for i := range s.maps {
		if m := &s.maps[i]; m.FD() >= 0 {
			if err := load.Reusable(m.spec().Type); err != nil { // such a pin cannot be opened again
				return newMapError(m.Name(), "pin", err)
			}
			if err := m.Pin(dir + mapPins + PinName(m.Name())); err != nil {
				return err
			}
		}
	}
	for i := range s.programs {
		if p := &s.programs[i]; p.FD() >= 0 {
			if err := p.Pin(dir + programPins + PinName(p.Name())); err != nil {
				return err
			}
		}
	}
	for _, a := range list {
		if *a.Link != nil {
			links = append(links[:len(links):len(links)], *a.Link)
		}
	}
	taken := map[string]int{}
	for _, l := range links {
		name := ""
		if l != nil {
			name = PinName(l.name[strings.LastIndexByte(l.name, '/')+1:]) // the base name, for a link opened from a pin
			if taken[name]++; taken[name] > 1 {
				name += fmt.Sprintf("_%d", taken[name])
			}
		}
		if err := l.Pin(dir + linkPins + name); err != nil {
			return err
		}
	}
	return nil
}

// Unpin removes a directory that a skeleton was pinned to. Whatever nothing else refers to ends
// with its pin: a link's program is detached. If the directory contains anything that was not
// pinned by a skeleton, Unpin fails and leaves it there.
func Unpin(dir string) error {
	dir = strings.TrimRight(dir, "/")
	release, err := load.LockDir(parentOf(dir))
	if err != nil {
		return fmt.Errorf("unpin %s: %w", dir, err)
	}
	defer release()
	err = removePins(dir + buildSuffix)
	if err == nil && !sys.Exists(dir) {
		err = unix.ENOENT
	}
	if err == nil {
		err = checkPins(dir) // before the rename: a foreign directory stays in its place
	}
	if err == nil {
		err = unix.Rename(dir, dir+buildSuffix)
	}
	if err != nil {
		return fmt.Errorf("unpin %s: %w", dir, err)
	}
	if err := removePins(dir + buildSuffix); err != nil {
		_ = unix.Rename(dir+buildSuffix, dir)
		return fmt.Errorf("unpin %s: %w", dir, err)
	}
	return nil
}

// checkPins returns an error if a directory contains anything that PinSkeleton does not create, and
// that must not be removed.
func checkPins(dir string) error {
	if ok, err := load.InBPFFS(dir); err != nil {
		return err
	} else if !ok {
		return errors.New("not in a BPF file system")
	}
	if info, err := os.Lstat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return errors.New("not a directory (symbolic links are not followed)")
	}
	subs, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, sub := range subs {
		path := dir + "/" + sub.Name()
		if !sub.IsDir() || !slices.Contains([]string{mapPins, programPins, linkPins}, "/"+sub.Name()+"/") {
			return foreign(path)
		}
		pins, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		for _, pin := range pins {
			if !pin.Type().IsRegular() { // a directory, or a symbolic link to a pin elsewhere
				return foreign(path + "/" + pin.Name())
			}
		}
	}
	return nil
}

func foreign(path string) error {
	return errors.New(path + " was not pinned by Pin: remove it, or pass the directory that Pin created")
}

// removePins removes a directory of pins, if it exists.
func removePins(dir string) error {
	if !sys.Exists(dir) {
		return nil
	}
	if err := checkPins(dir); err != nil {
		return err
	}
	// Remove links first, because they use the programs and maps.
	for _, sub := range []string{linkPins, programPins, mapPins} {
		names, err := readDir(dir + sub)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := unix.Unlink(dir + sub + name); err != nil && err != unix.ENOENT {
				return &fs.PathError{Op: "unpin", Path: dir + sub + name, Err: err}
			}
		}
		if err := unix.Rmdir(strings.TrimRight(dir+sub, "/")); err != nil {
			return &fs.PathError{Op: "remove", Path: dir + sub, Err: err}
		}
	}
	if err := unix.Rmdir(dir); err != nil {
		return &fs.PathError{Op: "remove", Path: dir, Err: err}
	}
	return nil
}

// readDir returns the names in a directory, sorted.
func readDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}
