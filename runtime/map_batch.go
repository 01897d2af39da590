package runtime

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// BatchCursor is where a walk through a map in batches stands. The zero
// BatchCursor is at the start. It belongs to one map and one goroutine.
type BatchCursor struct {
	// token is what the kernel goes by, or the last key where it has no batch
	// operation for the map's type: as many bytes as a key, and at least four.
	token []byte
	place cursorPlace
}

type cursorPlace uint8

const (
	atStart  cursorPlace = iota
	inBatch              // token is the kernel's
	inKeys               // token is the last key
	keyStart             // as atStart, and the kernel has no batch operation
	atEnd
)

// errBatchSmall is ENOSPC from a hash map: it hands out whole buckets only.
var errBatchSmall error = &sentinelError{"the slices are too short for the next hash bucket", unix.ENOSPC}

// LookupBatch fills keys and values, which are equally long, with the next
// entries and returns how many; 0 is the end. A hash bucket that does not fit is
// unix.ENOSPC: go on with longer slices.
//
// In hash maps it survives concurrent deletions: each key that stays is returned once. Kernels
// and map types without the operation are asked key by key.
func (t table[K, V]) LookupBatch(cur *BatchCursor, keys []K, values []V) (int, error) {
	return t.nextBatch(cur, keys, values, false)
}

// UpdateBatch sets the values of all keys and returns how many it did, up to
// the first that fails. It is not one step: others see it half done.
func (t table[K, V]) UpdateBatch(keys []K, values []V, flags UpdateFlags) (int, error) {
	if len(keys) != len(values) {
		return 0, &MapError{t.m.Name(), opUpdateBatch, unix.EINVAL}
	}
	if len(keys) == 0 {
		return 0, nil
	}
	// Of the flags, batches take the lock only (generic_map_update_batch).
	if flags&^Locked == 0 {
		b := batch{
			keys: unsafe.Pointer(&keys[0]), values: unsafe.Pointer(&values[0]),
			count: uint32(len(keys)), elemFlags: uint64(flags),
		}
		if n, err := t.m.batchAll(opUpdateBatch, sys.CmdMapUpdateBatch, &b); err != errNoBatch {
			return n, err
		}
	}
	for i, k := range keys {
		if err := t.Update(k, values[i], flags); err != nil {
			return i, err
		}
	}
	return len(keys), nil
}

func (t table[K, V]) deleteBatch(keys []K) (int, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	b := batch{keys: unsafe.Pointer(&keys[0]), count: uint32(len(keys))}
	if n, err := t.m.batchAll(opDeleteBatch, sys.CmdMapDeleteBatch, &b); err != errNoBatch {
		return n, err
	}
	for i, k := range keys {
		if err := t.delete(k); err != nil {
			return i, err
		}
	}
	return len(keys), nil
}

func (t table[K, V]) nextBatch(cur *BatchCursor, keys []K, values []V, remove bool) (int, error) {
	if len(keys) != len(values) || len(keys) == 0 {
		return 0, &MapError{t.m.Name(), opLookupBatch, unix.EINVAL}
	}
	return t.m.next(cur, unsafe.Pointer(&keys[0]), unsafe.Pointer(&values[0]), len(keys), int(unsafe.Sizeof(values[0])), remove)
}

// batch is what a batch operation takes; count is also what it gives.
type batch struct {
	token        []byte
	first        bool // start at the beginning, not at token
	keys, values unsafe.Pointer
	count        uint32
	elemFlags    uint64
}

// batch carries out b. An error is one of the map's state, an errno the kernel's.
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

// errNoBatch says that a map has to be asked key by key.
var errNoBatch = errors.New("no batch operation")

// batchAll carries out a batch that writes, and returns how many entries it did.
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
	case b.count == all: // refused before it began, the count not written
		return 0, m.fail(op, errno)
	}
	return int(b.count), m.fail(op, errno)
}

// next puts up to n of m's next entries at keys and values, valueSize bytes
// apart, and returns how many; 0 is the end.
func (m *Map) next(cur *BatchCursor, keys, values unsafe.Pointer, n, valueSize int, remove bool) (int, error) {
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
			return m.nextOneByOne(cur, keys, values, n, valueSize, remove)
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
		case errno == unix.ENOENT: // the end, and often the last entries too
			cur.place = atEnd
			return int(b.count), nil
		case errno == sys.ENOTSUPP && cur.place == atStart:
			cur.place = keyStart
		case errno == unix.EINTR:
			// generic_map_lookup_batch has met keys that are gone, several in a row. Its
			// token is the last key.
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
			return 0, &MapError{m.spec().Name, op, errBatchSmall}
		default:
			return 0, m.fail(op, errno)
		}
	}
}

// nextOneByOne is next for what has no batch operation.
func (m *Map) nextOneByOne(cur *BatchCursor, keys, values unsafe.Pointer, n, valueSize int, remove bool) (int, error) {
	last := unsafe.Pointer(&cur.token[0])
	for got := 0; got < n; {
		// What is removed is not there to go on from: begin anew each time.
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
		case errno == unix.ENOENT: // gone since
			continue
		case errno != 0:
			return got, m.fail(opLookup, errno)
		}
		copy(unsafe.Slice((*byte)(unsafe.Add(keys, got*int(m.spec().KeySize))), m.spec().KeySize), cur.token)
		got++
	}
	return n, nil
}

// elem makes one system call on a key and a value that are on the heap.
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

// elemFD is Map.elem for a file descriptor of one's own.
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
