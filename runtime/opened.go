package runtime

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// This file opens existing maps, programs and links, whichever process created them. Their own
// Close closes them, not a skeleton. As in a skeleton, the garbage collector closes a map or
// program once nothing refers to it any more, including typed maps and readers. It does not close
// links; see [Link].

// OpenPinnedMap opens a pinned map. Use [TypedMap] to give it the types of its keys and values. Its
// Close closes it, as does the garbage collector once it is unreachable.
func OpenPinnedMap(path string) (*Map, error) {
	const op = "open pinned map"
	num, err := openPin(op, path, sys.IsMap)
	if err != nil {
		return nil, err
	}
	m, errno := describeMap(num)
	if errno != 0 {
		return nil, &fs.PathError{Op: op, Path: path, Err: errno}
	}
	return m.closedWhenForgotten(), nil
}

// OpenMapID opens the map with the given kernel ID, which requires CAP_SYS_ADMIN. The error wraps
// unix.ENOENT if there is none. See [OpenPinnedMap] for types and closing.
func OpenMapID(id uint32) (*Map, error) {
	num, errno := sys.GetFdByID(sys.CmdMapGetFdByID, id)
	if errno != 0 {
		return nil, newMapError("ID "+strconv.FormatUint(uint64(id), 10), "open", errno)
	}
	m, errno := describeMap(num)
	if errno != 0 {
		return nil, newMapError("ID "+strconv.FormatUint(uint64(id), 10), "info", errno)
	}
	return m.closedWhenForgotten(), nil
}

// closedWhenForgotten makes the garbage collector close m, which must not share its file
// descriptor.
func (m *Map) closedWhenForgotten() *Map {
	runtime.SetFinalizer(m, func(m *Map) { m.fd.close() })
	return m
}

// describeMap makes a Map from a file descriptor and the kernel's information about it. On failure
// it closes num.
func describeMap(num int) (*Map, unix.Errno) {
	info, errno := sys.MapInfoOf(num)
	if errno != 0 {
		unix.Close(num)
		return nil, errno
	}
	m := newMap(&MapSpec{
		Name: unix.ByteSliceToString(info.Name[:]), Type: info.Type, KeySize: info.KeySize, ValueSize: info.ValueSize,
		MaxEntries: info.MaxEntries, Flags: info.MapFlags, Extra: info.MapExtra,
	})
	m.fd.set(num)
	return m, 0
}

// TypedMap gives an opened map the types of its keys and values, using the constructor that a
// generated package would use:
//
//	counts, err := runtime.TypedMap(m, runtime.NewHashMap[uint32, uint64])
//
// It fails if the size of the key or value differs between Go and the map, or if only one of the
// two has a value for each CPU. The caller must otherwise choose a constructor that fits the map's
// type.
func TypedMap[T AnyMap](m *Map, typ func(*Map) T) (typed T, err error) {
	if m == nil {
		return typed, newMapError("", "set types", errNoMap)
	}
	defer recoverSizes(m, &err)
	return typ(m), nil
}

// recoverSizes turns the panic for wrong types into an error: with an opened map, the cause may be
// the map rather than a mistake in the program.
func recoverSizes(m *Map, err *error) {
	switch said := recover().(type) {
	case nil:
	case string:
		text, ok := strings.CutPrefix(said, "map "+m.Name()+": ")
		if !ok {
			panic(said)
		}
		*err = newMapError(m.Name(), "set types", &sentinelError{text: text, errno: unix.EINVAL})
	default:
		panic(said)
	}
}

// Close closes the map, which may belong to a skeleton or have been opened by pin or ID. Closing
// twice is fine.
func (m *Map) Close() error {
	m.file().close()
	return nil
}

// OpenProgramOptions holds what the kernel does not report about a program. Nil means the defaults.
type OpenProgramOptions struct {
	// AttachType is the value of enum bpf_attach_type that the program was loaded for. It is needed
	// to attach programs to cgroups and to sockets in maps, and programs of types TRACING and LSM.
	AttachType uint32
}

// OpenPinnedProgram opens a pinned program. Wrap it in a typed program for the methods that attach
// it: runtime.XDPProgram{Program: p}. Its Close closes it, as does the garbage collector once it is
// unreachable; attachments stay.
func OpenPinnedProgram(path string, opts *OpenProgramOptions) (*Program, error) {
	const op = "open pinned program"
	num, err := openPin(op, path, sys.IsProgram)
	if err != nil {
		return nil, err
	}
	p, errno := describeProgram(num, opts)
	if errno != 0 {
		return nil, &fs.PathError{Op: op, Path: path, Err: errno}
	}
	return p.closedWhenForgotten(), nil
}

