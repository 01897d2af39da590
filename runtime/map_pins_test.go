//vmtest:all

package runtime_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// pinnedMap returns an object with a map that is pinned by name.
func pinnedMap(t *testing.T, m object.Map) *runtime.Spec {
	t.Helper()
	m.Pinning = object.PinByName
	return generate(t, oneMap(m))
}

func pinsIn(dir string, incompatible func(*runtime.PinConflict) error) *runtime.LoadOptions {
	return &runtime.LoadOptions{Pins: &runtime.PinOptions{Path: dir, Incompatible: incompatible}}
}

func loadWith(t *testing.T, spec *runtime.Spec, opts *runtime.LoadOptions) *runtime.Skeleton {
	t.Helper()
	s, err := runtime.Load(spec, opts)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func pinnedID(t *testing.T, path string) uint32 {
	t.Helper()
	m, err := runtime.OpenPinnedMap(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return idOf(t, m)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".debug") { // created by the kernel, in the root
			list = append(list, e.Name())
		}
	}
	return strings.Join(list, " ")
}

// The first load creates the directory and the pin; later loads and opened maps use them.
func TestPinByName(t *testing.T) {
	dir := testfs.BPF(t) + "/agent"
	spec := compiled(t, "map_pinned")
	first := loadWith(t, spec, pinsIn(dir, nil))
	if got := names(t, dir); got != "bpf2lskel_pinned" {
		t.Errorf("pinned %q", got)
	}
	id := idOf(t, first.MapByName("bpf2lskel_pinned"))
	if got := pinnedID(t, dir+"/bpf2lskel_pinned"); got != id {
		t.Errorf("pinned map %d, loaded map %d", got, id)
	}
	runTC(t, first, "count")
	first.Close()
	second := openSpec(t, spec)
	if err := second.Load(pinsIn(dir+"/", nil)); err != nil {
		t.Fatalf("%+v", err)
	}
	m := second.MapByName("bpf2lskel_pinned")
	if idOf(t, m) != id || m.MaxEntries() != 4 {
		t.Errorf("map %d, want %d", idOf(t, m), id)
	}
	typed, err := runtime.TypedMap(m, runtime.NewHashMap[uint32, uint64])
	if err != nil {
		t.Fatal(err)
	}
	if n, err := typed.Lookup(0); n != 1 || err != nil {
		t.Errorf("what the first has counted: %d, %v", n, err)
	}
	if idOf(t, second.MapByName("unpinned")) == id {
		t.Error("map unpinned is the pinned one")
	}
	second.Close()
	if err := os.Remove(dir + "/bpf2lskel_pinned"); err != nil {
		t.Fatal(err)
	}
	if third := loadWith(t, spec, pinsIn(dir, nil)); idOf(t, third.MapByName("bpf2lskel_pinned")) == id {
		t.Error("the load opened the removed map")
	}
}

// An incompatible map is an error that names each difference, with both values, and nothing is
// changed.
func TestPinByNameIncompatible(t *testing.T) {
	hash := object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 16}
	with := func(m object.Map, change func(m *object.Map)) object.Map {
		change(&m)
		return m
	}
	for _, tt := range []struct {
		name, field   string
		have, want    uint64
		there, object object.Map
		text          string
	}{
		{"type", "type", sys.MapTypeLRUHash, sys.MapTypeHash, with(hash, func(m *object.Map) { m.Type = sys.MapTypeLRUHash }), hash, "type of the map pinned at "},
		{"key", "key size", 8, 4, with(hash, func(m *object.Map) { m.KeySize = 8 }), hash, "/m is 8, but the object has 4"},
		{"value", "value size", 16, 8, with(hash, func(m *object.Map) { m.ValueSize = 16 }), hash, "/m is 16, but the object has 8"},
		{"entries", "max_entries", 15, 16, with(hash, func(m *object.Map) { m.MaxEntries = 15 }), hash, "/m is 15, but the object has 16"},
		{"flags", "map_flags", sys.FlagNoPrealloc, 0, with(hash, func(m *object.Map) { m.Flags = sys.FlagNoPrealloc }), hash, "/m is 0x1, but the object has 0x0"},
		{
			"extra", "map_extra", 3, 2,
			object.Map{Type: sys.MapTypeBloomFilter, ValueSize: 8, MaxEntries: 16, Extra: 3},
			object.Map{Type: sys.MapTypeBloomFilter, ValueSize: 8, MaxEntries: 16, Extra: 2},
			"/m is 0x3, but the object has 0x2",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := testfs.BPF(t)
			loadWith(t, pinnedMap(t, tt.there), pinsIn(dir, nil))
			id := pinnedID(t, dir+"/m")
			before := settledCensus(t)
			_, err := runtime.Load(pinnedMap(t, tt.object), pinsIn(dir, nil))
			var differs *runtime.IncompatibleMapError
			if !errors.As(err, &differs) || differs.Map != "m" || differs.Path != dir+"/m" || differs.Field != tt.field || differs.Have != tt.have || differs.Want != tt.want {
				t.Fatalf("%v: %+v", err, differs)
			}
			if !strings.Contains(err.Error(), "reuse map m: ") || !strings.Contains(err.Error(), tt.text) || !strings.Contains(err.Error(), "LoadOptions.Pins.Incompatible") {
				t.Errorf("%v, want %q", err, tt.text)
			}
			wantCensus(t, before, "after the refused load")
			if got := pinnedID(t, dir+"/m"); got != id || names(t, dir) != "m" {
				t.Errorf("map %d is pinned now, was %d; there are %s", got, id, names(t, dir))
			}
		})
	}
}

