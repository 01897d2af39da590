package runtime

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// BatchCursor is the position of a batch-wise walk through a map. The zero BatchCursor is at the
// start. It belongs to the first map that it is used with: other maps reject it. It must not be
// used concurrently.
type BatchCursor struct {
	m *Map
	// token is the kernel's position, or the last key if the kernel has no batch operation for the
	// map's type. It has the size of a key, and at least four bytes.
	token []byte
	place cursorPlace
}

type cursorPlace uint8

const (
	atStart  cursorPlace = iota
	inBatch              // token is the kernel's position
	inKeys               // token is the last key
	keyStart             // like atStart, but the kernel has no batch operation
	atEnd
)

// errBatchSmall is ENOSPC from a hash map, which returns whole buckets only.
var errBatchSmall error = &sentinelError{text: "keys and values are too short for the next hash bucket: use longer slices", errno: unix.ENOSPC}

var (
	errUnequal  error = &sentinelError{text: "keys and values must have the same length", errno: unix.EINVAL}
	errNoRoom   error = &sentinelError{text: "keys and values are empty", errno: unix.EINVAL}
	errNoCursor error = &sentinelError{text: "nil BatchCursor: pass a pointer to a zero BatchCursor", errno: unix.EINVAL}
)

// nextBatch fills keys and values, slices of nk and nv elements, with the next entries.
func (m *Map) nextBatch(cur *BatchCursor, keys unsafe.Pointer, nk int, values unsafe.Pointer, nv int, remove bool) (int, error) {
	op := opLookupBatch
	if remove {
		op = opDrainBatch
	}
	switch {
	case nk != nv:
		return 0, newMapError(m.spec().Name, op, errUnequal)
	case nk == 0:
		return 0, newMapError(m.spec().Name, op, errNoRoom)
	case cur == nil:
		return 0, newMapError(m.spec().Name, op, errNoCursor)
	case cur.m == nil:
		cur.m = m
	case cur.m != m:
		return 0, newMapError(m.spec().Name, op, fmt.Errorf("the cursor belongs to map %s: start with a zero BatchCursor: %w", cur.m.Name(), unix.EINVAL))
	}
	return m.readBatch(cur, keys, values, nk, int(m.spec().ValueSize), remove)
}

// updateBatch sets the values of all keys, in slices of nk and nv elements.
func (m *Map) updateBatch(keys unsafe.Pointer, nk int, values unsafe.Pointer, nv int, flags UpdateFlags) (int, error) {
	if nk != nv {
		return 0, newMapError(m.spec().Name, opUpdateBatch, errUnequal)
	}
	if nk == 0 {
		return 0, nil
	}
	// Batches accept no flag but the lock (generic_map_update_batch).
	if flags&^Locked == 0 {
		b := batch{keys: keys, values: values, count: uint32(nk), elemFlags: uint64(flags)}
		if n, err := m.batchAll(opUpdateBatch, sys.CmdMapUpdateBatch, &b); err != errNoBatch {
			return n, err
		}
	}
	keySize, valueSize := int(m.spec().KeySize), int(m.spec().ValueSize)
	for i := range nk {
		c := m.begin(opUpdate)
		copy(unsafe.Slice((*byte)(c.key), keySize), unsafe.Slice((*byte)(unsafe.Add(keys, i*keySize)), keySize))
		copy(unsafe.Slice((*byte)(c.value), valueSize), unsafe.Slice((*byte)(unsafe.Add(values, i*valueSize)), valueSize))
		if err := c.update(flags); err != nil {
			return i, err
		}
	}
	return nk, nil
}

// deleteBatch removes all keys, in a slice of n elements.
func (m *Map) deleteBatch(keys unsafe.Pointer, n int) (int, error) {
	m.spec()
	if n == 0 {
		return 0, nil
	}
	b := batch{keys: keys, count: uint32(n)}
	if n, err := m.batchAll(opDeleteBatch, sys.CmdMapDeleteBatch, &b); err != errNoBatch {
		return n, err
	}
	keySize := int(m.spec().KeySize)
	for i := range n {
		c := m.begin(opDelete)
		copy(unsafe.Slice((*byte)(c.key), keySize), unsafe.Slice((*byte)(unsafe.Add(keys, i*keySize)), keySize))
		if err := c.delete(); err != nil {
			return i, err
		}
	}
	return n, nil
}

// batch has the arguments of a batch operation. count is also its result.
type batch struct {
	token        []byte
	first        bool // start at the beginning, not at token
	keys, values unsafe.Pointer
	count        uint32
	elemFlags    uint64
}

