//vmtest:all

package runtime

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// storageBTF is the BTF that local storage maps require: an int for the key, and a type for the
// value.
func storageBTF(t *testing.T) (num int, key, value uint32) {
	t.Helper()
	b, err := btf.NewBuilder([]btf.Type{
		&btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		&btf.Int{Name: "unsigned long long", Size: 8},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := btf.NewHandle(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h.FD(), 1, 2
}

func TestLocalStorage(t *testing.T) {
	btfFD, key, value := storageBTF(t)
	a, _ := tcpPair(t)
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)

	use := func(t *testing.T, kind uint32, objectFD int) {
		m, err := createTestMap(sys.MapCreateAttr{
			MapType: kind, KeySize: 4, ValueSize: 8, MapFlags: sys.FlagNoPrealloc,
			BtfFd: uint32(btfFD), BtfKeyTypeId: key, BtfValueTypeId: value,
		})
		if kind == sys.MapTypeCgrpStorage {
			sinceOrSkip(t, err, 6, 2, "cgroup local storage")
		}
		if err != nil {
			t.Fatalf("create: %v", err)
		}
		defer m.fd.close()
		s := NewLocalStorage[uint64](m)
		if _, err := s.Lookup(objectFD); !errors.Is(err, ErrKeyNotExist) {
			t.Errorf("lookup of nothing: %v", err)
		}
		err = s.Update(objectFD, 5, NoExist)
		skipWithoutCX16(t, err)
		if err != nil {
			t.Errorf("update: %v", err)
		}
		if err := s.Update(objectFD, 6, NoExist); !errors.Is(err, ErrKeyExist) {
			t.Errorf("NoExist: %v", err)
		}
		if v, err := s.Lookup(objectFD); err != nil || v != 5 {
			t.Errorf("lookup: %v, %v", v, err)
		}
		if err := s.Delete(objectFD); err != nil {
			t.Errorf("delete: %v", err)
		}
		if err := s.Delete(objectFD); !errors.Is(err, ErrKeyNotExist) {
			t.Errorf("delete of nothing: %v", err)
		}
	}
	t.Run("task", func(t *testing.T) { use(t, sys.MapTypeTaskStorage, pidfd) })
	t.Run("socket", func(t *testing.T) {
		if err := withSocket(a, func(num int) error { use(t, sys.MapTypeSKStorage, num); return nil }); err != nil {
			t.Error(err)
		}
	})
	t.Run("cgroup", func(t *testing.T) {
		dir, err := os.Open(testfs.Cgroup2(t))
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		use(t, sys.MapTypeCgrpStorage, int(dir.Fd()))
	})
	t.Run("inode", func(t *testing.T) {
		skipWithoutBPFLSM(t) // which provides inode storage
		use(t, sys.MapTypeInodeStorage, int(file.Fd()))
	})
}

// skipWithoutCX16 skips a test on an x86-64 CPU without cmpxchg16b, as some emulators have it:
// there kmalloc_nolock fails, from which newer kernels allocate local storage and arenas.
func skipWithoutCX16(t *testing.T, err error) {
	t.Helper()
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	if errors.Is(err, unix.ENOMEM) && runtime.GOARCH == "amd64" && !strings.Contains(string(cpu), " cx16 ") {
		t.Skipf("not on this kernel: it needs cmpxchg16b: %v", err)
	}
}