// Fields that the kernel checks are compared, too.
func TestPinByNameIncompatibleBTF(t *testing.T) {
	hash := object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 16, MaxEntries: 16, Pinning: object.PinByName}
	timed := generate(t, withTimer(t, hash))
	dir := testfs.BPF(t)
	loadWith(t, pinnedMap(t, hash), pinsIn(dir, nil))
	check := func(err error, have, want uint64) {
		t.Helper()
		var differs *runtime.IncompatibleMapError
		if !errors.As(err, &differs) || differs.Field != "number of bpf_timer fields" || differs.Have != have || differs.Want != want {
			t.Errorf("%v", err)
		}
	}
	_, err := runtime.Load(timed, pinsIn(dir, nil))
	check(err, 0, 1)
	s := loadWith(t, timed, pinsIn(dir, runtime.ReplacePinned))
	_, err = runtime.Load(pinnedMap(t, hash), pinsIn(dir, nil))
	check(err, 1, 0)
	if again := loadWith(t, timed, pinsIn(dir, nil)); idOf(t, again.Map(0)) != idOf(t, s.Map(0)) {
		t.Error("the next load has another map")
	}
	plain := openSpec(t, pinnedMap(t, hash))
	check(runtime.ReuseMap(plain, plain.Map(0), s.Map(0)), 1, 0)
}

// CopyPinned copies entries if the maps agree on the fields that the kernel manages, which it does
// not copy.
func TestCopyPinnedManagedFields(t *testing.T) {
	hash := func(valueSize, entries uint32) object.Map {
		return object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: valueSize, MaxEntries: entries, Pinning: object.PinByName}
	}
	for name, tt := range map[string]struct {
		old, now *runtime.Spec
		want     string // "" if they are copied
	}{
		"data, then a timer there":      {generate(t, oneMap(hash(16, 4))), generate(t, withTimer(t, hash(0, 4))), "number of bpf_timer fields of the map pinned at"},
		"a timer, then data there":      {generate(t, withTimer(t, hash(0, 4))), generate(t, oneMap(hash(16, 4))), "number of bpf_timer fields of the map pinned at"},
		"a timer, then one elsewhere":   {generate(t, withTimer(t, hash(0, 4))), generate(t, withTimerAt(t, 8, hash(0, 4))), "offset of bpf_timer of the map pinned at"},
		"a timer, and more entries":     {generate(t, withTimerAt(t, 8, hash(0, 4))), generate(t, withTimerAt(t, 8, hash(0, 8))), ""},
		"data, and a new timer at last": {generate(t, oneMap(hash(8, 4))), generate(t, withTimerAt(t, 8, hash(0, 4))), ""},
	} {
		dir := testfs.BPF(t)
		old := loadWith(t, tt.old, pinsIn(dir, nil))
		value := make([]byte, tt.old.Maps[0].ValueSize)
		value[0] = 77
		if errno := elem(sys.CmdMapUpdateElem, old.Map(0), []byte{1, 0, 0, 0}, value); errno != 0 {
			t.Fatal(errno)
		}
		now, err := runtime.Load(tt.now, pinsIn(dir, runtime.CopyPinned))
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), "cannot copy entries: "+tt.want) {
				t.Errorf("%s: %v, want %q", name, err, tt.want)
			}
			if id := pinnedID(t, dir+"/m"); id != idOf(t, old.Map(0)) {
				t.Errorf("%s: map %d is pinned, want the old one", name, id)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		defer now.Close()
		value = make([]byte, tt.now.Maps[0].ValueSize)
		if errno := elem(sys.CmdMapLookupElem, now.Map(0), []byte{1, 0, 0, 0}, value); errno != 0 || value[0] != 77 {
			t.Errorf("%s: %v, %v", name, value, errno)
		}
	}
}

