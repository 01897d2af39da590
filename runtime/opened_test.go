//vmtest:all

package runtime

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// A map can be opened by its pin or its ID, with its types.
func TestOpenMap(t *testing.T) {
	dir := testfs.BPF(t)
	h := newTestHash[uint32, uint64](t, 8)
	if err := h.Update(7, 42, Any); err != nil {
		t.Fatal(err)
	}
	if err := h.Pin(dir + "/map"); err != nil {
		t.Fatal(err)
	}
	id, err := h.ID()
	if err != nil {
		t.Fatal(err)
	}
	all, err := MapIDs()
	if err != nil || !slices.Contains(all, id) || !slices.IsSorted(all) {
		t.Errorf("map %d is not among %d, %v", id, all, err)
	}
	for name, open := range map[string]func() (*Map, error){
		"pin": func() (*Map, error) { return OpenPinnedMap(dir + "/map") }, "ID": func() (*Map, error) { return OpenMapID(id) },
	} {
		m, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := TypedMap(m, NewHashMap[uint32, uint64])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if v, err := again.Lookup(7); err != nil || v != 42 {
			t.Errorf("%s: %d, %v", name, v, err)
		}
		if info, err := m.Info(); err != nil || info.ID != id || info.Type != sys.MapTypeHash || info.KeySize != 4 || info.ValueSize != 8 || info.MaxEntries != 8 {
			t.Errorf("%s: info %+v, %v", name, info, err)
		}
		_, err = TypedMap(m, NewHashMap[uint32, uint32])
		if e, ok := errtype.Of[*MapError](err); !ok || !errors.Is(err, unix.EINVAL) || !strings.Contains(e.Error(), "value type uint32 has 4 bytes, the map's value has 8") {
			t.Errorf("%s: a value of another size: %v", name, err)
		}
		for range 2 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := again.Lookup(7); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: after Close: %v", name, err)
		}
	}
	if _, err := TypedMap(nil, NewHashMap[uint32, uint64]); !errors.Is(err, errNoMap) {
		t.Errorf("no map: %v", err)
	}
	if _, err := OpenMapID(1<<32 - 2); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "map ID 4294967294: open: ") {
		t.Errorf("no such map: %v", err)
	}
	if _, err := OpenPinnedMap(dir + "/nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// A program can be opened by its pin or its ID, and attached.
func TestOpenProgram(t *testing.T) {
	dir := testfs.BPF(t)
	lo := loopback(t)
	count := newCount(t)
	p := newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP, Name: "found_again"}, insns: counting(count, int32(XDPPass))})
	if err := p.Pin(dir + "/prog"); err != nil {
		t.Fatal(err)
	}
	id, err := p.ID()
	if err != nil {
		t.Fatal(err)
	}
	if all, err := ProgramIDs(); err != nil || !slices.Contains(all, id) {
		t.Errorf("program %d is not among %d, %v", id, all, err)
	}
	mapID, err := count.ID()
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (*Program, error){
		"pin": func() (*Program, error) { return OpenPinnedProgram(dir+"/prog", nil) },
		"ID":  func() (*Program, error) { return OpenProgramID(id, &OpenProgramOptions{AttachType: sys.AttachXDP}) },
	} {
		again, err := open()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		info, err := again.Info()
		if err != nil || info.ID != id || info.Type != sys.ProgTypeXDP || info.Name != "found_again" || info.TranslatedSize == 0 ||
			info.LoadTime == 0 || !slices.Equal(info.MapIDs, []uint32{mapID}) || info.Tag == [8]byte{} {
			t.Errorf("%s: info %+v, %v", name, info, err)
		}
		if again.Name() != "found_again" {
			t.Errorf("%s: name %q", name, again.Name())
		}
		l, err := XDPProgram{again}.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		linkInfo, err := l.Info()
		if err != nil {
			t.Fatal(err)
		}
		if all, err := LinkIDs(); err != nil || !slices.Contains(all, linkInfo.ID) {
			t.Errorf("link %d is not among %d, %v", linkInfo.ID, all, err)
		}
		other, err := OpenLinkID(linkInfo.ID)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := other.Info(); err != nil || info.ProgramID != id {
			t.Errorf("%s: link by ID: %+v, %v", name, info, err)
		}
		other.Close()
		before := counted(t, count)
		ping(t)
		if counted(t, count) == before {
			t.Errorf("%s: the program did not run", name)
		}
		l.Close()
		for range 2 {
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		}
		if _, err := again.ID(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: after Close: %v", name, err)
		}
	}
	for name, open := range map[string]func() error{
		"program": func() error { _, err := OpenProgramID(1<<32-2, nil); return err }, "link": func() error { _, err := OpenLinkID(1<<32 - 2); return err },
	} {
		if err := open(); !errors.Is(err, unix.ENOENT) {
			t.Errorf("no such %s: %v", name, err)
		}
	}
}

// A pin cannot be opened as another kind of object.
func TestOpenWrongKind(t *testing.T) {
	dir := testfs.BPF(t)
	lo := loopback(t)
	p := XDPProgram{newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPPass))})}
	l, err := p.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := errors.Join(p.Pin(dir+"/prog"), l.Pin(dir+"/link"), newCount(t).Pin(dir+"/map")); err != nil {
		t.Fatal(err)
	}
	queue := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeQueue, ValueSize: 4, MaxEntries: 1}) // without batch operations
	if err := queue.Pin(dir + "/queue"); err != nil {
		t.Fatal(err)
	}
	opens := map[string]string{ // by the errors of the other functions
		"map": "this is a map: use OpenPinnedMap", "queue": "this is a map: use OpenPinnedMap",
		"prog": "this is a program: use OpenPinnedProgram", "link": "this is a link: use OpenPinnedLink",
	}
	for name, open := range map[string]func(path string) (io.Closer, error){
		"OpenPinnedMap":     func(path string) (io.Closer, error) { return OpenPinnedMap(path) },
		"OpenPinnedProgram": func(path string) (io.Closer, error) { return OpenPinnedProgram(path, nil) },
		"OpenPinnedLink":    func(path string) (io.Closer, error) { return OpenPinnedLink(path) },
	} {
		for pin, want := range opens {
			o, err := open(dir + "/" + pin)
			switch good := strings.Contains(want, name); {
			case good && err != nil:
				t.Errorf("%s of %s: %v", name, pin, err)
			case good:
				o.Close()
			case err == nil || !strings.Contains(err.Error(), want):
				t.Errorf("%s of %s: %v, want %q", name, pin, err, want)
			}
		}
	}
}