// batch executes b. The error is about the state of the map, the errno from the kernel.
func (m *Map) batch(op string, cmd sys.Cmd, b *batch) (unix.Errno, error) {
	num, err := m.fd.acquire()
	if err != nil {
		return 0, m.wrap(op, err)
	}
	defer m.fd.release()
	attr := sys.MapBatchAttr{
		Keys: sys.Addr(b.keys), Values: sys.Addr(b.values),
		Count: b.count, MapFd: uint32(num), ElemFlags: b.elemFlags,
	}
	if b.token != nil {
		attr.OutBatch = sys.Addr(unsafe.Pointer(&b.token[0]))
		if !b.first {
			attr.InBatch = attr.OutBatch
		}
	}
	_, errno := sys.BPF(cmd, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(b)
	b.count = attr.Count
	return errno, nil
}

// errNoBatch means that the map must be accessed key by key.
var errNoBatch = errors.New("no batch operation")

// batchAll executes a batch that writes, and returns the number of entries written.
func (m *Map) batchAll(op string, cmd sys.Cmd, b *batch) (int, error) {
	all := b.count
	errno, err := m.batch(op, cmd, b)
	switch {
	case err != nil:
		return 0, err
	case errno == 0:
		return int(b.count), nil
	case errno == sys.ENOTSUPP:
		return 0, errNoBatch
	case b.count == all: // refused before it began: count is unchanged
		return 0, m.fail(op, errno)
	}
	return int(b.count), m.fail(op, errno)
}

// readBatch copies up to n of m's next entries to keys and values, valueSize bytes apart, and
// returns their number. Zero means the end.
func (m *Map) readBatch(cur *BatchCursor, keys, values unsafe.Pointer, n, valueSize int, remove bool) (int, error) {
	op, cmd := opLookupBatch, sys.CmdMapLookupBatch
	if remove {
		op, cmd = opDrainBatch, sys.CmdMapLookupAndDeleteBatch
	}
	if cur.place == atStart {
		cur.token = make([]byte, max(4, m.spec().KeySize))
	}
	for {
		switch cur.place {
		case atEnd:
			return 0, nil
		case inKeys, keyStart:
			return m.readOneByOne(cur, keys, values, n, valueSize, remove)
		}
		b := batch{token: cur.token, first: cur.place == atStart, keys: keys, values: values, count: uint32(n)}
		errno, err := m.batch(op, cmd, &b)
		switch {
		case err != nil:
			return 0, err
		case errno == 0:
			cur.place = inBatch
			if b.count > 0 {
				return int(b.count), nil
			}
		case errno == unix.ENOENT: // the end, often together with the last entries
			cur.place = atEnd
			return int(b.count), nil
		case errno == sys.ENOTSUPP && cur.place == atStart:
			cur.place = keyStart
		case errno == unix.EINTR:
			// generic_map_lookup_batch has met several deleted keys in a row. Its token is the last
			// key.
			start := cur.place == atStart
			switch {
			case b.count > 0:
				cur.place = inBatch
				return int(b.count), nil
			case start:
				cur.place = keyStart
			default:
				cur.place = inKeys
			}
		case errno == unix.ENOSPC:
			return 0, newMapError(m.spec().Name, op, errBatchSmall)
		default:
			return 0, m.fail(op, errno)
		}
	}
}

// readOneByOne is readBatch for maps without a batch operation.
func (m *Map) readOneByOne(cur *BatchCursor, keys, values unsafe.Pointer, n, valueSize int, remove bool) (int, error) {
	last := unsafe.Pointer(&cur.token[0])
	for got := 0; got < n; {
		// The walk cannot continue from a removed key: start over each time.
		from := last
		if cur.place == keyStart || remove {
			from = nil
		}
		errno, err := m.elem(opNext, sys.CmdMapGetNextKey, from, last)
		switch {
		case err != nil:
			return got, err
		case errno == unix.ENOENT:
			cur.place = atEnd
			return got, nil
		case errno != 0:
			return got, m.fail(opNext, errno)
		}
		cur.place = inKeys
		errno, err = m.elem(opLookup, sys.CmdMapLookupElem, last, unsafe.Add(values, got*valueSize))
		if errno == 0 && err == nil && remove {
			errno, err = m.elem(opDelete, sys.CmdMapDeleteElem, last, nil)
		}
		switch {
		case err != nil:
			return got, err
		case errno == unix.ENOENT: // deleted meanwhile
			continue
		case errno != 0:
			return got, m.fail(opLookup, errno)
		}
		copy(unsafe.Slice((*byte)(unsafe.Add(keys, got*int(m.spec().KeySize))), m.spec().KeySize), cur.token)
		got++
	}
	return n, nil
}

// elem makes one system call with a key and a value on the heap.
func (m *Map) elem(op string, cmd sys.Cmd, key, value unsafe.Pointer) (unix.Errno, error) {
	return m.elemFlags(op, cmd, key, value, 0)
}

func (m *Map) elemFlags(op string, cmd sys.Cmd, key, value unsafe.Pointer, flags uint64) (unix.Errno, error) {
	num, err := m.fd.acquire()
	if err != nil {
		return 0, m.wrap(op, err)
	}
	defer m.fd.release()
	return elemNum(num, cmd, key, value, flags), nil
}

// elemFD is Map.elem for an fd that the caller owns.
func elemFD(f *fd, cmd sys.Cmd, key, value unsafe.Pointer) (unix.Errno, error) {
	num, err := f.acquire()
	if err != nil {
		return 0, err
	}
	defer f.release()
	return elemNum(num, cmd, key, value, 0), nil
}

func elemNum(num int, cmd sys.Cmd, key, value unsafe.Pointer, flags uint64) unix.Errno {
	attr := sys.MapElemAttr{MapFd: uint32(num), Key: sys.Addr(key), Value: sys.Addr(value), Flags: flags}
	errno := elemCall(cmd, &attr)
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return errno
}
