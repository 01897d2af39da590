package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// OpenPinnedGenerated opens a skeleton that [PinSkeleton] has pinned, without loading anything. It
// is the OpenPinned of generated packages. The error lists every pin that is missing, differs from
// the object's map or program, or does not belong to the object.
func OpenPinnedGenerated(spec *Spec, features *load.Features, dir string) (*Skeleton, error) {
	if err := features.Check(spec); err != nil {
		return nil, fmt.Errorf("open %s: %w", spec.Name, err)
	}
	s := newSkeleton(spec, features)
	if err := s.openPins(dir); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s pinned at %s: %w", spec.Name, dir, err)
	}
	s.state = loadedState
	return s, nil
}

// lockPins keeps other processes from replacing or removing a directory of pins while it is read,
// so that all of it is of one skeleton. It does nothing if the process may not lock the directory
// that it is in.
func lockPins(dir string) (unlock func()) {
	unlock, err := load.LockDir(parentOf(strings.TrimRight(dir, "/")))
	if err != nil {
		return func() {}
	}
	return unlock
}

func (s *Skeleton) openPins(dir string) error {
	defer lockPins(dir)()
	if !sys.Exists(dir) {
		return unix.ENOENT
	}
	var errs []error
	known := map[string]bool{}
	for i := range s.maps {
		path := dir + mapPins + PinName(s.maps[i].Name())
		known[path] = true
		if err := s.openMapPin(i, path); err != nil {
			errs = append(errs, fmt.Errorf("map %s: %w", s.maps[i].Name(), err))
		}
	}
	for i := range s.programs {
		path := dir + programPins + PinName(s.programs[i].Name())
		known[path] = true
		err := s.openProgramPin(i, path)
		if err != nil && (s.programs[i].wanted() || !errors.Is(err, fs.ErrNotExist)) {
			errs = append(errs, fmt.Errorf("program %s: %w", s.programs[i].Name(), err))
		}
	}
	for _, sub := range []string{mapPins, programPins} {
		names, err := readDir(dir + sub)
		if err != nil {
			continue // already reported: each pin is missing
		}
		for _, name := range names {
			if !known[dir+sub+name] {
				errs = append(errs, &fs.PathError{Op: "open", Path: dir + sub + name, Err: errors.New("the object has no map or program of this name")})
			}
		}
	}
	if errs != nil {
		return errors.Join(errs...)
	}
	return s.openInnerBTF()
}

func (s *Skeleton) openMapPin(i int, path string) error {
	m := &s.maps[i]
	num, err := openPin("open", path, sys.IsMap)
	if err != nil {
		return err
	}
	m.fd.set(num)
	info, err := s.fitting(i, num)
	if err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	m.takeInfo(&s.spec.Maps[i], &info)
	if a := s.area(i); a != nil {
		if err := load.MapArea(a, &s.spec.Maps[i], num); err != nil {
			return &fs.PathError{Op: "map", Path: path, Err: err}
		}
	}
	return nil
}

func (s *Skeleton) openProgramPin(i int, path string) error {
	p := &s.programs[i]
	num, err := openPin("open", path, sys.IsProgram)
	if err != nil {
		return err
	}
	opened, errno := describeProgram(num, nil)
	if errno != 0 {
		return &fs.PathError{Op: "open", Path: path, Err: errno}
	}
	if opened.spec.Type != p.spec.Type {
		opened.Close()
		return &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("program type is %d, want %d as in the object", opened.spec.Type, p.spec.Type)}
	}
	p.fd.set(num)
	return nil
}

// openInnerBTF gives maps of maps the object's BTF, which is needed to create inner maps.
func (s *Skeleton) openInnerBTF() error {
	for i := range s.maps {
		if _, ok := load.Template(s.spec, i); !ok || s.spec.BTF.Attr == 0 {
			continue
		}
		num, errno := load.LoadBTF(s.spec)
		if errno != 0 {
			return fmt.Errorf("load BTF: %w", errno)
		}
		s.maps[i].own().btf.set(num)
	}
	return nil
}

// OpenPinnedLinks opens those of a skeleton's own links that are pinned in a directory. The
// OpenPinned of a generated package calls it.
func OpenPinnedLinks(dir string, list []Attachment) error {
	for _, a := range list {
		l, err := OpenPinnedLink(dir + linkPins + PinName(a.Program.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		l.name = a.Program.Name()
		*a.Link = l
	}
	return nil
}

// TakeLinks makes a loaded skeleton take over the links that an earlier process, or an older
// version, has pinned in a directory. Each link continues with the skeleton's program of the same
// name. The TakeLinks of a generated package calls it. If the kernel can replace a link's program,
// TakeLinks does that atomically (Link.Update). Otherwise, as with tracepoints, kprobes and fentry,
// it attaches the program by its section and then unpins the old link: both programs run for a
// moment, and no event is missed. Programs without a pinned link are left to Attach.
func TakeLinks(s *Skeleton, dir string, list []Attachment) error {
	if s == nil || s.spec == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.mayAttach(); err != nil {
		return err
	}
	defer lockPins(dir)()
	for _, a := range list {
		if *a.Link != nil || a.Program.FD() < 0 {
			continue
		}
		path := dir + linkPins + PinName(a.Program.Name())
		old, err := OpenPinnedLink(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		old.name = a.Program.Name()
		err = old.Update(a.Program)
		if err == nil {
			*a.Link = old
			continue
		}
		if !errors.Is(err, unix.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
			old.Close()
			return err
		}
		if *a.Link, err = a.Program.attachBySection(); err != nil {
			old.Close()
			return err
		}
		err = unix.Unlink(path)
		old.Close()
		if err != nil {
			return &fs.PathError{Op: "unpin", Path: path, Err: err}
		}
	}
	return nil
}
