package runtime

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// MoveCounts moves counters from one map to another: it adds them to those of the new map, in which
// programs may be counting, and sets them to zero in the old map. It is the last step of an
// upgrade, after [SetAsidePinned] and [Link.Update], when nothing counts in the old map any more. V
// is the type of the new map's values. The function counters returns pointers to the fields of a
// value that are counters, each a *uint64, *int64, *uint32 or *int32:
//
//	err := runtime.MoveCounts(old, s.Maps.Counts, func(c *skel.Counter) []any {
//		return []any{&c.Packets, &c.Bytes}
//	})
//
// The counters must have the same offsets in the values of both maps; adding fields at the end of a
// struct preserves them. If a key is missing from the new map, the old value's other fields are
// copied too, and new fields are zero. The maps must be hashes, LRU hashes or arrays, or their
// per-CPU variants (5.18), for which the counts of all CPUs are added to the value of one.
//
// Nothing is counted twice, and nothing is lost. MoveCounts loads a program that takes and adds
// each counter with atomic instructions. Programs that count in the new map meanwhile must also use
// atomic instructions (__sync_fetch_and_add) or, in per-CPU maps, run where they cannot be
// preempted, as in XDP and tc: a program that is preempted within a plain += would overwrite what
// was added. MoveCounts first waits for program runs that began before the call
// ([WaitForPrograms]), because a program that Update has replaced may still be about to count. If
// the process is killed at any moment, the next process can call MoveCounts again to finish the
// move. Keys must not be deleted from the new map meanwhile.
func MoveCounts[V any](from, to AnyMap, counters func(v *V) []any) error {
	v := new(V)
	m := move{from: mapIn(from), to: mapIn(to)}
	if m.from == nil || m.to == nil {
		return newMapError("", "move counts", errNoMap)
	}
	if size := unsafe.Sizeof(*v); size != uintptr(m.to.spec().ValueSize) {
		return m.fail(fmt.Errorf("type %T has %d bytes, but values of map %s have %d", *v, size, m.to.Name(), m.to.spec().ValueSize))
	}
	for _, p := range counters(v) {
		var at, size uintptr
		switch p := p.(type) {
		case *uint64:
			at, size = uintptr(unsafe.Pointer(p)), 8
		case *int64:
			at, size = uintptr(unsafe.Pointer(p)), 8
		case *uint32:
			at, size = uintptr(unsafe.Pointer(p)), 4
		case *int32:
			at, size = uintptr(unsafe.Pointer(p)), 4
		default:
			return m.fail(fmt.Errorf("counter of type %T: want *uint64, *int64, *uint32 or *int32", p))
		}
		at -= uintptr(unsafe.Pointer(v))
		switch {
		case at+size < at || at+size > unsafe.Sizeof(*v):
			return m.fail(errors.New("a counter does not point into the value"))
		case at > math.MaxInt16: // the largest offset of an instruction
			return m.fail(fmt.Errorf("counter at offset %d: the largest supported offset is %d: %w", at, math.MaxInt16, errors.ErrUnsupported))
		}
		m.counters = append(m.counters, countField{int16(at), size == 8})
	}
	runtime.KeepAlive(v)
	if err := m.all(); err != nil {
		return m.fail(err)
	}
	return nil
}

// move moves counters from one map to another.
type move struct {
	from, to *Map
	counters []countField

	fromFD, toFD, prog int
	cpus               int // number of values per key of a per-CPU map, or 0
	old, initial       []byte
}

type countField struct {
	at     int16
	eights bool // 8 bytes rather than 4
}

func (m *move) fail(err error) error {
	return newMapError(m.from.Name(), "move counts to "+m.to.Name(), err)
}

// mostKey is the size of the largest supported key. The program keeps it on its stack of 512 bytes.
const mostKey = 256

func (m *move) all() (err error) {
	if m.fromFD, err = m.from.file().acquire(); err != nil {
		return m.from.wrap("open", err)
	}
	defer m.from.fd.release()
	if m.toFD, err = m.to.file().acquire(); err != nil {
		return m.to.wrap("open", err)
	}
	defer m.to.fd.release()
	if err := m.check(); err != nil {
		return err
	}
	if err := WaitForPrograms(); err != nil {
		return err
	}
	if m.prog, err = m.load(); err != nil {
		return err
	}
	defer unix.Close(m.prog)
	return load.EachKey(m.fromFD, int(m.from.spec().KeySize), m.from.MaxEntries(), m.key)
}

