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

// This file opens maps, programs and links that exist already, whoever has made them. They are
// closed by their Close, not by a skeleton. A map or program that is forgotten is closed by the
// garbage collector, as those of a skeleton are: once nothing refers to it any more, a typed map, a
// reader or the like included. A link is not, see [Link].

// OpenPinnedMap opens a map that some process has pinned. [TypedMap] gives it the types of its keys
// and values. Close closes it, or, if it is forgotten, the garbage collector.
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

// OpenMapID opens the map that the kernel knows by that number, which takes CAP_SYS_ADMIN; the
// error wraps unix.ENOENT if there is none. [TypedMap] gives it the types of its keys and values.
// It is closed as [OpenPinnedMap] says.
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

// closedWhenForgotten has the garbage collector close a map that is the only one with its file
// descriptor.
func (m *Map) closedWhenForgotten() *Map {
	runtime.SetFinalizer(m, func(m *Map) { m.fd.close() })
	return m
}

// describeMap makes a Map of a file descriptor, with what the kernel says of it; after a failure it
// is closed.
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

// TypedMap gives an opened map the types of its keys and values, by the function that a generated
// package would use:
//
//	counts, err := runtime.TypedMap(m, runtime.NewHashMap[uint32, uint64])
//
// It fails if a key or value has another size in Go than in the map, or if only one of them has a
// value for each CPU. That else the function is one for the map's type is up to the caller.
func TypedMap[T AnyMap](m *Map, typ func(*Map) T) (typed T, err error) {
	if m == nil {
		return typed, newMapError("", "give types", errNoMap)
	}
	defer recoverSizes(m, &err)
	return typ(m), nil
}

// recoverSizes makes an error of the panic that wrong types are: they are no mistake in the program
// if the map is another one.
func recoverSizes(m *Map, err *error) {
	switch said := recover().(type) {
	case nil:
	case string:
		text, ok := strings.CutPrefix(said, "map "+m.Name()+": ")
		if !ok {
			panic(said)
		}
		*err = newMapError(m.Name(), "give types", &sentinelError{text: text, errno: unix.EINVAL})
	default:
		panic(said)
	}
}

// Close closes the map, before its skeleton does, or one that was opened by its pin or ID. Closing
// twice is fine.
func (m *Map) Close() error {
	m.file().close()
	return nil
}

// OpenProgramOptions say what the kernel does not know of a program; nil means the defaults.
type OpenProgramOptions struct {
	// AttachType is the value of enum bpf_attach_type that the program was loaded for, which some
	// ways to attach it take: those to cgroups and to sockets in maps, and of programs of type
	// TRACING and LSM.
	AttachType uint32
}

// OpenPinnedProgram opens a program that some process has pinned. A typed program around it has the
// methods to attach it: runtime.XDPProgram{Program: p}. Close closes it, or, if it is forgotten,
// the garbage collector; what is attached stays so.
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

// OpenProgramID opens the program that the kernel knows by that number, which takes CAP_SYS_ADMIN;
// the error wraps unix.ENOENT if there is none.
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

// closedWhenForgotten has the garbage collector close a program that is the only one with its file
// descriptor.
func (p *Program) closedWhenForgotten() *Program {
	runtime.SetFinalizer(p, func(p *Program) { p.fd.close() })
	return p
}

// describeProgram makes a Program of a file descriptor, with what the kernel says of it; after a
// failure it is closed.
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

// Close closes the program, before its skeleton does, or one that was opened by its pin or ID. What
// is attached stays so. Closing twice is fine.
func (p *Program) Close() error {
	if !p.exists() {
		return p.fail("close", errNoProgram)
	}
	p.fd.close()
	return nil
}

// OpenLinkID opens the link that the kernel knows by that number, which takes CAP_SYS_ADMIN; the
// error wraps unix.ENOENT if there is none.
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

// openPin opens what is pinned, and sees whether it is what is wanted.
func openPin(op, path string, is func(num int) bool) (int, error) {
	num, errno := sys.ObjGet(path)
	if errno != 0 {
		return -1, &fs.PathError{Op: op, Path: path, Err: withHint(errno, explain.OpenPinHint(errno))}
	}
	if is(num) {
		return num, nil
	}
	defer unix.Close(num)
	other := "it is a link: OpenPinnedLink opens it"
	switch {
	case sys.IsMap(num):
		other = "it is a map: OpenPinnedMap opens it"
	case sys.IsProgram(num):
		other = "it is a program: OpenPinnedProgram opens it"
	}
	return -1, &fs.PathError{Op: op, Path: path, Err: errors.New(other)}
}

// isLink updates it to no program, for which the kernel looks at the link first (link_update).
func isLink(num int) bool {
	attr := sys.LinkUpdateAttr{LinkFd: uint32(num), NewProgFd: 1<<32 - 1}
	_, errno := sys.BPF(sys.CmdLinkUpdate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return errno != unix.EINVAL
}

// MapIDs returns the numbers of all maps in the kernel, in ascending order, which takes
// CAP_SYS_ADMIN. Some may be gone when they are opened.
func MapIDs() ([]uint32, error) { return ids("list maps", sys.CmdMapGetNextID) }

// ProgramIDs returns the numbers of all programs in the kernel; see [MapIDs].
func ProgramIDs() ([]uint32, error) { return ids("list programs", sys.CmdProgGetNextID) }

// LinkIDs returns the numbers of all links in the kernel; see [MapIDs].
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
