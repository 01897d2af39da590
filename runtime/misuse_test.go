//vmtest:all

package runtime

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// An unloaded program is an error wherever a map takes a program, and never means "no program".
func TestNoProgramIntoMap(t *testing.T) {
	array := NewProgramArray(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}))
	for _, p := range []AnyProgram{nil, (*Program)(nil), &Program{}, XDPProgram{}} {
		if err := array.Update(0, p); !errors.Is(err, errNoProgram) {
			t.Errorf("program array: %v", err)
		}
	}
	devices := NewDevMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeDevMap, KeySize: 4, ValueSize: 8, MaxEntries: 1}))
	cpus := NewCPUMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeCPUMap, KeySize: 4, ValueSize: 8, MaxEntries: 1}))
	for _, p := range []*XDPProgram{{}, {&Program{}}} {
		if err := devices.Update(0, 1, p, Any); !errors.Is(err, errNoProgram) {
			t.Errorf("devmap: %v", err)
		}
		if err := cpus.Update(0, 64, p); !errors.Is(err, errNoProgram) {
			t.Errorf("cpumap: %v", err)
		}
	}
}

// Numbers that the kernel cannot take are refused, not truncated.
func TestNumbersOutOfRange(t *testing.T) {
	events := NewPerfEventArray[[]byte](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypePerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}))
	many := 1 << 30 // shifting this overflows a 32-bit int
	large := []int{many}
	if many<<2 != 0 {
		large = append(large, many<<10, many<<22, many<<22<<10)
	}
	for _, n := range large {
		// So many pages that their size in bytes is 0 modulo 1<<64, for which a reader would never
		// read.
		r, err := events.Reader(PerfOptions{Pages: n})
		if !errors.Is(err, unix.EINVAL) {
			t.Errorf("%d pages: %v", n, err)
		}
		if err == nil {
			r.Close()
		}
		if n == many {
			continue
		}
		if r, err = events.Reader(PerfOptions{Wakeup: n}); !errors.Is(err, unix.EINVAL) {
			t.Errorf("woken after %d bytes: %v", n, err)
		}
		if err == nil {
			r.Close()
		}
	}
	if _, err := events.Reader(PerfOptions{Wakeup: -1}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("woken after -1 bytes: %v", err)
	}

	lo := loopback(t)
	if many<<2 == 0 {
		return
	}
	lo += many << 2
	p := newTestSchedCLS(t, returning(0))
	if l, err := p.AttachTCX(lo, Ingress, nil); !errors.Is(err, unix.EINVAL) {
		t.Errorf("interface %d: %v, %v", lo, l, err)
	}
	devices := NewDevMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeDevMap, KeySize: 4, ValueSize: 4, MaxEntries: 1}))
	if err := devices.Update(0, lo, nil, Any); !errors.Is(err, unix.EINVAL) {
		t.Errorf("interface %d: %v", lo, err)
	}
}

// A path with a zero byte is refused, not truncated.
func TestPinZeroByte(t *testing.T) {
	dir := testfs.BPF(t)
	h := newTestHash[uint32, uint64](t, 1)
	if err := h.Pin(dir + "/map\x00.old"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("pinned: %v", err)
	}
	if _, err := os.Stat(dir + "/map"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file exists: %v", err)
	}
	if err := h.Pin(dir + "/map"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPinnedMap(dir + "/map\x00.old"); !errors.Is(err, unix.EINVAL) {
		t.Errorf("opened: %v", err)
	}
}

// A nil or zero map of any type is an error wherever a function takes a map.
func TestNoMap(t *testing.T) {
	s := &Skeleton{spec: &Spec{Name: "test"}}
	there := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	inner := NewArrayOfMaps(there, nil, func(m *Map) AnyMap { return m })
	untouched := func(*uint64) []any { panic("a nil or zero map is counted in") }
	for _, m := range []AnyMap{
		nil, (*Map)(nil), &Map{}, (*ArrayMap[uint64])(nil), &ArrayMap[uint64]{}, (*HashMap[uint32, uint64])(nil), (*RingBuf[uint64])(nil), (*StructOpsMap)(nil),
		&StructOpsMap{}, (*HashOfMaps[uint32, *Map])(nil), &HashOfMaps[uint32, *Map]{}, (*ArrayOfMaps[*Map])(nil),
	} {
		for name, err := range map[string]error{
			"ReuseMap":           ReuseMap(s, m, there),
			"ReuseMap by":        ReuseMap(s, there, m),
			"ChangeMap":          ChangeMap(s, m, func(*MapChange) { t.Error("a nil or zero map was changed") }),
			"MoveCounts from":    MoveCounts(m, there, untouched),
			"MoveCounts to":      MoveCounts(there, m, untouched),
			"into a map of maps": inner.Update(0, m),
			"AttachSockMap": func() error {
				_, err := SKMsgProgram{&Program{spec: &ProgramSpec{Name: "p"}}}.AttachSockMap(m, nil)
				return err
			}(),
			"iterator over a map": func() error {
				_, err := IterProgram{&Program{spec: &ProgramSpec{Name: "p"}}}.Attach(&IterOptions{Map: m})
				return err
			}(),
		} {
			if m == nil && name == "iterator over a map" {
				continue // over all maps
			}
			if !errors.Is(err, errNoMap) {
				t.Errorf("%s, %T: %v", name, m, err)
			}
		}
	}
	for _, m := range []*StructOpsMap{nil, {}} {
		for name, f := range map[string]func(){
			"Attach": func() { _, _ = m.Attach() }, "Data": func() { m.Data() }, "AutoCreate": func() { m.AutoCreate() },
			"SetAutoCreate": func() { m.SetAutoCreate(true) }, "SetProgram": func() { _ = m.SetProgram("x", nil) },
		} {
			if said := panics(f); said != noMap {
				t.Errorf("%s panics with %q", name, said)
			}
		}
	}
	if _, err := CreateMap(nil); err == nil {
		t.Error("created a map from a nil MapSpec")
	}
}

// So is a Cloner.
func TestNoCloner(t *testing.T) {
	for _, c := range []*Cloner[TracingProgram]{nil, {}} {
		_, kernel := c.Clone("x")
		_, program := c.CloneForProgram(TracingProgram{}, "x")
		for name, err := range map[string]error{"Clone": kernel, "CloneForProgram": program, "Close": c.Close()} {
			if err != errNoCloner {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, s := range []*Skeleton{nil, {}} {
		_, err := NewCloner(s, TracingProgram{})
		for name, err := range map[string]error{"NewCloner": err, "SetConstant": SetConstant(s, "x", 1)} {
			if err != errNoSkeleton {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Operations on zero values return errors that say so.
func TestNoMapNoSkeleton(t *testing.T) {
	for _, m := range []*Map{nil, {}} {
		for name, f := range map[string]func(){"Close": func() { _ = m.Close() }, "Info": func() { _, _ = m.Info() }} {
			if said := panics(f); !strings.Contains(said, "use of a nil or zero map") {
				t.Errorf("%s panics with %q", name, said)
			}
		}
	}
	for _, s := range []*Skeleton{nil, {}} {
		_, attach := AttachSections(s, nil)
		for name, err := range map[string]error{"Load": s.Load(nil), "LoadAndBind": LoadAndBind(s, nil, func() {}), "Attach": attach} {
			if err != errNoSkeleton {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