// check rejects maps whose counters cannot be moved.
func (m *move) check() error {
	old, now := m.from.spec(), m.to.spec()
	switch {
	case !load.SameKind(old.Type, now.Type):
		return &IncompatibleMapError{Map: now.Name, Field: "type", Have: uint64(old.Type), Want: uint64(now.Type)}
	case old.KeySize != now.KeySize:
		return &IncompatibleMapError{Map: now.Name, Field: "key size", Have: uint64(old.KeySize), Want: uint64(now.KeySize)}
	case now.KeySize > mostKey:
		return fmt.Errorf("keys have %d bytes, but at most %d are supported: %w", now.KeySize, mostKey, errors.ErrUnsupported)
	}
	switch now.Type {
	case sys.MapTypeHash, sys.MapTypeLRUHash, sys.MapTypeArray:
	case sys.MapTypePerCPUHash, sys.MapTypeLRUPerCPUHash, sys.MapTypePerCPUArray:
		var err error
		if m.cpus, err = PossibleCPUs(); err != nil {
			return err
		}
	default:
		return fmt.Errorf("maps of type %d: %w", now.Type, errors.ErrUnsupported)
	}
	for _, c := range m.counters {
		size := uint32(4)
		if c.eights {
			size = 8
		}
		if uint32(c.at)+size > old.ValueSize {
			return fmt.Errorf("the counter at offset %d is past the end of the values of %s, which have %d bytes", c.at, old.Name, old.ValueSize)
		}
	}
	m.old, m.initial = make([]byte, m.valueBytes(old.ValueSize)), make([]byte, m.valueBytes(now.ValueSize))
	return nil
}

// valueBytes returns the number of bytes that the kernel copies for a key.
func (m *move) valueBytes(size uint32) int {
	if m.cpus == 0 {
		return int(size)
	}
	return m.cpus * ((int(size) + 7) &^ 7)
}

// key moves the counters of one key.
func (m *move) key(key []byte) error {
	if err := m.insert(key); err != nil {
		return err
	}
	ctx := make([]uint64, (len(key)+7)/8+1) // the key, then the CPU
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&ctx[0])), len(key)), key)
	for cpu := range max(1, m.cpus) {
		ctx[len(ctx)-1] = uint64(cpu)
		run := sys.ProgRunAttr{ProgFd: uint32(m.prog), CtxIn: sys.Addr(unsafe.Pointer(&ctx[0])), CtxSizeIn: uint32(8 * len(ctx))}
		_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&run), unsafe.Offsetof(run.BatchSize))
		runtime.KeepAlive(ctx)
		switch {
		case errno != 0:
			return fmt.Errorf("run: %w", errno)
		case run.Retval == missingThere:
			return fmt.Errorf("map %s: key deleted during the move: %w", m.to.Name(), ErrKeyNotExist)
		}
	}
	return nil
}

// insert makes sure that the new map has a key, with the old value's fields that are not counters.
func (m *move) insert(key []byte) error {
	if m.to.hasIndexKeys() {
		return nil // it has all keys
	}
	switch errno := load.Elem(sys.CmdMapLookupElem, m.fromFD, key, m.old, 0); errno {
	case 0:
	case unix.ENOENT:
		return nil
	default:
		return fmt.Errorf("look up: %w", errno)
	}
	clear(m.initial)
	for i := range max(1, m.cpus) {
		from, to := m.old, m.initial
		if m.cpus > 0 {
			n, k := len(m.old)/m.cpus, len(m.initial)/m.cpus
			from, to = from[i*n:][:n], to[i*k:][:k]
		}
		copy(to[:m.to.spec().ValueSize], from[:m.from.spec().ValueSize])
		for _, c := range m.counters {
			if c.eights {
				clear(to[c.at:][:8])
			} else {
				clear(to[c.at:][:4])
			}
		}
	}
	if errno := load.Elem(sys.CmdMapUpdateElem, m.toFD, key, m.initial, sys.ElemNoExist); errno != 0 && errno != unix.EEXIST {
		return m.to.fail("insert", errno)
	}
	return nil
}

// Return values of the program.
const (
	moved = iota
	missingHere
	missingThere
)

