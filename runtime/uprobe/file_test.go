package uprobe

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func newFile(symbols ...elf.Symbol) *File {
	f := &File{path: "f", functions: map[string][]function{}, segments: []elf.ProgHeader{{Vaddr: 0x400000, Off: 0x1000, Filesz: 0x10000}}}
	for i := range symbols {
		symbols[i].Section = 1
		f.add(&symbols[i])
	}
	return f
}

func symbol(name string, bind elf.SymBind, address uint64) elf.Symbol {
	return elf.Symbol{Name: name, Info: elf.ST_INFO(bind, elf.STT_FUNC), Value: address}
}

func TestOffset(t *testing.T) {
	old, current := symbol("copy", elf.STB_GLOBAL, 0x400500), symbol("copy", elf.STB_GLOBAL, 0x400600)
	old.HasVersion, old.Version, old.VersionIndex = true, "V_1", 0x8002
	current.HasVersion, current.Version, current.VersionIndex = true, "V_2", 3
	data := elf.Symbol{Name: "data", Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), Value: 0x400010}
	choice := elf.Symbol{Name: "choice", Info: elf.ST_INFO(elf.STB_GLOBAL, sttGNUIFunc), Value: 0x400010}
	f := newFile(
		symbol("main", elf.STB_GLOBAL, 0x400100), symbol("main", elf.STB_GLOBAL, 0x400100),
		symbol("both", elf.STB_LOCAL, 0x400200), symbol("both", elf.STB_GLOBAL, 0x400300),
		symbol("twice", elf.STB_LOCAL, 0x400200), symbol("twice", elf.STB_LOCAL, 0x400300),
		symbol("move@V_1", elf.STB_GLOBAL, 0x400700), symbol("move@@V_2", elf.STB_GLOBAL, 0x400800),
		symbol("elsewhere", elf.STB_GLOBAL, 0x500000), symbol("a/b.[c]", elf.STB_GLOBAL, 0x400900),
		old, current, data, choice,
	)
	for name, want := range map[string]uint64{
		"main": 0x1100, "both": 0x1300, "copy": 0x1600, "copy@V_1": 0x1500, "copy@@V_2": 0x1600, "copy@V_2": 0x1600,
		"move": 0x1800, "move@V_1": 0x1700, "move@@V_2": 0x1800, "a/b.[c]": 0x1900,
	} {
		if got, err := f.Offset(name); err != nil || got != want {
			t.Errorf("%s: %#x, %v, want %#x", name, got, err, want)
		}
	}
	for name, want := range map[string]struct {
		err  error
		text string
	}{
		"absent": {ErrNoSymbol, "f: absent: no such function"}, "data": {ErrNoSymbol, "f: data: no such function"},
		"copy@V_3": {ErrNoSymbol, ""}, "twice": {unix.EINVAL, "2 functions have this name: set Address"},
		"choice": {unix.EINVAL, "IFUNC"}, "elsewhere": {unix.EINVAL, "no code at address 0x500000"},
	} {
		if _, err := f.Offset(name); !errors.Is(err, want.err) || !strings.Contains(err.Error(), want.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newFile().Offset("main"); !errors.Is(err, ErrNoSymbol) || !strings.Contains(err.Error(), "stripped") {
		t.Errorf("no symbols: %v", err)
	}
	for pattern, want := range map[string][]string{
		"m*": {"main", "move"}, "*o*": {"both", "copy", "move"}, "a/*": {"a/b.[c]"}, "*[c]": {"a/b.[c]"}, "?ain": {"main"}, "x*": nil,
	} {
		if got, err := f.Match(pattern); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v, want %q", pattern, got, err, want)
		}
	}
	offsets, cookies, err := f.offsets([]string{"m*", "main", "both"}, []uint64{7, 8, 9})
	if err != nil || !slices.Equal(offsets, []uint64{0x1100, 0x1800, 0x1300}) || !slices.Equal(cookies, []uint64{7, 7, 9}) {
		t.Errorf("offsets %#x, cookies %d, %v", offsets, cookies, err)
	}
	if _, _, err := f.offsets([]string{"x*"}, nil); !errors.Is(err, ErrNoSymbol) {
		t.Errorf("nothing matches: %v", err)
	}
}