// Run statistics are collected while they are enabled.
func TestStats(t *testing.T) {
	p := XDPProgram{newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPPass))})}
	if on, err := os.ReadFile("/proc/sys/kernel/bpf_stats_enabled"); err == nil && strings.TrimSpace(string(on)) != "0" {
		t.Fatal("kernel.bpf_stats_enabled is set")
	}
	run := func() {
		t.Helper()
		if _, err := p.Test(XDPTest{Data: make([]byte, 64), Repeat: 100}); err != nil {
			t.Fatal(err)
		}
	}
	on, err := EnableStats()
	if err != nil {
		t.Fatal(err)
	}
	run()
	stats, err := p.Stats()
	if err != nil || stats.RunCount < 100 || stats.RunTime == 0 {
		t.Errorf("%+v, %v", stats, err)
	}
	if info, err := p.Info(); err != nil || info.RunCount != stats.RunCount || info.RecursionMisses != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	for range 2 {
		if err := on.Close(); err != nil {
			t.Error(err)
		}
	}
	run()
	if after, err := p.Stats(); err != nil || after != stats {
		t.Errorf("%+v after the end, %+v before, %v", after, stats, err)
	}
}

// Wrong types for an opened map are an error: the kernel never writes past a value.
func TestWrongTypes(t *testing.T) {
	hash := newTestHash[uint32, uint64](t, 4).Untyped()
	each := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypePerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 4})
	give := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"hash of per-CPU hash":     give(TypedMap(each, NewHashMap[uint32, uint64])),
		"per-CPU hash of hash":     give(TypedMap(hash, NewPerCPUHashMap[uint32, uint64])),
		"per-CPU array of hash":    give(TypedMap(hash, NewPerCPUArrayMap[uint64])),
		"queue of per-CPU hash":    give(TypedMap(each, NewQueueMap[uint64])),
		"reader of a hash":         give(NewRingBuf[uint64](hash).Reader()),
		"writer of a hash":         give(NewUserRingBuf[uint64](hash).Writer()),
		"reader of a per-CPU hash": give(NewPerfEventArray[uint64](each).Reader(PerfOptions{})),
		"perf events of a hash":    give(NewPerfEventArray[uint64](hash).Reader(PerfOptions{})),
	} {
		if e, ok := errtype.Of[*MapError](err); !ok || !errors.Is(err, unix.EINVAL) || e.Map != "test" {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Reading addresses from a map whose values have another size.
	odd := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 1021, MaxEntries: 1})
	many := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypePerCPUArray, KeySize: 4, ValueSize: 64, MaxEntries: 1})
	for want, m := range map[int]*Map{1024: odd, 64 * many.cpus(): many} {
		if words, err := NewStackTraceMap(m).words(0); err != nil || 8*len(words) != want {
			t.Errorf("room for %d bytes, want %d, %v", 8*len(words), want, err)
		}
	}
}

// An unreferenced map or program is closed, but not while anything refers to it.
func TestOpenedAndForgotten(t *testing.T) {
	dir := testfs.BPF(t)
	p := newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPPass))})
	if err := errors.Join(p.Pin(dir+"/prog"), newCount(t).Pin(dir+"/map")); err != nil {
		t.Fatal(err)
	}
	m, err := OpenPinnedMap(dir + "/map")
	if err != nil {
		t.Fatal(err)
	}
	counter, err := TypedMap(m, NewArrayMap[uint64])
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenPinnedProgram(dir+"/prog", nil)
	if err != nil {
		t.Fatal(err)
	}
	typed := XDPProgram{again}
	nums := []int{m.FD(), again.FD()}
	for range 3 {
		goruntime.GC()
	}
	if _, err := counter.Lookup(0); err != nil {
		t.Errorf("a map that is in use: %v", err)
	}
	if _, err := typed.Test(XDPTest{Data: make([]byte, 64)}); err != nil {
		t.Errorf("a program that is in use: %v", err)
	}
	for _, num := range nums {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			goruntime.GC()
			if _, err := unix.FcntlInt(uintptr(num), unix.F_GETFD, 0); err != nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("file descriptor %d of %d is still open", num, nums)
			}
		}
	}
}

// Paths that are not pins give clear errors.
func TestOpenErrors(t *testing.T) {
	dir := testfs.BPF(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := errors.Join(os.Mkdir(dir+"/directory", 0o755), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for kind, open := range map[string]func(string) error{
		"map":     func(path string) error { _, err := OpenPinnedMap(path); return err },
		"program": func(path string) error { _, err := OpenPinnedProgram(path, nil); return err },
		"link":    func(path string) error { _, err := OpenPinnedLink(path); return err },
	} {
		for _, path := range []string{file, dir, dir + "/directory"} {
			err := open(path)
			if want := "it is not a map, program or link in a BPF file system"; !errors.Is(err, unix.EACCES) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", kind, path, err, want)
			}
		}
		if err := open(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("no %s: %v", kind, err)
		}
	}
}
