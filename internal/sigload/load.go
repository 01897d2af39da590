package sigload

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Package is a signed package in one form.
type Package struct {
	Loader    string // instructions
	Blob      string
	Signature string // of Loader, and of Blob if the kernel covers it
	Keyring   int32
	Listed    bool // the kernel covers the maps in fd_array: since Linux 7.3
	Context   int  // size of the loader's context, which is zeroed
}

// Map is a map for a loader. Zero fields have the values of a loader's map.
type Map struct {
	Type, KeySize, ValueSize, MaxEntries, Flags uint32 // 0 for array, 4, len(Contents), 1, 0
	Contents                                    string // split into elements of ValueSize
	Owner                                       string // the map is exclusive to its SHA-256; "": the loader
	Shared                                      bool   // not exclusive
	Thawed                                      bool   // not frozen
	Unhashed                                    bool   // the hash is not computed
	// BeforeFreeze is called between filling and freezing.
	BeforeFreeze func(fd int) error
}

// Load is what the kernel is given besides the signature.
type Load struct {
	Maps     []Map
	Count    int // fd_array_cnt; 0: the number of maps, -1: 0
	Order    []int
	Type     uint32 // of the program; 0 for syscall
	Flags    uint32 // of the program; 0 for sleepable, ^0 for none
	Attach   uint32
	NoGPL    bool
	Relos    bool // CO-RE records: the loader's last r0 = 0 becomes r0 = 1
	Unsigned bool // without the signature
	// BeforeRun is called between loading the program and running it, with the maps.
	BeforeRun func(maps []int) error
}

// Good returns the load that the package was made for.
func (p *Package) Good() Load { return Load{Maps: []Map{{Contents: p.Blob}}} }

// Verdict tells how far a load got.
type Verdict struct {
	Verified bool   // the kernel verified the loader, and the loader's own check passed
	Retval   int32  // of the loader, if it ran
	Doing    string // the refused step
	Err      error
}

func (v Verdict) String() string {
	if v.Verified {
		return "verified"
	}
	return fmt.Sprintf("%s: %v", v.Doing, v.Err)
}

// Try creates the maps, loads the loader with the package's signature, and runs it. It leaves
// nothing behind.
func (p *Package) Try(l Load) Verdict {
	var m memory
	var maps []int
	defer func() {
		for _, fd := range maps {
			unix.Close(fd)
		}
	}()
	for i := range l.Maps {
		fd, doing, err := p.newMap(&l.Maps[i], &m)
		if err != nil {
			return Verdict{Doing: fmt.Sprintf("%s %d", doing, i), Err: err}
		}
		maps = append(maps, fd)
	}
	prog, err := p.load(&l, maps, &m)
	if err != nil {
		return Verdict{Doing: "load the loader", Err: err}
	}
	defer unix.Close(prog)
	if l.BeforeRun != nil {
		if err := l.BeforeRun(maps); err != nil {
			return Verdict{Doing: "prepare the run", Err: err}
		}
	}
	before := openFDs()
	run := progRun{ProgFd: uint32(prog), CtxIn: m.addr(make([]byte, p.Context)), CtxSizeIn: uint32(p.Context)}
	_, err = bpf(unix.BPF_PROG_TEST_RUN, &run, &m)
	for fd := range openFDs() {
		if !before[fd] {
			unix.Close(fd)
		}
	}
	v := Verdict{Doing: "run the loader", Err: err, Retval: int32(run.Retval)}
	if v.Err == nil && v.Retval < 0 {
		v.Err = unix.Errno(-v.Retval)
	}
	v.Verified = v.Err == nil
	return v
}

func (p *Package) load(l *Load, maps []int, m *memory) (int, error) {
	order := l.Order
	if order == nil {
		for i := range maps {
			order = append(order, i)
		}
	}
	var fds []byte
	for _, i := range order {
		fds = binary.NativeEndian.AppendUint32(fds, uint32(maps[i]))
	}
	license := "GPL\x00"
	if l.NoGPL {
		license = "Proprietary\x00"
	}
	attr := progLoad{
		ProgType: orElse(l.Type, unix.BPF_PROG_TYPE_SYSCALL), InsnCnt: uint32(len(p.Loader) / 8), Insns: m.addr([]byte(p.Loader)),
		License: m.addr([]byte(license)), ProgFlags: orElse(l.Flags, unix.BPF_F_SLEEPABLE), ExpectedAttachType: l.Attach,
		FdArray:   m.addr(fds),
		Signature: m.addr([]byte(p.Signature)), SignatureSize: uint32(len(p.Signature)), KeyringID: p.Keyring,
	}
	if l.Unsigned {
		attr.Signature, attr.SignatureSize, attr.KeyringID = 0, 0, 0
	}
	if l.Flags == ^uint32(0) {
		attr.ProgFlags = 0
	}
	if p.Listed {
		attr.FdArrayCnt = uint32(len(order))
		if l.Count != 0 {
			attr.FdArrayCnt = uint32(max(0, l.Count))
		}
	}
	if l.Relos {
		fd, err := p.addRelos(&attr, m)
		if err != nil {
			return -1, err
		}
		defer unix.Close(fd)
	}
	for {
		fd, err := bpf(unix.BPF_PROG_LOAD, &attr, m)
		if err != unix.EAGAIN { // a signal was pending, such as Go's own
			return fd, err
		}
	}
}

