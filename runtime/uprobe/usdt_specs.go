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

// specsMap is the map of usdt.bpf.h in which a program looks up where the arguments are. Its index
// is the cookie that the program is attached with.
const specsMap = "__bpf_usdt_specs"

// The header has changed the layout of its descriptions without any other sign than their size:
// since libbpf 1.7 they have an index register, in bit fields that make each argument's 24 bytes
// rather than 16.
const (
	specSize    = maxUSDTArgs*16 + 16 // struct __bpf_usdt_spec up to libbpf 1.6
	specSizeSIB = maxUSDTArgs*24 + 16
)

var errNoIndex = errors.New("the object's usdt.bpf.h does not know memory at two registers: compile the object " +
	"with the header of libbpf 1.7 or later")

// encodeSpec writes struct __bpf_usdt_spec of the size of raw in the kernel's byte order.
func encodeSpec(raw []byte, args []usdtArg, cookie uint64, order binary.ByteOrder) error {
	size := (len(raw) - 16) / maxUSDTArgs // of an argument
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
			// Bit fields of 8, 12, 4 and 8 bits, where those of 12 and 4 share two bytes. Compilers
			// begin with the low bits on little endian, and with the high bits on big endian, where
			// the header has the 8 bits in the opposite order.
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

// specTable gives out the entries of one skeleton's specsMap. It is safe for concurrent use.
type specTable struct {
	mu   sync.Mutex
	free []uint32 // given back
	next uint32   // it and those above have never been given out
}

// specTables has the table of each map that has ever been used, for as long as the map exists: all
// attachments of one skeleton share it.
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

// take returns an entry that nobody uses.
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

// giveBack is for entries that nothing is attached with any more.
func (t *specTable) giveBack(ids []uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free = append(t.free, ids...)
}

// findSpecsMap returns the map that programs read descriptions from.
func findSpecsMap(s *runtime.Skeleton) (*runtime.Map, error) {
	m := s.MapByName(specsMap)
	if m == nil {
		return nil, fmt.Errorf("the object has no map %s: its source has to include <bpf/usdt.bpf.h>: %w", specsMap, unix.ESRCH)
	}
	spec := m.Spec()
	if spec.Type != sys.MapTypeArray || spec.KeySize != 4 || spec.ValueSize != specSize && spec.ValueSize != specSizeSIB {
		return nil, fmt.Errorf("map %s is not that of libbpf's usdt.bpf.h, an array of values of %d or %d bytes: %w",
			specsMap, specSize, specSizeSIB, unix.EINVAL)
	}
	return m, nil
}

// putSpec writes an entry.
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