// Properties that the kernel or the machine adds to a map are not differences.
func TestPinByNameCompatible(t *testing.T) {
	for name, m := range map[string]object.Map{
		"of all CPUs":         {Type: sys.MapTypePerfEventArray, KeySize: 4, ValueSize: 4},
		"of pages":            {Type: sys.MapTypeRingBuf, MaxEntries: 5000},
		"of lists by CPU":     {Type: sys.MapTypeLRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1021, Flags: sys.FlagNoCommonLRU},
		"with a flag":         {Type: sys.MapTypeDevMap, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		"without max_entries": {Type: sys.MapTypeCgroupStorage, KeySize: 8, ValueSize: 4},
	} {
		dir := testfs.BPF(t)
		spec := pinnedMap(t, m)
		first := loadWith(t, spec, pinsIn(dir, nil))
		if second := loadWith(t, spec, pinsIn(dir, nil)); idOf(t, first.Map(0)) != idOf(t, second.Map(0)) {
			t.Errorf("%s: two maps", name)
		}
	}
	dir := testfs.BPF(t)
	loadWith(t, pinnedMap(t, object.Map{Type: sys.MapTypePerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}), pinsIn(dir, nil))
	s := loadWith(t, pinnedMap(t, object.Map{Type: sys.MapTypePerfEventArray, KeySize: 4, ValueSize: 4}), pinsIn(dir, nil))
	if n := s.Map(0).MaxEntries(); n != 1 {
		t.Errorf("a map for 1 CPU has %d", n)
	}
}

// In a place where nothing can be pinned, the error says what to do.
func TestPinByNameNowhere(t *testing.T) {
	spec := pinnedMap(t, object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 16})
	bpf := testfs.BPF(t)
	loadWith(t, generate(t, oneMap(object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 16})), nil) // pins no map
	plain := t.TempDir()
	if err := os.WriteFile(plain+"/m", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	prog := loadWith(t, compiled(t, "minimal"), nil)
	if err := prog.Program(0).Pin(bpf + "/m"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ dir, want string }{
		{t.TempDir(), "reuse map m: not in a BPF file system: the source pins it by name, in /"},
		{bpf + "/a/b", "no such file or directory: the source pins it by name, in " + bpf + "/a/b (a load only creates the last directory of the path: create its parents in a BPF file system"},
		{"/nowhere/at/all", "create its parents"},
		{"/proc", "mount -t bpf bpf /sys/fs/bpf, or set LoadOptions.Pins"},
		{plain, "permission denied"},
		{bpf, "/m: the pinned object is not a map"},
		{bpf + "/with.dot", "names without dots"},
	} {
		if _, err := runtime.Load(spec, pinsIn(tt.dir, nil)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.dir, err, tt.want)
		}
	}
}

// A failed load leaves no pin, at whatever step it fails.
func TestPinByNameAfterFailures(t *testing.T) {
	dir := testfs.BPF(t)
	spec := compiled(t, "map_pinned")
	before := settledCensus(t)
	for k := range spec.Steps {
		broken := breakStep(t, spec, k)
		_, err := runtime.Load(broken, pinsIn(dir, nil))
		checkBroken(t, broken, k, err)
		if got := names(t, dir); got != "" {
			t.Fatalf("after %s there are %s", spec.StepName(spec.Steps[k]), got)
		}
	}
	wantCensus(t, before, "after failed loads")
	s := openSpec(t, spec)
	if err := s.Load(pinsIn(dir, nil)); err != nil {
		t.Fatal(err)
	}
	// A failed load leaves existing pins alone.
	for k := range spec.Steps {
		if strings.HasPrefix(spec.StepName(spec.Steps[k]), "create map bpf2lskel_pinned") {
			continue // not done in this case
		}
		broken := breakStep(t, spec, k)
		_, err := runtime.Load(broken, pinsIn(dir, nil))
		checkBroken(t, broken, k, err)
	}
	if got := pinnedID(t, dir+"/bpf2lskel_pinned"); got != idOf(t, s.MapByName("bpf2lskel_pinned")) {
		t.Error("a different map is pinned")
	}
}