// Relocated returns the loader as the records of Load.Relos change it.
func (p *Package) Relocated() string {
	at := len(p.Loader) - 16 + 4 // its immediate value
	return p.Loader[:at] + string(binary.NativeEndian.AppendUint32(nil, 1)) + p.Loader[at+4:]
}

// addRelos adds a record that sets the immediate of the last instruction but one to a type ID, 1,
// with the BTF and line info that the kernel requires.
func (p *Package) addRelos(attr *progLoad, m *memory) (btf int, err error) {
	ne := binary.NativeEndian
	words := func(list ...uint32) (b []byte) {
		for _, w := range list {
			b = ne.AppendUint32(b, w)
		}
		return b
	}
	const name, zero = 1, 5 // offsets in the strings
	const kindInt, typeIDLocal = 1, 6
	types := words(name, kindInt<<24, 4, 32)
	text := "\x00int\x000\x00"
	raw := ne.AppendUint16(nil, 0xeb9f)
	raw = append(raw, 1, 0)
	raw = append(raw, words(24, 0, uint32(len(types)), uint32(len(types)), uint32(len(text)))...)
	raw = append(append(raw, types...), text...)
	load := btfLoad{Btf: m.addr(raw), BtfSize: uint32(len(raw))}
	if btf, err = bpf(unix.BPF_BTF_LOAD, &load, m); err != nil {
		return -1, fmt.Errorf("load BTF: %w", err)
	}
	attr.ProgBtfFd = uint32(btf)
	attr.LineInfo, attr.LineInfoCnt, attr.LineInfoRecSize = m.addr(words(0, name, name, 0)), 1, 16
	attr.CoreRelosAt, attr.CoreRelos, attr.CoreReloRecSize = m.addr(words(uint32(len(p.Loader)-16), 1, zero, typeIDLocal)), 1, 16
	return btf, nil
}

func (p *Package) newMap(spec *Map, m *memory) (fd int, doing string, err error) {
	attr := mapCreate{
		MapType: orElse(spec.Type, unix.BPF_MAP_TYPE_ARRAY), KeySize: orElse(spec.KeySize, 4),
		ValueSize: orElse(spec.ValueSize, uint32(len(spec.Contents))), MaxEntries: orElse(spec.MaxEntries, 1), MapFlags: spec.Flags,
	}
	copy(attr.MapName[:], "__loader.map")
	if !spec.Shared {
		owner := spec.Owner
		if owner == "" {
			owner = p.Loader
		}
		hash := sha256.Sum256([]byte(owner))
		attr.ExclProgHash, attr.ExclProgHashSize = m.addr(hash[:]), uint32(len(hash))
	}
	if fd, err = bpf(unix.BPF_MAP_CREATE, &attr, m); err != nil {
		return -1, "create map", err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	for i := uint32(0); int(i*attr.ValueSize) < len(spec.Contents); i++ {
		value := make([]byte, attr.ValueSize)
		copy(value, spec.Contents[i*attr.ValueSize:])
		key := make([]byte, max(8, attr.KeySize))
		binary.NativeEndian.PutUint32(key, i)
		elem := mapElem{MapFd: uint32(fd), Key: m.addr(key), Value: m.addr(value)}
		if _, err = bpf(unix.BPF_MAP_UPDATE_ELEM, &elem, m); err != nil {
			return -1, "fill map", err
		}
	}
	if spec.BeforeFreeze != nil {
		if err = spec.BeforeFreeze(fd); err != nil {
			return -1, "prepare to freeze map", err
		}
	}
	if !spec.Thawed {
		elem := struct{ mapFd uint32 }{uint32(fd)}
		if _, err = bpf(unix.BPF_MAP_FREEZE, &elem, m); err != nil {
			return -1, "freeze map", err
		}
	}
	if !p.Listed && !spec.Unhashed {
		info := mapInfo{Hash: m.addr(make([]byte, sha256.Size)), HashSize: sha256.Size}
		raw := unsafe.Slice((*byte)(unsafe.Pointer(&info)), unsafe.Sizeof(info))
		get := objInfo{BpfFd: uint32(fd), InfoLen: uint32(len(raw)), Info: m.addr(raw)}
		_, _ = bpf(unix.BPF_OBJ_GET_INFO_BY_FD, &get, m) // if refused, the loader finds no hash
	}
	return fd, "", nil
}

// Update writes a map's first element.
func Update(fd int, value string) error {
	var m memory
	elem := mapElem{MapFd: uint32(fd), Key: m.addr(make([]byte, 8)), Value: m.addr([]byte(value))}
	_, err := bpf(unix.BPF_MAP_UPDATE_ELEM, &elem, &m)
	return err
}

// Lookup reads size bytes of a map's first element.
func Lookup(fd, size int) (string, error) {
	var m memory
	value := m.addr(make([]byte, size))
	elem := mapElem{MapFd: uint32(fd), Key: m.addr(make([]byte, 8)), Value: value}
	_, err := bpf(unix.BPF_MAP_LOOKUP_ELEM, &elem, &m)
	return string(m.kept[0][:size]), err
}

func orElse(n, otherwise uint32) uint32 {
	if n != 0 {
		return n
	}
	return otherwise
}

// openFDs returns the process's file descriptors.
func openFDs() map[int]bool {
	fds := map[int]bool{}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil {
			fds[fd] = true
		}
	}
	return fds
}