// The machine's C library is found by name and has the usual functions.
func TestLibrary(t *testing.T) {
	f, err := Open("libc.so.6")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("not on this kernel: no C library: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	malloc, err := f.Offset("malloc")
	if err != nil || malloc == 0 {
		t.Errorf("malloc: %#x, %v", malloc, err)
	}
	if names, err := f.Match("mallo?"); err != nil || !slices.Contains(names, "malloc") {
		t.Errorf("mallo?: %q, %v", names, err)
	}
	if _, err := Open("libc.so.7"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("libc.so.7: %v", err)
	}
	if _, err := Open("libc.so"); err == nil || !strings.Contains(err.Error(), "did you mean libc.so.6") {
		t.Errorf("libc.so: %v", err)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	tool := filepath.Join(dir, "tool")
	if err := os.WriteFile(tool, []byte("#!"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	if got, err := find("tool"); err != nil || got != tool {
		t.Errorf("a command: %q, %v", got, err)
	}
	if got, err := find("./tool"); err != nil || got != "./tool" {
		t.Errorf("a path: %q, %v", got, err)
	}
	if _, err := find("no-such-tool"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no command: %v", err)
	}
	if _, err := find(""); err == nil {
		t.Error("no error for an empty name")
	}
	if _, err := Open(tool); err == nil || !strings.Contains(err.Error(), "is not an ELF file") {
		t.Errorf("no ELF: %v", err)
	}

	// LD_LIBRARY_PATH precedes the cache, the cache precedes directories, and files for other
	// architectures are ignored.
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	cached, foreign, preferred := filepath.Join(dir, "cached"), filepath.Join(dir, "foreign"), filepath.Join(dir, "libx.so.1")
	other := slices.Clone(exe)
	other[18], other[19] = 0xff, 0xfe // e_machine
	for file, content := range map[string][]byte{cached: exe, foreign: other, preferred: exe} {
		if err := os.WriteFile(file, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cache := filepath.Join(dir, "cache")
	if err := os.WriteFile(cache, cacheOf("libx.so.1", foreign, "libx.so.1", cached, "liby.so.2", cached), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := findLibrary("libx.so.1", cache); err != nil || got != cached {
		t.Errorf("cache: %q, %v", got, err)
	}
	t.Setenv("LD_LIBRARY_PATH", "/nowhere:"+dir)
	if got, err := findLibrary("libx.so.1", cache); err != nil || got != preferred {
		t.Errorf("LD_LIBRARY_PATH: %q, %v", got, err)
	}
	if _, err := findLibrary("liby.so", cache); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "did you mean liby.so.2") {
		t.Errorf("another version: %v", err)
	}
}

// cacheOf returns a cache with these names and paths.
func cacheOf(pairs ...string) []byte {
	order := binary.NativeEndian
	raw := append([]byte(newMagic), make([]byte, newHeader-len(newMagic))...)
	order.PutUint32(raw[20:], uint32(len(pairs)/2))
	text, at := []byte{}, len(raw)+len(pairs)/2*newEntrySize
	for i := 0; i < len(pairs); i += 2 {
		raw = order.AppendUint32(raw, 1)
		for _, s := range pairs[i : i+2] {
			raw = order.AppendUint32(raw, uint32(at+len(text)))
			text = append(text, s+"\x00"...)
		}
		raw = append(raw, make([]byte, newEntrySize-12)...)
	}
	return append(raw, text...)
}

func TestParseCache(t *testing.T) {
	want := []cacheEntry{{"a.so", "/a.so"}, {"b.so", "/b.so"}}
	raw := cacheOf("a.so", "/a.so", "b.so", "/b.so")
	if got := parseCache(raw); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	old := append([]byte(oldMagic+"\x00"), 0, 0, 0, 0)
	binary.NativeEndian.PutUint32(old[12:], 1)
	old = append(old, make([]byte, oldEntrySize+4)...) // an entry and padding
	if got := parseCache(append(old, raw...)); !slices.Equal(got, want) {
		t.Errorf("after the old format: %q", got)
	}
	if got := parseCache(old); got != nil {
		t.Errorf("the old format alone: %q", got)
	}
}

func FuzzParseCache(f *testing.F) {
	f.Add(cacheOf("a.so", "/a.so"))
	f.Add([]byte(oldMagic + "\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, e := range parseCache(raw) {
			if strings.Contains(e.name+e.path, "\x00") {
				t.Errorf("%q", e)
			}
		}
	})
}

// Files that cannot contain code are refused at once: opening a pipe would block.
func TestOpenRefusesOtherFiles(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{pipe, "/dev/zero", "/"} {
		done := make(chan error, 1)
		go func() {
			_, err := Open(name)
			done <- err
		}()
		select {
		case err := <-done:
			if e, ok := err.(*fs.PathError); !ok || !strings.Contains(e.Error(), "not a regular file") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: Open blocks", name)
		}
	}
}