// growing returns two versions of a map, the second with larger values, and a function that reads
// the first 8 bytes of a value.
var growing = map[string]object.Map{
	"hash":          {Type: sys.MapTypeHash, KeySize: 4, MaxEntries: 16},
	"LRU hash":      {Type: sys.MapTypeLRUHash, KeySize: 4, MaxEntries: 16},
	"per-CPU hash":  {Type: sys.MapTypePerCPUHash, KeySize: 4, MaxEntries: 16},
	"array":         {Type: sys.MapTypeArray, KeySize: 4, MaxEntries: 4},
	"per-CPU array": {Type: sys.MapTypePerCPUArray, KeySize: 4, MaxEntries: 4},
	"LPM trie":      {Type: sys.MapTypeLPMTrie, KeySize: 8, MaxEntries: 16, Flags: sys.FlagNoPrealloc},
}

func version(t *testing.T, m object.Map, valueSize uint32) *runtime.Spec {
	m.ValueSize = valueSize
	return pinnedMap(t, m)
}

// Entries of an older version with smaller values are copied to the new map and padded with zeroes.
func TestCopyPinned(t *testing.T) {
	for name, m := range growing {
		t.Run(name, func(t *testing.T) {
			dir := testfs.BPF(t)
			old := loadWith(t, version(t, m, 12), pinsIn(dir, nil))
			fill(t, old.Map(0), 12)
			oldID := idOf(t, old.Map(0))
			old.Close()
			s := loadWith(t, version(t, m, 20), pinsIn(dir, runtime.CopyPinned))
			if got := pinnedID(t, dir+"/m"); got != idOf(t, s.Map(0)) || got == oldID || names(t, dir) != "m" {
				t.Errorf("map %d is pinned, the new one is %d, the old one was %d; there are %s", got, idOf(t, s.Map(0)), oldID, names(t, dir))
			}
			checkFilled(t, s.Map(0), 12, 20)
			if again := loadWith(t, version(t, m, 20), pinsIn(dir, nil)); idOf(t, again.Map(0)) != idOf(t, s.Map(0)) {
				t.Error("the next load has another map")
			}
		})
	}
}

// Raw operations on the keys 1 to 3, with values whose bytes encode their position.
func fill(t *testing.T, m *runtime.Map, size int) {
	t.Helper()
	for k := byte(1); k <= 3; k++ {
		key, value := rawKey(m, k), rawValue(t, m, size, k)
		if errno := elem(sys.CmdMapUpdateElem, m, key, value); errno != 0 {
			t.Fatal(errno)
		}
	}
}

func checkFilled(t *testing.T, m *runtime.Map, old, size int) {
	t.Helper()
	for k := byte(1); k <= 3; k++ {
		value := make([]byte, len(rawValue(t, m, size, 0)))
		if errno := elem(sys.CmdMapLookupElem, m, rawKey(m, k), value); errno != 0 {
			t.Fatal(errno)
		}
		want := rawValue(t, m, size, k)
		step := len(want)
		if n := len(want) / ((size + 7) &^ 7); n > 1 {
			step = len(want) / n
		}
		for i := range want {
			if i%step >= old {
				want[i] = 0
			}
		}
		if string(value) != string(want) {
			t.Errorf("key %d: %x, want %x", k, value, want)
		}
	}
}

func rawKey(m *runtime.Map, k byte) []byte {
	key := make([]byte, m.Spec().KeySize)
	if m.Spec().Type == sys.MapTypeLPMTrie {
		*(*uint32)(ptr(key)) = 32
		key[4] = k
		return key
	}
	*(*uint32)(ptr(key)) = uint32(k)
	return key
}

func rawValue(t *testing.T, m *runtime.Map, size int, k byte) []byte {
	t.Helper()
	values, step := 1, size
	switch m.Spec().Type {
	case sys.MapTypePerCPUHash, sys.MapTypePerCPUArray:
		n, err := runtime.PossibleCPUs()
		if err != nil {
			t.Fatal(err)
		}
		values, step = n, (size+7)&^7
	}
	value := make([]byte, values*step)
	for i := range values {
		for j := range size {
			value[i*step+j] = byte(16*i) + k + byte(j)
		}
	}
	return value
}

