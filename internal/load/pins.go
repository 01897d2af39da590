package load

import (
	"errors"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// PinOptions configures the maps that the source pins by name (LIBBPF_PIN_BY_NAME). A nil
// *PinOptions means the defaults.
type PinOptions struct {
	// Path is the directory of a BPF file system in which the maps are pinned, each under its name;
	// "" means /sys/fs/bpf. If the directory does not exist but its parent does, it is created.
	Path string
	// Incompatible handles a pinned map that differs from the object's map: ReplacePinned,
	// CopyPinned, SetAsidePinned, or a function that calls one of these or returns an error. If it
	// is nil, such a map is an error of the load. It is called once the programs are loaded, before
	// anything else can use them.
	Incompatible func(*PinConflict) error
}

// UsePins is the code for objects with maps that are pinned by name.
//
// The load uses maps that are pinned already. The loader creates the others like any map, and they
// are pinned once all programs are loaded, so a failed load leaves no pins. If another process has
// pinned a map first (EEXIST), the load is repeated with that map. So there is never more than one
// map.
func UsePins(e *Engine) *spec.Failure { return takePinned(e) }

// defaultPinPath is libbpf's BPF_FS_DEFAULT_PATH.
const defaultPinPath = "/sys/fs/bpf"

func pinOptions(e *engine) PinOptions {
	var opts PinOptions
	if e.req.Pins != nil {
		opts = *(*PinOptions)(e.req.Pins)
	}
	if opts.Path == "" {
		opts.Path = defaultPinPath
	}
	opts.Path = strings.TrimRight(opts.Path, "/")
	return opts
}

func incompatible(e *engine) func(*PinConflict) error { return pinOptions(e).Incompatible }

// takePinned puts pinned maps into their slots.
func takePinned(e *engine) *spec.Failure {
	beginReuse(e)
	directory := pinOptions(e).Path
	checked := false
	var pins []pin
	for i := range e.spec.Maps {
		m := &e.spec.Maps[i]
		if !m.PinByName || isReused(e, int32(i)) {
			continue
		}
		p := pin{index: int32(i), path: directory + "/" + m.Name}
		err := tryPin(e, p.index, p.path)
		var differs *IncompatibleMapError
		switch {
		case err == unix.ENOENT:
			if !checked {
				if failure := checkPinDir(e, p.index, directory); failure != nil {
					return failure
				}
				checked = true
			}
		case errors.As(err, &differs) && incompatible(e) != nil:
			// A compatible map may be left there by an interrupted upgrade, just before it would
			// have replaced the old map. Or this is an older version that is started again, and its
			// map was set aside.
			p.aside = tryPin(e, p.index, AsidePath(p.path)) == nil
		case err != nil:
			return failPin(e, p.index, err)
		default:
			continue
		}
		pins = append(pins, p)
	}
	e.finish = func(e *engine) *spec.Failure { return finishPins(e, pins) }
	return nil
}

// pin is a map that is to be pinned once the object is loaded.
type pin struct {
	_ incomparable

	index int32
	path  string
	aside bool // the map is pinned already, at AsidePath
}

// tryPin puts the map pinned at path into a map's slot, if it is compatible with the object's map.
func tryPin(e *engine, i int32, path string) error {
	fd, errno := sys.ObjGet(path)
	if errno != 0 {
		return errno
	}
	defer unix.Close(fd)
	info, err := compatiblePin(e, i, path, fd)
	if err != nil {
		return err
	}
	if failure := give(e, i, fd, &info); failure != nil {
		return failure.Err
	}
	return nil
}

// compatiblePin compares the pinned map with the one that the loader would create.
func compatiblePin(e *engine, i int32, path string, fd int) (info sys.MapInfo, err error) {
	if !sys.IsMap(fd) {
		return info, errors.New(path + ": the pinned object is not a map")
	}
	info, errno := sys.MapInfoOf(fd)
	if errno != 0 {
		return info, errno
	}
	differs := differs(e, i, &info)
	if differs == nil {
		differs = CompatibleBTF(e.spec, int(i), &info)
	}
	if differs != nil {
		differs.Path = path
		return info, differs
	}
	return info, nil
}

var errNoBPFFS = errors.New("not in a BPF file system")

// InBPFFS reports whether a file or directory is in a BPF file system.
func InBPFFS(path string) (bool, error) {
	// BPF_FS_MAGIC of linux/magic.h. The field has another type on each architecture.
	const magic uint32 = 0xcafe4a11
	var fs unix.Statfs_t
	err := unix.Statfs(path, &fs)
	return err == nil && uint32(fs.Type) == magic, err
}

// checkPinDir makes sure, before maps are created, that they can be pinned in a directory.
func checkPinDir(e *engine, i int32, directory string) *spec.Failure {
	ok, err := InBPFFS(directory)
	if err == unix.ENOENT {
		ok, err = InBPFFS(directory + "/..")
		if at := strings.LastIndexByte(directory, '/'); err == unix.ENOENT && at > 0 {
			ok, err = InBPFFS(directory[:at])
		}
	}
	if ok {
		return nil
	}
	hint := "mount -t bpf bpf /sys/fs/bpf, or set LoadOptions.Pins to a directory in a BPF file system"
	if err == nil {
		err = errNoBPFFS
	} else if err == unix.ENOENT {
		hint = "a load only creates the last directory of the path: create its parents in a BPF file system"
	}
	f := failReuse(e, i, err)
	f.Reason = "the source pins it by name, in " + directory
	f.Hint = hint
	return f
}

// finishPins pins the maps that the loader has created, and maps global data. After a failure it
// removes the new pins.
func finishPins(e *engine, pins []pin) (failure *spec.Failure) {
	var pinned []string
	for _, p := range pins {
		if !p.aside {
			errno := pinNow(e, p)
			if errno == 0 {
				pinned = append(pinned, p.path)
				continue
			}
			if errno != unix.EEXIST {
				failure = failPin(e, p.index, errno)
				break
			}
		}
		if failure = settlePin(e, p); failure != nil {
			break
		}
	}
	if failure == nil {
		failure = e.attachAreas()
	}
	// If another process was faster, the new pins stay: a third process may have found them
	// already, and the next attempt finds them too.
	if failure != nil && !interrupted(failure) {
		for _, path := range pinned {
			_ = unix.Unlink(path)
		}
	}
	return failure
}

// pinNow pins a map. It creates the directory if necessary, as libbpf does (make_parent_dir).
func pinNow(e *engine, p pin) unix.Errno {
	fd := int(*e.blob.slot(e.spec.Maps[p.index].Slot))
	errno := sys.ObjPin(fd, p.path)
	if errno == unix.ENOENT {
		if err := unix.Mkdir(pinOptions(e).Path, 0o700); err == nil || err == unix.EEXIST {
			errno = sys.ObjPin(fd, p.path)
		}
	}
	return errno
}

func failPin(e *engine, i int32, err error) *spec.Failure {
	f := failReuse(e, i, err)
	var differs *IncompatibleMapError
	switch {
	case errors.As(err, &differs):
		f.Hint = "to replace it or copy its entries, set LoadOptions.Pins.Incompatible"
	case f.Errno == unix.EPERM:
		f.Hint = "pins are names without dots in a BPF file system, and require write permission there"
	}
	return f
}