// OpenProgramID opens the program with the given kernel ID, which requires CAP_SYS_ADMIN. The error
// wraps unix.ENOENT if there is none.
func OpenProgramID(id uint32, opts *OpenProgramOptions) (*Program, error) {
	name := "ID " + strconv.FormatUint(uint64(id), 10)
	num, errno := sys.GetFdByID(sys.CmdProgGetFdByID, id)
	if errno != 0 {
		return nil, newProgramError(name, "open", errno)
	}
	p, errno := describeProgram(num, opts)
	if errno != 0 {
		return nil, newProgramError(name, "info", errno)
	}
	return p.closedWhenForgotten(), nil
}

// closedWhenForgotten makes the garbage collector close p, which must not share its file
// descriptor.
func (p *Program) closedWhenForgotten() *Program {
	runtime.SetFinalizer(p, func(p *Program) { p.fd.close() })
	return p
}

// describeProgram makes a Program from a file descriptor and the kernel's information about it. On
// failure it closes num.
func describeProgram(num int, opts *OpenProgramOptions) (*Program, unix.Errno) {
	info := new(sys.ProgInfo)
	if errno := sys.ObjInfo(num, unsafe.Pointer(info), unsafe.Sizeof(*info)); errno != 0 {
		unix.Close(num)
		return nil, errno
	}
	p := &Program{spec: &ProgramSpec{
		Name: unix.ByteSliceToString(info.Name[:]), Type: info.Type, Slot: spec.NoSlot, Target: -1,
	}}
	if p.spec.Name == "" {
		p.spec.Name = "ID " + strconv.FormatUint(uint64(info.Id), 10)
	}
	if opts != nil {
		p.spec.AttachType = opts.AttachType
	}
	p.fd.set(num)
	return p, 0
}

// Close closes the program, which may belong to a skeleton or have been opened by pin or ID.
// Attachments stay. Closing twice is fine.
func (p *Program) Close() error {
	if !p.exists() {
		return p.fail("close", errNoProgram)
	}
	p.fd.close()
	return nil
}

// OpenLinkID opens the link with the given kernel ID, which requires CAP_SYS_ADMIN. The error wraps
// unix.ENOENT if there is none.
func OpenLinkID(id uint32) (*Link, error) {
	name := "ID " + strconv.FormatUint(uint64(id), 10)
	num, errno := sys.GetFdByID(sys.CmdLinkGetFdByID, id)
	if errno != 0 {
		return nil, newProgramError("", "open link of "+name, errno)
	}
	l := &Link{name: name, what: "opened by its ID"}
	l.fd.set(num)
	return l, nil
}

// openPin opens a pin, and fails if is reports that it is of another kind.
func openPin(op, path string, is func(num int) bool) (int, error) {
	num, errno := sys.ObjGet(path)
	if errno != 0 {
		return -1, &fs.PathError{Op: op, Path: path, Err: withHint(errno, explain.OpenPinHint(errno))}
	}
	if is(num) {
		return num, nil
	}
	defer unix.Close(num)
	other := "this is a link: use OpenPinnedLink"
	switch {
	case sys.IsMap(num):
		other = "this is a map: use OpenPinnedMap"
	case sys.IsProgram(num):
		other = "this is a program: use OpenPinnedProgram"
	}
	return -1, &fs.PathError{Op: op, Path: path, Err: errors.New(other)}
}

// isLink reports whether num is a link. It tries to update num to an invalid program: the kernel
// checks the link first (link_update).
func isLink(num int) bool {
	attr := sys.LinkUpdateAttr{LinkFd: uint32(num), NewProgFd: 1<<32 - 1}
	_, errno := sys.BPF(sys.CmdLinkUpdate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return errno != unix.EINVAL
}

// MapIDs returns the IDs of all maps in the kernel, in ascending order, which requires
// CAP_SYS_ADMIN. Some of the maps may no longer exist when they are opened.
func MapIDs() ([]uint32, error) { return ids("list maps", sys.CmdMapGetNextID) }

// ProgramIDs returns the IDs of all programs in the kernel; see [MapIDs].
func ProgramIDs() ([]uint32, error) { return ids("list programs", sys.CmdProgGetNextID) }

// LinkIDs returns the IDs of all links in the kernel; see [MapIDs].
func LinkIDs() ([]uint32, error) { return ids("list links", sys.CmdLinkGetNextID) }

func ids(op string, cmd sys.Cmd) ([]uint32, error) {
	var list []uint32
	attr := sys.GetFdByIDAttr{}
	for {
		_, errno := sys.BPF(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
		switch errno {
		case 0:
			list = append(list, attr.NextId)
			attr.Id = attr.NextId
		case unix.ENOENT:
			return list, nil
		default:
			return nil, os.NewSyscallError(op, errno)
		}
	}
}