// load loads the program that moves the counters of one key:
//
//	from = bpf_map_lookup_elem(old, key)    ; or bpf_map_lookup_percpu_elem(old, key, cpu)
//	to = bpf_map_lookup_elem(new, key)
//	r1 = 0
//	r1 = xchg(from + offset, r1)            ; for each counter
//	lock *(u64 *)(to + offset) += r1
func (m *move) load() (int, error) {
	keySize := int(m.from.spec().KeySize)
	room := (keySize + 7) &^ 7
	var p insns
	p.add(sys.ALU64|sys.MOV|sys.X, 6, 1, 0, 0) // the context
	for at := 0; at < keySize; {
		size, n := uint8(sys.DW), 8
		for n > keySize-at {
			n /= 2
			size = map[int]uint8{4: sys.W, 2: sys.H, 1: sys.B}[n]
		}
		p.add(sys.LDX|sys.MEM|size, 1, 6, at, 0)
		p.add(sys.STX|sys.MEM|size, 10, 1, at-room, 0)
		at += n
	}
	lookup := func(fd int, helper int32) {
		p.add(sys.ALU64|sys.MOV|sys.X, 2, 10, 0, 0)
		p.add(sys.ALU64|sys.ADD, 2, 0, 0, int32(-room))
		p.add(sys.LD|sys.DW|sys.IMM, 1, sys.PseudoMapFd, 0, int32(fd))
		p.add(0, 0, 0, 0, 0)
		p.add(sys.JMP|sys.CALL, 0, 0, 0, helper)
	}
	const lookupElem, lookupPerCPUElem = 1, 195
	end := func(r0 int32) {
		p.add(sys.JMP|sys.JNE, 0, 0, 2, 0)
		p.add(sys.ALU64|sys.MOV, 0, 0, 0, r0)
		p.add(sys.OpExit, 0, 0, 0, 0)
	}
	if m.cpus > 0 {
		p.add(sys.LDX|sys.MEM|sys.DW, 3, 6, room, 0)
		lookup(m.fromFD, lookupPerCPUElem)
	} else {
		lookup(m.fromFD, lookupElem)
	}
	end(missingHere)
	p.add(sys.ALU64|sys.MOV|sys.X, 7, 0, 0, 0)
	lookup(m.toFD, lookupElem)
	end(missingThere)
	const xchg, add = 0xe1, 0
	for _, c := range m.counters {
		size := uint8(sys.W)
		if c.eights {
			size = sys.DW
		}
		p.add(sys.ALU64|sys.MOV, 1, 0, 0, 0)
		p.add(sys.STX|sys.ATOMIC|size, 7, 1, int(c.at), xchg)
		p.add(sys.STX|sys.ATOMIC|size, 0, 1, int(c.at), add)
	}
	p.add(sys.ALU64|sys.MOV, 0, 0, 0, moved)
	p.add(sys.OpExit, 0, 0, 0, 0)
	return p.load("move_counts")
}

// insns is a program being assembled.
type insns []sys.Insn

func (p *insns) add(code, dst, src uint8, off int, imm int32) {
	regs := src<<4 | dst
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		regs = dst<<4 | src
	}
	*p = append(*p, sys.Insn{Code: code, Regs: regs, Off: int16(off), Imm: imm})
}

// load loads a program of type SYSCALL.
func (p insns) load(name string) (int, error) {
	license := []byte("Dual MIT/GPL\x00")
	attr := sys.ProgLoadAttr{
		ProgType: sys.ProgTypeSyscall, InsnCnt: uint32(len(p)), Insns: sys.Addr(unsafe.Pointer(&p[0])),
		License: sys.Addr(unsafe.Pointer(&license[0])), ProgFlags: sys.FlagSleepable,
	}
	copy(attr.ProgName[:], name)
	try := func() (int, unix.Errno) {
		num, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.ExpectedAttachType))
		runtime.KeepAlive(p)
		runtime.KeepAlive(license)
		return num, errno
	}
	num, errno := try()
	if errno == unix.EAGAIN { // a signal was pending
		unlock, err := load.LockThread()
		if err != nil {
			return -1, err
		}
		defer unlock()
		for range 16 {
			if num, errno = try(); errno != unix.EAGAIN {
				break
			}
		}
	}
	if errno != 0 {
		return -1, fmt.Errorf("load the program that moves counters: %w", errno)
	}
	return num, nil
}

// WaitForPrograms waits until all runs of BPF programs that began before the call have ended,
// except those of sleepable programs. After [Link.Update], for example, the replaced program no
// longer runs once WaitForPrograms returns. It takes some milliseconds.
//
// The kernel waits when a map is put into a map of maps (maybe_wait_bpf_programs).
func WaitForPrograms() error {
	const op = "wait for programs"
	inner, err := CreateMap(&MapSpec{Name: "wait_inner", Type: sys.MapTypeArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	defer inner.Close()
	attr := mapAttr(&MapSpec{Name: "wait_outer", Type: sys.MapTypeArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	attr.InnerMapFd = uint32(inner.FD())
	outer, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Offsetof(attr.BtfVmlinuxValueTypeId))
	if errno != 0 {
		return fmt.Errorf("%s: create map: %w", op, errno)
	}
	defer unix.Close(outer)
	value := binary.NativeEndian.AppendUint32(nil, uint32(inner.FD()))
	if errno := load.Elem(sys.CmdMapUpdateElem, outer, make([]byte, 4), value, 0); errno != 0 {
		return fmt.Errorf("%s: update map: %w", op, errno)
	}
	return nil
}
