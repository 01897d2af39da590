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

// A skeleton that is pinned is a folder of a BPF file system with three folders in it, of maps,
// programs and links. It is built beside its place and renamed, so that it is there as a whole or
// not at all, whenever a process is killed.
const (
	mapPins     = "/maps/"
	programPins = "/programs/"
	linkPins    = "/links/"
)

// buildSuffix is what a folder of pins is called while it is built, or taken away.
const buildSuffix = "_unfinished"

// PinName returns the name under which a map, program or link is pinned: dots, of sections such as
// .bss, are reserved in BPF file systems, and replaced as libbpf does.
func PinName(name string) string { return strings.ReplaceAll(name, ".", "_") }

// PinSkeleton pins a loaded skeleton's maps, programs and links to a new folder; the Pin of a
// generated package calls it. list says where the skeleton's own links are, which are pinned under
// the names of their programs, and links are others, such as those that AttachXDP returns. One that
// was opened by its pin keeps the name of that file.
//
// The folder must not exist, unless replace is set: then the new one takes its place in one step
// (5.16). A link that is in both lives on.
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
	release, err := load.LockFolder(parentOf(dir))
	if err != nil {
		return err
	}
	defer release()
	there := sys.Exists(dir)
	if there && !replace {
		return &fs.PathError{Op: "create", Path: dir, Err: withHint(unix.EEXIST, "unpin what is there, or replace it by Repin")}
	}
	build := dir + buildSuffix
	if err := removePins(build); err != nil { // of a process that was killed
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
			if err := load.Reusable(m.spec().Type); err != nil { // and not opened again
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
			name = PinName(l.name[strings.LastIndexByte(l.name, '/')+1:]) // of a link that was opened by its pin, the last part
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

// Unpin removes a folder that a skeleton was pinned to. What nothing else refers to is gone with
// its pin: a link's program is detached. Whatever is in the folder and was not pinned by a skeleton
// is an error, and stays.
func Unpin(dir string) error {
	dir = strings.TrimRight(dir, "/")
	release, err := load.LockFolder(parentOf(dir))
	if err != nil {
		return fmt.Errorf("unpin %s: %w", dir, err)
	}
	defer release()
	if err := removePins(dir + buildSuffix); err != nil {
		return fmt.Errorf("unpin %s: %w", dir, err)
	}
	if err := unix.Rename(dir, dir+buildSuffix); err != nil {
		return &fs.PathError{Op: "unpin", Path: dir, Err: err}
	}
	if err := removePins(dir + buildSuffix); err != nil {
		_ = unix.Rename(dir+buildSuffix, dir)
		return fmt.Errorf("unpin %s: %w", dir, err)
	}
	return nil
}

// removePins removes a folder of pins, if it is there.
func removePins(dir string) error {
	entries, err := readDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, sub := range entries {
		if !slices.Contains([]string{mapPins, programPins, linkPins}, "/"+sub+"/") {
			return &fs.PathError{Op: "remove", Path: dir + "/" + sub, Err: errForeign}
		}
	}
	// Links go first: while they are there, they use the rest.
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

var errForeign = errors.New("not a pin of a skeleton")

// readDir returns the names in a folder, sorted.
func readDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}
