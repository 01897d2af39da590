//vmtest:all

package guest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// createMap creates an array of one 4-byte value, the least that shows that bpf() works.
func createMap() (fd int, err error) {
	attr := sys.MapCreateAttr{MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	fd, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Offsetof(attr.MapFlags))
	if errno != 0 {
		return -1, errno
	}
	return fd, nil
}

func TestGuestCreatesMap(t *testing.T) {
	guest.Only(t)
	fd, err := createMap()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

func TestGuestHasMounts(t *testing.T) {
	guest.Only(t)
	for _, path := range []string{
		"/sys/kernel/btf/vmlinux", "/sys/kernel/tracing/events", "/sys/fs/cgroup/cgroup.procs", "/proc/self/fd", "/dev/null",
	} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs("/sys/fs/bpf", &fs); err != nil || uint32(fs.Type) != unix.BPF_FS_MAGIC {
		t.Errorf("/sys/fs/bpf: type %#x, %v", fs.Type, err)
	}
}

func TestGuestHasPrograms(t *testing.T) {
	guest.Only(t)
	for _, command := range []string{"bpftool version", "ip link", "tc -V", "ping -V", "busybox true"} {
		args := strings.Fields(command)
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
	}
}

// vmtest shows the kernel log after a failure, so a guest must have one.
func TestGuestMakesVeth(t *testing.T) {
	guest.Only(t)
	out, err := exec.Command("ip", "link", "add", "a0", "type", "veth", "peer", "name", "b0").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("tc", "qdisc", "add", "dev", "a0", "clsact").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.Command("ip", "link", "delete", "a0").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestModuleHasBTF(t *testing.T) {
	guest.Only(t)
	for _, name := range []string{"nf_conntrack", "bpf2lskel_kmod", "many_kfuncs_low", "many_kfuncs_high"} {
		t.Run(name, func(t *testing.T) {
			guest.Module(t, name)
			if _, err := os.Stat(filepath.Join("/sys/kernel/btf", name)); err != nil {
				t.Error(err)
			}
		})
		if guest.Loaded(name) {
			t.Errorf("%s is still loaded", name)
		}
	}
}
