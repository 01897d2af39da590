package codegen

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/codegen/internal/live/skel"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// pinLive loads, attaches and pins.
func pinLive(t *testing.T, dir string) *skel.Skeleton {
	t.Helper()
	s := openLive(t)
	s.Maps.Counts.SetMaxEntries(2)
	loadLive(t, s)
	if _, err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(dir); err != nil {
		t.Fatal(err)
	}
	return s
}

// tree returns the paths of all files below a directory.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir+"/.", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, ".debug") {
			paths = append(paths, strings.TrimPrefix(filepath.Clean(path), dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// runs reports whether the attached program runs.
func runs(s *skel.Skeleton) bool {
	before := atomic.LoadUint64(&s.Bss.Total)
	for range 200 {
		time.Sleep(time.Millisecond)
		if atomic.LoadUint64(&s.Bss.Total) != before {
			return true
		}
	}
	return false
}

// TestSkeletonPinOpenedLink pins a link that was opened from its pin. It keeps its name.
func TestSkeletonPinOpenedLink(t *testing.T) {
	bpf := testfs.BPF(t)
	s := pinLive(t, bpf+"/live")
	l, err := runtime.OpenPinnedLink(bpf + "/live/links/on_switch")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Pin(bpf + "/mine"); err != nil {
		t.Fatal(err)
	}
	mine, err := runtime.OpenPinnedLink(bpf + "/mine")
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	if err := s.Repin(bpf+"/live", mine); err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(tree(t, bpf+"/live"), func(path string) bool { return !strings.HasPrefix(path, "links/") })
	if want := []string{"links/mine", "links/on_switch"}; !slices.Equal(got, want) {
		t.Errorf("pinned: %q, want %q", got, want)
	}
}

// TestSkeletonPin opens what another process pinned: maps, programs, the link and typed global
// variables.
func TestSkeletonPin(t *testing.T) {
	dir := testfs.BPF(t) + "/live"
	s := pinLive(t, dir)
	want := []string{
		"links/on_switch", "maps/_bss", "maps/_data", "maps/_data_own", "maps/_rodata", "maps/counts", "programs/on_switch", "programs/pass", "programs/run",
	}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("pinned: %q, want %q", got, want)
	}
	runLive(t, s, 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	again, err := skel.OpenPinned(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Maps.Counts.MaxEntries() != 2 || again.Rodata.Step != 1 || again.DataOwn.Own < 8 || again.Links.OnSwitch == nil || again.Progs.OnSwitchToo.FD() >= 0 {
		t.Errorf("%d entries, %v, %v, %v", again.Maps.Counts.MaxEntries(), again.Rodata, again.DataOwn, again.Links)
	}
	if c, err := again.Maps.Counts.Lookup(2); err != nil || c.Calls == 0 {
		t.Errorf("%v, %v", c, err)
	}
	if !runs(again) {
		t.Error("the pinned link was detached")
	}
	runLive(t, again, 0)
	if err := again.Load(); err == nil || !strings.Contains(err.Error(), "already loaded") {
		t.Errorf("load: %v", err)
	}
	if left, err := again.Attach(); err != nil || slices.Contains(left, "on_switch") {
		t.Errorf("attach: %v, %v", left, err)
	}
	if err := again.Pin(dir); !errors.Is(err, unix.EEXIST) || !strings.Contains(err.Error(), "Repin") {
		t.Errorf("pin again: %v", err)
	}
	if err := again.Repin(dir); err != nil {
		t.Error(err)
	}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("pinned again: %q", got)
	}
	if err := runtime.Unpin(dir); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, filepath.Dir(dir)); got != nil {
		t.Errorf("left behind: %q", got)
	}
	if !runs(again) {
		t.Error("an open link was detached with its pin")
	}
	if err := runtime.Unpin(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("unpin again: %v", err)
	}
}

// TestSkeletonOpenPinnedNames checks that errors name each pin that is missing, of another kind, or
// not part of the object.
func TestSkeletonOpenPinnedNames(t *testing.T) {
	root := testfs.BPF(t)
	dir := root + "/live"
	s := pinLive(t, dir)
	if _, err := skel.OpenPinned(root + "/nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	other, err := runtime.CreateMap(&runtime.MapSpec{Name: "other", Type: unix.BPF_MAP_TYPE_HASH, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, name := range []string{"maps/counts", "maps/_data", "programs/run", "programs/pass"} {
		if err := os.Remove(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	for name, pin := range map[string]func(string) error{
		"maps/counts": other.Pin, "maps/foreign": other.Pin, "programs/run": s.Progs.Pass.Pin, "programs/stranger": s.Progs.Run.Pin,
	} {
		if err := pin(dir + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	_, err = skel.OpenPinned(dir)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"open live pinned at " + dir + ": ",
		"map counts: open " + dir + "/maps/counts: value size of the existing map is 4, but the object has ",
		"map .data: open " + dir + "/maps/_data: no such file or directory",
		"program run: open " + dir + "/programs/run: program type is 6, want 31 as in the object",
		"program pass: open " + dir + "/programs/pass: no such file or directory",
		"open " + dir + "/maps/foreign: the object has no map or program of this name",
		"open " + dir + "/programs/stranger: the object has no map or program of this name",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %q", err, want)
		}
	}
	if err := os.Mkdir(dir+"/mine", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := runtime.Unpin(dir); err == nil || !strings.Contains(err.Error(), dir+"/mine was not pinned by Pin") {
		t.Errorf("unpin: %v", err)
	}
	if len(tree(t, dir)) != 9 {
		t.Errorf("after the refused Unpin: %q", tree(t, dir))
	}
}

// TestSkeletonPinForeign checks that Unpin and Repin leave everything alone that Pin has not
// created.
func TestSkeletonPinForeign(t *testing.T) {
	root := testfs.BPF(t)
	s := pinLive(t, root+"/live")
	plain := t.TempDir()
	mkdir := func(path string) string {
		t.Helper()
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pin := func(path string) {
		t.Helper()
		if err := s.Maps.Counts.Pin(path); err != nil {
			t.Fatal(err)
		}
	}
	symlink := func(to, path string) {
		t.Helper()
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	// These names could be a skeleton's, but are in another file system.
	mkdir(plain + "/maps")
	if err := os.WriteFile(plain+"/maps/precious", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// As created by "bpf2lskel load -pin".
	pin(mkdir(root+"/flat") + "/maps")
	// A directory among the pins, after links that could be removed.
	mkdir(root + "/nested/maps/more")
	pin(mkdir(root+"/nested/links") + "/l")
	// Links to directories and pins elsewhere.
	mkdir(root + "/linked")
	symlink(root+"/live/maps", root+"/linked/maps")
	mkdir(root + "/pins/maps")
	symlink(root+"/live/maps/counts", root+"/pins/maps/counts")
	symlink(root+"/live", root+"/alias")
	before := tree(t, root)
	for dir, want := range map[string]string{
		plain:            "in a BPF file system",
		root + "/flat":   root + "/flat/maps was not pinned by Pin",
		root + "/nested": root + "/nested/maps/more was not pinned by Pin",
		root + "/linked": root + "/linked/maps was not pinned by Pin",
		root + "/pins":   root + "/pins/maps/counts was not pinned by Pin",
		root + "/alias":  "symbolic links are not followed",
	} {
		if err := runtime.Unpin(dir); err == nil || !strings.Contains(err.Error(), "unpin "+dir+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Unpin(%q): %v, want %q", dir, err, want)
		}
		if err := s.Repin(dir); err == nil || !strings.Contains(err.Error(), " to "+dir+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Repin(%q): %v, want %q", dir, err, want)
		}
	}
	if got := tree(t, root); !slices.Equal(got, before) {
		t.Errorf("files are %q, were %q", got, before)
	}
	if got := tree(t, plain); !slices.Equal(got, []string{"maps/precious"}) {
		t.Errorf("files in the other file system: %q", got)
	}
}

// OpenPinned opens one skeleton while two others take turns in the directory: never maps of one and
// programs of the other.
func TestSkeletonOpenPinnedWhileRepinned(t *testing.T) {
	dir := testfs.BPF(t) + "/live"
	var both [2]*skel.Skeleton
	programs := map[uint32]uint32{} // by the ID of the map that goes with them
	for i := range both {
		both[i] = openLive(t)
		loadLive(t, both[i])
		counts, err := both[i].Maps.Counts.ID()
		if err != nil {
			t.Fatal(err)
		}
		if programs[counts], err = both[i].Progs.Pass.ID(); err != nil {
			t.Fatal(err)
		}
	}
	if err := both[0].Pin(dir); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for i := 0; i < 200 && err == nil; i++ {
			err = both[i%2].Repin(dir)
		}
		done <- err
	}()
	for opened := 0; ; opened++ {
		select {
		case err := <-done:
			if err != nil || opened == 0 {
				t.Errorf("opened %d times: %v", opened, err)
			}
			return
		default:
		}
		s, err := skel.OpenPinned(dir)
		if err != nil {
			t.Error(err)
			continue
		}
		counts, err1 := s.Maps.Counts.ID()
		pass, err2 := s.Progs.Pass.ID()
		if err := errors.Join(err1, err2, s.Close()); err != nil || programs[counts] != pass {
			t.Errorf("map %d with program %d, %v; want %v", counts, pass, err, programs)
		}
	}
}

// TestSkeletonPinMisuse pins a skeleton that is not loaded, in a place where nothing can be pinned,
// and over the remains of a killed process.
func TestSkeletonPinMisuse(t *testing.T) {
	root := testfs.BPF(t)
	s := openLive(t)
	if err := s.Pin(root + "/x"); err == nil || !strings.Contains(err.Error(), "pin live: not loaded") {
		t.Errorf("before Load: %v", err)
	}
	loadLive(t, s)
	plain := t.TempDir()
	if err := s.Pin(plain + "/x"); !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "mount -t bpf") {
		t.Errorf("no BPF file system: %v", err)
	}
	if left, err := os.ReadDir(plain); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := s.Pin(root+"/x", runtime.NewLink(s.Progs.Pass, "by hand", func() error { return nil })); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a link that is not a kernel object: %v", err)
	}
	if got := tree(t, root); got != nil {
		t.Errorf("left behind: %q", got)
	}
	if err := errors.Join(os.MkdirAll(root+"/x_unfinished/maps", 0o700), s.Maps.Counts.Pin(root+"/x_unfinished/maps/counts")); err != nil {
		t.Fatal(err)
	}
	if err := s.Pin(root + "/x/"); err != nil {
		t.Error(err)
	}
	if got := len(tree(t, root)); got != 8 {
		t.Errorf("pinned: %q", tree(t, root))
	}
	s.Close()
	if err := s.Pin(root + "/y"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestSkeletonTakeLinks takes over another skeleton's link: the new program counts, and the old one
// no longer does.
func TestSkeletonTakeLinks(t *testing.T) {
	dir := testfs.BPF(t) + "/live"
	first := pinLive(t, dir)
	second := openLive(t)
	if err := second.TakeLinks(dir); err == nil || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("before Load: %v", err)
	}
	loadLive(t, second)
	if err := second.TakeLinks(dir); err != nil {
		t.Fatal(err)
	}
	if second.Links.OnSwitch == nil || !runs(second) {
		t.Error("the new program does not run")
	}
	first.Detach()
	if err := runtime.WaitForPrograms(); err != nil {
		t.Fatal(err)
	}
	if runs(first) {
		t.Error("the old program still runs")
	}
	if err := second.Repin(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/links/on_switch"); err != nil {
		t.Error(err)
	}
}