// Entries that cannot be copied are an error that says why, and the old map stays.
func TestCopyPinnedErrors(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		old, now   object.Map
	}{
		{"other type", "type of the map pinned at", object.Map{Type: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}, object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{"other key", "key size of the map pinned at", object.Map{Type: sys.MapTypeHash, KeySize: 8, ValueSize: 8, MaxEntries: 4}, object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{"smaller value", "value size of the map pinned at", object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 16, MaxEntries: 4}, object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{"shorter array", "max_entries of the map pinned at", object.Map{Type: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 8}, object.Map{Type: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}},
		{"ring buffer", "do not list them", object.Map{Type: sys.MapTypeRingBuf, MaxEntries: 4096}, object.Map{Type: sys.MapTypeRingBuf, MaxEntries: 8192}},
		{"no room", "argument list too long", object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}, object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 2}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := testfs.BPF(t)
			old := loadWith(t, pinnedMap(t, tt.old), pinsIn(dir, nil))
			if tt.name == "no room" {
				fill(t, old.Map(0), 8)
			}
			before := settledCensus(t)
			_, err := runtime.Load(pinnedMap(t, tt.now), pinsIn(dir, runtime.CopyPinned))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			wantCensus(t, before, "after the failed load")
			if got := pinnedID(t, dir+"/m"); got != idOf(t, old.Map(0)) || names(t, dir) != "m" {
				t.Errorf("map %d is pinned, was %d; there are %s", got, idOf(t, old.Map(0)), names(t, dir))
			}
		})
	}
}

// The new map replaces the old one, which is then removed or set aside.
func TestReplaceAndSetAside(t *testing.T) {
	hash := growing["hash"]
	dir := testfs.BPF(t)
	v1 := loadWith(t, version(t, hash, 8), pinsIn(dir, nil))
	v2 := loadWith(t, version(t, hash, 16), pinsIn(dir, runtime.SetAsidePinned))
	v1ID, v2ID := idOf(t, v1.Map(0)), idOf(t, v2.Map(0))
	check := func(when string, m, aside uint32) {
		t.Helper()
		if got, old := pinnedID(t, dir+"/m"), pinnedID(t, runtime.AsidePath(dir+"/m")); got != m || old != aside {
			t.Errorf("%s: maps %d and %d, want %d and %d", when, got, old, m, aside)
		}
	}
	check("version 2", v2ID, v1ID)
	loadWith(t, version(t, hash, 16), pinsIn(dir, runtime.SetAsidePinned))
	check("version 2 again", v2ID, v1ID)
	// A third version has nowhere to put the second one's map.
	for name, option := range map[string]func(*runtime.PinConflict) error{"aside": runtime.SetAsidePinned, "replace": runtime.ReplacePinned} {
		_, err := runtime.Load(version(t, hash, 24), pinsIn(dir, option))
		if want := runtime.AsidePath(dir+"/m") + " is left over from an interrupted upgrade: finish it with that version, or remove the pin"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		check("version 3", v2ID, v1ID)
	}
	// The first version finds its map and contents again.
	loadWith(t, version(t, hash, 8), pinsIn(dir, runtime.SetAsidePinned))
	check("version 1 again", v1ID, v2ID)
	if err := os.Remove(runtime.AsidePath(dir + "/m")); err != nil {
		t.Fatal(err)
	}
	v3 := loadWith(t, version(t, hash, 24), pinsIn(dir, runtime.ReplacePinned))
	if got := pinnedID(t, dir+"/m"); got != idOf(t, v3.Map(0)) || names(t, dir) != "m" {
		t.Errorf("map %d is pinned, want %d; there are %s", got, idOf(t, v3.Map(0)), names(t, dir))
	}
	// The caller may decide for each map, and refuse.
	_, err := runtime.Load(version(t, hash, 8), pinsIn(dir, func(c *runtime.PinConflict) error {
		return fmt.Errorf("%s at %s has %d", c.Map, strings.TrimPrefix(c.Path, dir), c.Why.Have)
	}))
	if err == nil || !strings.Contains(err.Error(), "m at /m has 24") {
		t.Errorf("%v", err)
	}
}

// Pinning by name is refused for a signed package.
func TestPinByNameSigned(t *testing.T) {
	_, err := runtime.Load(signedSpec(t, "map_pinned"), pinsIn(testfs.BPF(t), nil))
	if !errors.Is(err, runtime.ErrSigned) || !strings.Contains(err.Error(), "reuse map bpf2lskel_pinned") || !strings.Contains(err.Error(), "pin the map after the load") {
		t.Errorf("%v", err)
	}
}

