package kindtest

import (
	"errors"
	"net"
	"os"
	goruntime "runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel" // for Linux 5.10
)

// skeleton is implemented by every generated package.
type skeleton interface {
	Load() error
	Close() error
	Core() *runtime.Skeleton
}

// opened opens an object and closes it when the test ends.
func opened[S skeleton](t *testing.T, open func() (S, error)) S {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	s, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	leaveOutNewer(t, s.Core())
	return s
}

// newer are the parts of objects that Linux 5.10 does not support, by type. An object's programs
// are loaded together, so a test leaves out the others' parts.
var newer = []struct {
	since    string
	mapType  uint32
	progType uint32
	attach   uint32
	program  string
}{
	{since: "5.16", mapType: sys.MapTypeBloomFilter, program: "look"},
	{since: "6.1", mapType: sys.MapTypeUserRingBuf},
	{since: "5.13", attach: sys.AttachSKSKBVerdict},
	{since: "5.14", progType: sys.ProgTypeSyscall},
	{since: "5.18", attach: sys.AttachTraceKprobeMulti},
}

// leaveOutNewer leaves out maps and programs that an old kernel does not support. Their tests call
// before.
func leaveOutNewer(t *testing.T, s *runtime.Skeleton) {
	t.Helper()
	for _, n := range newer {
		if !isBefore(n.since) {
			continue
		}
		hasMap := false
		for i := range s.Spec().Maps {
			if n.mapType != 0 && s.Spec().Maps[i].Type == n.mapType {
				hasMap = true
				if err := runtime.ChangeMap(s, s.Map(i), func(m *runtime.MapChange) { m.LeaveOut = true }); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range s.Spec().Programs {
			p := &s.Spec().Programs[i]
			if n.progType != 0 && p.Type == n.progType || n.attach != 0 && p.AttachType == n.attach || hasMap && p.Name == n.program {
				s.Program(i).SetAutoLoad(false)
			}
		}
	}
}

func isBefore(release string) bool { return sys.KernelVersion().Before(sys.ParseVersion(release)) }

// before skips the test on a kernel that is too old for it.
func before(t *testing.T, release, what string) {
	t.Helper()
	if isBefore(release) {
		guest.NotHere(t, "%s: since Linux %s", what, release)
	}
}

// cookie returns the cookie, or 0 on kernels older than the release that introduced cookies.
func cookie(release string, n uint64) uint64 {
	if isBefore(release) {
		return 0
	}
	return n
}

// loaded opens an object and loads it unchanged.
func loaded[S skeleton](t *testing.T, open func() (S, error)) S {
	t.Helper()
	s := opened(t, open)
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	return s
}

// since skips the test if an older kernel has refused a new feature.
func since(t *testing.T, err error, release, what string) {
	t.Helper()
	if err != nil && sys.KernelVersion().Before(sys.ParseVersion(release)) {
		guest.NotHere(t, "%s: since %s, and it says: %v", what, release, err)
	}
}

// withoutJIT skips the test if the kernel has refused and has no JIT compiler: then it does not
// support callbacks, trampolines and arenas.
func withoutJIT(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if _, none := os.Stat("/proc/sys/net/core/bpf_jit_enable"); errors.Is(none, os.ErrNotExist) {
		guest.NotHere(t, "it has no JIT compiler, and says: %v", err)
	}
}

// withoutCX16 skips the test if the kernel cannot allocate memory without cmpxchg16b: since 7.0,
// local storage and arenas use kmalloc_nolock, which needs it on x86. The x86 guests lack it.
func withoutCX16(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, unix.ENOMEM) || goruntime.GOARCH != "amd64" {
		return
	}
	if cpu, _ := os.ReadFile("/proc/cpuinfo"); !strings.Contains(string(cpu), " cx16 ") {
		guest.NotHere(t, "it wants cmpxchg16b, and says: %v", err)
	}
}

// ended checks an attachment and closes it when the test ends.
func ended(t *testing.T, l *runtime.Link, err error) *runtime.Link {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// packet is a packet for test runs.
func packet() []byte { return make([]byte, 64) }

// run runs a tc program on a packet with this mark and returns its result.
func run(t *testing.T, p runtime.SchedCLSProgram, mark uint32) uint32 {
	t.Helper()
	res, err := p.Test(runtime.SKBTest{Data: packet(), Context: &runtime.SKBContext{Mark: mark}})
	if err != nil {
		t.Fatal(err)
	}
	return uint32(res.Return)
}

// soon waits until something has happened in the kernel.
func soon(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timeout: %s", what)
		}
	}
}

// ownNetwork moves the test's goroutine to a new network namespace and returns the index of its
// only interface, lo, which is up.
func ownNetwork(t *testing.T) (lo int) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	goruntime.LockOSThread() // never unlocked: the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	ifreq, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	ifreq.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifreq); err != nil {
		t.Fatal(err)
	}
	return 1
}

// threadNetNS returns the network namespace of the test's goroutine.
const threadNetNS = "/proc/thread-self/ns/net"

// udp returns a socket in the test's network.
func udp(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// toSelf sends a text from a socket to itself and returns what arrives.
func toSelf(t *testing.T, c *net.UDPConn, text string) (arrived string, sendErr error) {
	t.Helper()
	if _, err := c.WriteTo([]byte(text), c.LocalAddr()); err != nil {
		return "", err
	}
	buf := make([]byte, 1500)
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n]), nil
}

// tcp returns both ends of a connection.
func tcp(t *testing.T) (a, b *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return c.(*net.TCPConn), d.(*net.TCPConn)
}

// receives expects a text on a connection.
func receives(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, len(text))
	for n := 0; n < len(buf); {
		m, err := c.Read(buf[n:])
		if err != nil {
			t.Fatalf("%q, %v", buf[:n], err)
		}
		n += m
	}
	if string(buf) != text {
		t.Errorf("received %q, want %q", buf, text)
	}
}

// socketFD calls f with a socket's file descriptor.
func socketFD(t *testing.T, c interface{ File() (*os.File, error) }, f func(fd int)) {
	t.Helper()
	file, err := c.File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f(int(file.Fd()))
}

// getpgid asks for this process's process group by PID, which the programs in this package observe.
func getpgid() error {
	_, err := unix.Getpgid(os.Getpid())
	return err
}
