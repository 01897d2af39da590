//vmtest:all,5.10

package kindtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/cgroups"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/cgroupstorage"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/inodestorage"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/taskstorage"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// testStorage gives an object a value, which the program must have increased after act.
func testStorage(t *testing.T, m *runtime.LocalStorage[uint64], object int, act func()) {
	t.Helper()
	err := m.Update(object, 1000, runtime.Any)
	withoutCX16(t, err)
	if err != nil {
		t.Fatal(err)
	}
	act()
	if n, err := m.Lookup(object); err != nil || n <= 1000 || n > 1_000_000 {
		t.Errorf("value %d, %v", n, err)
	}
	if err := m.Update(object, 1, runtime.NoExist); !errors.Is(err, runtime.ErrKeyExist) {
		t.Errorf("update of an existing key: %v", err)
	}
	if err := m.Delete(object); err != nil {
		t.Error(err)
	}
}

func TestMapTaskStorage(t *testing.T) {
	before(t, "5.11", "task storage")
	s := opened(t, taskstorage.Open)
	s.Rodata.Pid = int32(os.Getpid())
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	l, err := s.Progs.Count.Attach(nil)
	ended(t, l, err)
	process, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(process)
	testStorage(t, s.Maps.Calls, process, func() { _ = getpgid() })
}

func TestMapInodeStorage(t *testing.T) {
	withLSM(t)
	s := opened(t, inodestorage.Open)
	s.Rodata.Pid = uint32(os.Getpid())
	notTraced(t, s.Load())
	l, err := s.Progs.Count.Attach(nil)
	notTraced(t, err)
	ended(t, l, err)
	name := filepath.Join(t.TempDir(), "file")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	testStorage(t, s.Maps.Opens, int(f.Fd()), func() {
		if _, err := os.ReadFile(name); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Maps.Opens.Lookup(int(f.Fd())); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestMapCgroupLocalStorage(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := opened(t, cgroupstorage.Open)
	s.Rodata.Pid = int32(os.Getpid())
	err := s.Load()
	since(t, err, "6.2", "cgroup local storage")
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Progs.Count.Attach(nil)
	ended(t, l, err)
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	testStorage(t, s.Maps.Calls, int(dir.Fd()), func() { _ = getpgid() })
}

func TestMapSocketStorage(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Leave.AttachCgroup(group, nil)
	ended(t, l, err)
	c := udp(t)
	socketFD(t, c, func(fd int) {
		if _, err := s.Maps.PerSocket.Lookup(fd); !errors.Is(err, runtime.ErrKeyNotExist) {
			t.Errorf("a socket that has sent nothing: %v", err)
		}
		testStorage(t, s.Maps.PerSocket, fd, func() {
			if _, err := toSelf(t, c, "hello"); err != nil {
				t.Error(err)
			}
		})
	})
}

func TestMapCgroupStorage(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Leave.AttachCgroup(group, nil)
	ended(t, l, err)
	var key cgroups.BpfCgroupStorageKey
	for k := range s.Maps.PerAttachment.Iterate().All() {
		key = k
	}
	if info, err := l.Info(); err != nil || key.CgroupInodeId != info.CgroupID || key.AttachType != sys.AttachCgroupInetEgress {
		t.Fatalf("key %+v, attachment %+v, %v", key, info, err)
	}
	if err := s.Maps.PerAttachment.Update(key, 1000, runtime.Exist); err != nil {
		t.Fatal(err)
	}
	if _, err := toSelf(t, udp(t), "hello"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Maps.PerAttachment.Lookup(key); err != nil || n != 1001 {
		t.Errorf("value %d, %v", n, err)
	}
	if err := s.Maps.PerAttachment.Update(cgroups.BpfCgroupStorageKey{}, 1, runtime.Any); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("update without an attachment: %v", err)
	}
}

func TestMapPerCPUCgroupStorage(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Leave.AttachCgroup(group, nil)
	ended(t, l, err)
	if _, err := toSelf(t, udp(t), "hello"); err != nil {
		t.Fatal(err)
	}
	sum, keys := uint64(0), 0
	for key, values := range s.Maps.PerAttachmentCpu.Iterate().All() {
		keys++
		if again, err := s.Maps.PerAttachmentCpu.Lookup(key); err != nil || len(again) != s.Maps.PerAttachmentCpu.CPUs() {
			t.Errorf("lookup: %v, %v", again, err)
		}
		for _, v := range values {
			sum += v
		}
	}
	if keys != 1 || sum != 1 {
		t.Errorf("%d keys, sum %d", keys, sum)
	}
}

func TestMapCgroupArray(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loadTracing(t)
	other := filepath.Join(group, "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(other)
	for dir, want := range map[string]uint32{group: 1, filepath.Dir(group): 1, other: 0} {
		if err := s.Maps.Groups.Update(2, dir); err != nil {
			t.Fatal(err)
		}
		if res, err := s.Progs.InGroup.Test(runtime.RawTracepointArgs{}); err != nil || res.Return != want {
			t.Errorf("in %s: %d, %v, want %d", dir, int32(res.Return), err, want)
		}
	}
	if err := s.Maps.Groups.Delete(2); err != nil {
		t.Fatal(err)
	}
	if err := s.Maps.Groups.Delete(2); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("delete of nothing: %v", err)
	}
}

// notTraced skips the test if the kernel cannot attach programs to functions, even for root.
func notTraced(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	withoutJIT(t, err)
	if !guest.In() && errors.Is(err, unix.EPERM) {
		guest.NotHere(t, "no programs at functions: %v", err)
	}
	// This hook is as old as BPF LSM. The kernel's types show whether it was built with it.
	if load := (*runtime.LoadError)(nil); errors.As(err, &load) && strings.Contains(load.Op, "bpf_lsm_") && !hasFunction(t, "bpf_lsm_file_open") {
		guest.NotHere(t, "no BPF LSM: %v", err)
	}
	t.Fatalf("%+v", err)
}

// hasFunction reports whether the kernel's BTF has a function of this name.
func hasFunction(t *testing.T, name string) bool {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var f *btf.Func
	return spec.TypeByName(name, &f) == nil
}