// A given map is neither looked up nor pinned.
func TestReusedMapIsNotPinned(t *testing.T) {
	dir := testfs.BPF(t)
	spec := compiled(t, "map_pinned")
	there := loadWith(t, spec, pinsIn(dir, nil))
	s := openSpec(t, spec)
	given, err := runtime.CreateMap(there.MapByName("bpf2lskel_pinned").Spec())
	if err != nil {
		t.Fatal(err)
	}
	defer given.Close()
	if err := runtime.ReuseMap(s, s.MapByName("bpf2lskel_pinned"), given); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(pinsIn(dir, nil)); err != nil {
		t.Fatal(err)
	}
	if id := idOf(t, s.MapByName("bpf2lskel_pinned")); id != idOf(t, given) || id == pinnedID(t, dir+"/bpf2lskel_pinned") {
		t.Errorf("map %d, want %d", id, idOf(t, given))
	}
}

// Two processes that load at the same time always get the same map.
func TestPinByNameTwoProcesses(t *testing.T) {
	const rounds = 500
	dir := testfs.BPF(t)
	var (
		in  [2]io.Writer
		out [2]*bufio.Scanner
	)
	for i := range in {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestPinChild$")
		cmd.Env = append(os.Environ(), "BPF2LSKEL_TEST_PINS="+dir)
		cmd.Stderr = os.Stderr
		w, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		r, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			w.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
		in[i], out[i] = w, bufio.NewScanner(r)
		if !out[i].Scan() || out[i].Text() != "ready" {
			t.Fatalf("child %d printed %q", i, out[i].Text())
		}
	}
	for round := range rounds {
		for i := range in {
			if _, err := io.WriteString(in[i], "load\n"); err != nil {
				t.Fatal(err)
			}
		}
		var said [2]string
		for i := range out {
			if !out[i].Scan() {
				t.Fatal("a child has exited")
			}
			said[i] = out[i].Text()
		}
		if want := fmt.Sprint("map ", pinnedID(t, dir+"/bpf2lskel_pinned")); said[0] != want || said[1] != want {
			t.Fatalf("round %d: %q, want %q", round, said, want)
		}
		if err := os.Remove(dir + "/bpf2lskel_pinned"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPinChild(t *testing.T) {
	dir := os.Getenv("BPF2LSKEL_TEST_PINS")
	if dir == "" {
		return // not a child
	}
	spec := compiled(t, "map_pinned")
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		s, err := runtime.Load(spec, pinsIn(dir, nil))
		if err != nil {
			fmt.Printf("%v\n", err)
			continue
		}
		id, err := s.MapByName("bpf2lskel_pinned").ID()
		s.Close()
		if err != nil {
			fmt.Printf("%v\n", err)
			continue
		}
		fmt.Println("map", id)
	}
	os.Stdout.Close()
	unix.Exit(0)
}

func ptr(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func elem(cmd sys.Cmd, m *runtime.Map, key, value []byte) unix.Errno {
	attr := &sys.MapElemAttr{MapFd: uint32(m.FD()), Key: sys.Addr(ptr(key)), Value: sys.Addr(ptr(value))}
	_, errno := sys.BPF(cmd, unsafe.Pointer(attr), unsafe.Sizeof(*attr))
	goruntime.KeepAlive([2][]byte{key, value})
	return errno
}

// When file descriptors run out, at any point, a load fails, leaves no pins, and closes what it has
// opened.
func TestPinByNameOutOfFiles(t *testing.T) {
	dir := testfs.BPF(t)
	hash := growing["hash"]
	old := loadWith(t, version(t, hash, 8), pinsIn(dir, nil))
	spec := version(t, hash, 16)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	full := limit
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &full)
	before := settledCensus(t)
	next, err := unix.Dup(0) // the lowest free descriptor
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(next)
	failed := 0
	for room := uint64(0); ; room++ {
		limit.Cur = uint64(next) + room
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		s, err := runtime.Load(spec, pinsIn(dir, runtime.SetAsidePinned))
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &full); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			s.Close()
			break
		}
		failed++
		if !errors.Is(err, unix.EMFILE) {
			t.Errorf("room for %d files: %v", room, err)
		}
		if got := pinnedID(t, dir+"/m"); got != idOf(t, old.Map(0)) || names(t, dir) != "m" || room > 50 {
			t.Fatalf("room for %d files: map %d is pinned, was %d; there are %s", room, got, idOf(t, old.Map(0)), names(t, dir))
		}
	}
	if failed < 3 {
		t.Errorf("only %d loads have failed", failed)
	}
	wantCensus(t, before, "after loads without room for files")
	if got := names(t, dir); got != "m m_old" {
		t.Errorf("there are %s", got)
	}
}
