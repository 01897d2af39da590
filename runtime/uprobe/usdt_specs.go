package uprobe

import (
	"encoding/binary"
	"errors"
	"fmt"
	goruntime "runtime"
	"sync"
	goweak "weak"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// specsMap is the map of usdt.bpf.h in which programs look up where the arguments are. The index is
// the cookie of the attachment.
const specsMap = "__bpf_usdt_specs"

// The layout of the header's descriptions can be told only by their size: since libbpf 1.7 each
// argument has an index register in bit fields, and takes 24 bytes rather than 16.
const (
	specSize    = maxUSDTArgs*16 + 16 // struct __bpf_usdt_spec up to libbpf 1.6
	specSizeSIB = maxUSDTArgs*24 + 16
)

var errNoIndex = errors.New("the object's usdt.bpf.h does not support an index register: compile the object " +
	"with the header of libbpf 1.7 or later")

// encodeSpec encodes a struct __bpf_usdt_spec of the size of raw, in the given byte order.
func encodeSpec(raw []byte, args []usdtArg, cookie uint64, order binary.ByteOrder) error {
	size := (len(raw) - 16) / maxUSDTArgs // size of an argument
	withIndex := len(raw) == specSizeSIB
	for i := range args {
		a, b := &args[i], raw[i*size:][:size]
		if a.kind == argSIB && !withIndex {
			return fmt.Errorf("argument %d: %w", i, errNoIndex)
		}
		order.PutUint64(b, uint64(a.value))
		tail := b[12:]
		if !withIndex {
			order.PutUint32(b[8:], uint32(a.kind))
		} else {
			tail = b[14:]
			// Bit fields of 8, 12, 4 and 8 bits; those of 12 and 4 share two bytes. Compilers start
			// with the low bits on little endian and with the high bits on big endian, for which
			// the header swaps the fields of 8 bits.
			if isBigEndian(order) {
				b[12] = byte(a.kind)
				order.PutUint16(b[10:], a.index<<4|uint16(a.scale))
			} else {
				b[8] = byte(a.kind)
				order.PutUint16(b[10:], a.index|uint16(a.scale)<<12)
			}
		}
		order.PutUint16(tail, a.reg)
		if a.signed {
			tail[2] = 1
		}
		tail[3] = 64 - 8*a.size
	}
	order.PutUint64(raw[maxUSDTArgs*size:], cookie)
	order.PutUint16(raw[maxUSDTArgs*size+8:], uint16(len(args)))
	return nil
}

func isBigEndian(order binary.ByteOrder) bool { return order.Uint16([]byte{0, 1}) == 1 }

// specTable allocates the entries of a skeleton's specsMap. It is safe for concurrent use.
type specTable struct {
	mu   sync.Mutex
	free []uint32 // freed
	next uint32   // this one and higher ones have never been allocated
}

// specTables has the table of each map that was ever used, for as long as the map exists. All
// attachments of a skeleton share it.
var specTables struct {
	sync.Mutex
	of map[goweak.Pointer[runtime.Map]]*specTable
}

func specTableOf(m *runtime.Map) *specTable {
	key := goweak.Make(m)
	specTables.Lock()
	defer specTables.Unlock()
	t := specTables.of[key]
	if t == nil {
		if specTables.of == nil {
			specTables.of = map[goweak.Pointer[runtime.Map]]*specTable{}
		}
		t = &specTable{}
		specTables.of[key] = t
		goruntime.AddCleanup(m, forgetSpecTable, key)
	}
	return t
}

func forgetSpecTable(key goweak.Pointer[runtime.Map]) {
	specTables.Lock()
	defer specTables.Unlock()
	delete(specTables.of, key)
}

// take allocates an entry.
func (t *specTable) take(m *runtime.Map) (uint32, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.free); n > 0 {
		id := t.free[n-1]
		t.free = t.free[:n-1]
		return id, nil
	}
	if most := m.MaxEntries(); t.next >= most {
		return 0, fmt.Errorf("all %d entries of map %s are in use: define a larger BPF_USDT_MAX_SPEC_CNT before including "+
			"usdt.bpf.h, or call SetMaxEntries before Load: %w", most, m.Name(), unix.E2BIG)
	}
	t.next++
	return t.next - 1, nil
}

// giveBack frees entries that no attachment uses any more.
func (t *specTable) giveBack(ids []uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, ids...)
}

// findSpecsMap returns the map from which programs read descriptions.
func findSpecsMap(s *runtime.Skeleton) (*runtime.Map, error) {
	m := s.MapByName(specsMap)
	if m == nil {
		return nil, fmt.Errorf("the object has no map %s: include <bpf/usdt.bpf.h> in its source: %w", specsMap, unix.ESRCH)
	}
	spec := m.Spec()
	if spec.Type != sys.MapTypeArray || spec.KeySize != 4 || spec.ValueSize != specSize && spec.ValueSize != specSizeSIB {
		return nil, fmt.Errorf("map %s is not the one of libbpf's usdt.bpf.h, an array with values of %d or %d bytes: %w",
			specsMap, specSize, specSizeSIB, unix.EINVAL)
	}
	return m, nil
}

// putSpec stores an entry.
func putSpec(m *runtime.Map, id uint32, args []usdtArg, cookie uint64) error {
	if m.Spec().ValueSize == specSize {
		var v [specSize]byte
		if err := encodeSpec(v[:], args, cookie, binary.NativeEndian); err != nil {
			return err
		}
		return runtime.NewArrayMap[[specSize]byte](m).Update(id, v, runtime.Any)
	}
	var v [specSizeSIB]byte
	if err := encodeSpec(v[:], args, cookie, binary.NativeEndian); err != nil {
		return err
	}
	return runtime.NewArrayMap[[specSizeSIB]byte](m).Update(id, v, runtime.Any)
}
