//vmtest:all,5.10

package kindtest

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/cgroups"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/functions"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestAttachCgroupSKB(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Leave.AttachCgroup(group, nil)
	ended(t, l, err)
	c := udp(t)
	for range 2 {
		if _, err := toSelf(t, c, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	if packets, bytes := atomic.LoadUint64(&s.Bss.Packets), atomic.LoadUint64(&s.Bss.Bytes); packets != 2 || bytes != 2*(20+8+5) {
		t.Errorf("%d packets, %d bytes", packets, bytes)
	}
	if info, err := l.Info(); err != nil || info.Type != runtime.LinkCgroup || info.AttachType != sys.AttachCgroupInetEgress {
		t.Errorf("info %+v, %v", info, err)
	}
}

func TestAttachCgroupSock(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	dir, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	l, err := s.Progs.Create.AttachCgroupFD(int(dir.Fd()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	mark := func() (mark int) {
		t.Helper()
		socketFD(t, udp(t), func(fd int) {
			if mark, err = unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK); err != nil {
				t.Fatal(err)
			}
		})
		return mark
	}
	if got := mark(); got != 4711 {
		t.Errorf("mark %d", got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := mark(); got != 0 {
		t.Errorf("mark %d after Close", got)
	}
}

func TestAttachCgroupSockAddr(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Connect.AttachCgroup(group, nil)
	ended(t, l, err)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s.Bss.Port = uint16(listener.Addr().(*net.TCPAddr).Port)
	c, err := net.Dial("tcp4", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if to := c.RemoteAddr().String(); to != listener.Addr().String() {
		t.Errorf("connected to %s, want %s", to, listener.Addr())
	}
}

func TestAttachCgroupSockopt(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Getopt.AttachCgroup(group, nil)
	ended(t, l, err)
	socketFD(t, udp(t), func(fd int) {
		if v, err := unix.GetsockoptInt(fd, 4242, 5); err != nil || v != 4247 {
			t.Errorf("the option is %d, %v", v, err)
		}
		if v, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || v != unix.SOCK_DGRAM {
			t.Errorf("the type is %d, %v", v, err)
		}
	})
}

func TestAttachCgroupSysctl(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Sysctl.AttachCgroup(group, nil)
	ended(t, l, err)
	if _, err := os.ReadFile("/proc/sys/kernel/ostype"); !errors.Is(err, unix.EPERM) || atomic.LoadUint64(&s.Bss.Refused) != 1 {
		t.Errorf("ostype: %v, refused %d times", err, s.Bss.Refused)
	}
	if _, err := os.ReadFile("/proc/sys/kernel/osrelease"); err != nil {
		t.Error(err)
	}
}

func TestAttachCgroupDevice(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Device.AttachCgroup(group, nil)
	ended(t, l, err)
	if f, err := os.Open("/dev/full"); !errors.Is(err, unix.EPERM) {
		f.Close()
		t.Errorf("/dev/full: %v", err)
	}
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestAttachCgroupSockOps(t *testing.T) {
	group := testfs.OwnCgroup(t)
	s := loaded(t, cgroups.Open)
	l, err := s.Progs.Ops.AttachCgroup(group, nil)
	ended(t, l, err)
	for range 3 {
		tcp(t)
	}
	if n := atomic.LoadUint64(&s.Bss.Connects); n != 3 {
		t.Errorf("%d connects", n)
	}
}

func TestAttachCgroupLSM(t *testing.T) {
	before(t, "6.0", "lsm_cgroup")
	group := testfs.OwnCgroup(t)
	s := opened(t, functions.Open)
	s.Progs.JudgeGroup.SetAutoLoad(true)
	notTraced(t, s.Load())
	l, err := s.Progs.JudgeGroup.AttachCgroup(group, nil)
	notTraced(t, err)
	ended(t, l, err)
	if c, err := net.ListenPacket("udp4", "127.0.0.1:0"); !errors.Is(err, unix.EPERM) {
		if err == nil {
			c.Close()
		}
		t.Errorf("bind: %v", err)
	}
	if s.Bss.Entered != 1 {
		t.Errorf("the program ran %d times", s.Bss.Entered)
	}
}
