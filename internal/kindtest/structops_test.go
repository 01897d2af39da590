//vmtest:5.10,6.1,6.12,6.18,7.2,7.x,7.x-arm64

package kindtest

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/structops"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// congestionControls returns the kernel's congestion controls.
func congestionControls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// transfer sends bytes through a TCP connection whose sender uses a congestion control, and returns
// the one that it used.
func transfer(t *testing.T, control string, size int) string {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	sent := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	received := make(chan []byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			received <- nil
			return
		}
		defer conn.Close()
		all, _ := io.ReadAll(conn)
		received <- all
	}()
	dialer := net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION, control) })
		return errors.Join(err, set)
	}}
	conn, err := dialer.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var had string
	if err := raw.Control(func(fd uintptr) { had, _ = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION) }); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(sent); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if got := <-received; !bytes.Equal(got, sent) {
		t.Fatalf("received %d bytes of %d", len(got), len(sent))
	}
	return had
}

const transferred = 4 << 20

// Tests that register a congestion control only run in guests: once a kernel was led to corrupt its
// list of them, it never releases the list's lock, and the next registration spins on a CPU for
// good.

// The kernel calls a struct_ops' functions from Attach to Close: data flows through a congestion
// control.
func TestCongestionControl(t *testing.T) {
	guest.Only(t)
	s := loaded(t, structops.Open)
	if slices.Contains(congestionControls(t), "b2l_plain") {
		t.Fatal("registered before Attach")
	}
	left, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cc_second", "spare", "linked", "relinked"}; !slices.Equal(left, want) {
		t.Errorf("not attached: %q, want %q", left, want)
	}
	if all := congestionControls(t); !slices.Contains(all, "b2l_plain") || slices.Contains(all, "b2l_spare") {
		t.Errorf("registered: %q", all)
	}
	if had := transfer(t, "b2l_plain", transferred); had != "b2l_plain" {
		t.Errorf("the connection used %q", had)
	}
	if n := atomic.LoadUint32(&s.Bss.Inits); n != 1 {
		t.Errorf("init was called %d times", n)
	}
	if acks, largest := atomic.LoadUint32(&s.Bss.Acks), atomic.LoadUint32(&s.Bss.Largest); acks == 0 || largest < 11 {
		t.Errorf("cong_avoid was called %d times, and the largest window was %d", acks, largest)
	}
	s.Detach()
	if s.Links.Plain != nil || slices.Contains(congestionControls(t), "b2l_plain") {
		t.Error("registered after Detach")
	}
}

// The kernel gets what was set between Open and Load: data, other programs, omitted functions.
func TestStructOpsAreSetBeforeLoad(t *testing.T) {
	guest.Only(t)
	s := opened(t, structops.Open)
	ops := &s.StructOps.Plain
	if text := unix.ByteSliceToString(ops.Name[:]); text != "b2l_plain" || ops.Init != s.Progs.CcInit || ops.CongAvoid != s.Progs.CcCongAvoid {
		t.Errorf("the object's struct is %+v", ops)
	}
	ops.Name = [16]byte{}
	copy(ops.Name[:], "b2l_renamed")
	ops.CongAvoid = s.Progs.CcSecond
	ops.Init = runtime.StructOpsProgram{}
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	for _, p := range []struct {
		program runtime.StructOpsProgram
		loaded  bool
	}{{s.Progs.CcInit, false}, {s.Progs.CcCongAvoid, false}, {s.Progs.CcSecond, true}, {s.Progs.CcSsthresh, true}, {s.Progs.CcRelease, true}} {
		if (p.program.FD() >= 0) != p.loaded {
			t.Errorf("program %s: want loaded %v", p.program.Name(), p.loaded)
		}
	}
	link, err := s.Maps.Plain.Attach()
	if err != nil {
		t.Fatal(err)
	}
	if all := congestionControls(t); !slices.Contains(all, "b2l_renamed") {
		t.Errorf("registered: %q", all)
	}
	transfer(t, "b2l_renamed", transferred)
	if s.Bss.Inits != 0 || atomic.LoadUint32(&s.Bss.Acks) != 0 || atomic.LoadUint32(&s.Bss.SecondAcks) == 0 {
		t.Errorf("called: %+v", *s.Bss)
	}
	// The link, not the skeleton, is its last reference.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if all := congestionControls(t); !slices.Contains(all, "b2l_renamed") {
		t.Errorf("registered after Close of the skeleton: %q", all)
	}
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}
	if all := congestionControls(t); slices.Contains(all, "b2l_renamed") {
		t.Errorf("registered after Close of the link: %q", all)
	}
	if err := link.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

// A struct that the object omits can be created, and another one omitted.
func TestStructOpsAutoCreate(t *testing.T) {
	guest.Only(t)
	s := opened(t, structops.Open)
	if !s.Maps.Plain.AutoCreate() || s.Maps.Spare.AutoCreate() {
		t.Error("the sections are not respected")
	}
	s.Maps.Plain.SetAutoCreate(false)
	s.Maps.Spare.SetAutoCreate(true)
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	if s.Maps.Plain.FD() >= 0 || s.Maps.Spare.FD() < 0 || s.Progs.CcInit.FD() >= 0 || s.Progs.CcSecond.FD() < 0 || s.Progs.CcSsthresh.FD() < 0 {
		t.Error("maps and programs differ from the settings")
	}
	if _, err := s.Maps.Plain.Attach(); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "map plain") {
		t.Errorf("attach what was not created: %v", err)
	}
	left, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cc_init", "cc_release", "cc_cong_avoid", "plain", "linked", "relinked"}; !slices.Equal(left, want) {
		t.Errorf("not attached: %q, want %q", left, want)
	}
	if all := congestionControls(t); !slices.Contains(all, "b2l_spare") || slices.Contains(all, "b2l_plain") {
		t.Errorf("registered: %q", all)
	}
	// Closing the skeleton undoes Attach.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if all := congestionControls(t); slices.Contains(all, "b2l_spare") {
		t.Errorf("registered after Close: %q", all)
	}
}

// A link replaces its struct atomically, and connections continue with the new one.
func TestStructOpsLink(t *testing.T) {
	guest.Only(t)
	s := opened(t, structops.Open)
	s.Maps.Plain.SetAutoCreate(false)
	s.Maps.Linked.SetAutoCreate(true)
	s.Maps.Relinked.SetAutoCreate(true)
	err := s.Load()
	since(t, err, "6.4", "links to structs of operations")
	if err != nil {
		t.Fatalf("%+v", err)
	}
	link, err := s.Maps.Linked.Attach()
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	if got, want := link.String(), "map linked: attach struct tcp_congestion_ops"; got != want {
		t.Errorf("the link is %q, want %q", got, want)
	}
	info, err := link.Info()
	if err != nil {
		t.Fatal(err)
	}
	if id, err := s.Maps.Linked.ID(); err != nil || info.Type != runtime.LinkStructOps || info.MapID != id {
		t.Errorf("%+v, of map %d, %v", info, id, err)
	}
	transfer(t, "b2l_linked", transferred)
	acks := atomic.LoadUint32(&s.Bss.Acks)
	for last := acks - 1; acks != last; acks = atomic.LoadUint32(&s.Bss.Acks) { // late acknowledgements
		last = acks
		time.Sleep(100 * time.Millisecond)
	}
	if acks == 0 || s.Bss.SecondAcks != 0 {
		t.Errorf("called: %+v", *s.Bss)
	}
	if _, err := s.Maps.Relinked.Attach(); !errors.Is(err, unix.EEXIST) {
		t.Errorf("a second one of the same name: %v", err)
	}
	if err := link.Update(s.Maps.Relinked); err != nil {
		t.Fatal(err)
	}
	if id, _ := s.Maps.Relinked.ID(); true {
		if info, err := link.Info(); err != nil || info.MapID != id {
			t.Errorf("%+v after the update, of map %d, %v", info, id, err)
		}
	}
	transfer(t, "b2l_linked", transferred)
	if atomic.LoadUint32(&s.Bss.Acks) != acks || atomic.LoadUint32(&s.Bss.SecondAcks) == 0 {
		t.Errorf("called after the update: %+v", *s.Bss)
	}
	for range 3 {
		if err := link.Update(s.Maps.Relinked); err != nil {
			t.Errorf("update to what it is already: %v", err)
		}
	}
	if all := congestionControls(t); !slices.Contains(all, "b2l_linked") {
		t.Errorf("registered after these updates: %q", all)
	}
	if err := link.Update(s.Maps.Spare); !errors.Is(err, unix.EINVAL) {
		t.Errorf("update to a struct without links: %v", err)
	}
	if err := link.Update(s.Progs.CcInit); err == nil {
		t.Error("updated to a program")
	}
	if err := link.Update(s.Maps.Bss); err == nil {
		t.Error("updated to a map of another type")
	}
	if err := link.Update(nil); err == nil {
		t.Error("updated to nil")
	}
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}
	if err := link.Update(s.Maps.Linked); !errors.Is(err, os.ErrClosed) || !strings.HasPrefix(err.Error(), "program of map linked: update link: ") {
		t.Errorf("update of a closed link: %v", err)
	}
	if all := congestionControls(t); slices.Contains(all, "b2l_linked") {
		t.Errorf("registered after Close: %q", all)
	}
}

// Concurrent updates of a link to two structs are ordered.
func TestStructOpsUpdatesConcurrently(t *testing.T) {
	guest.Only(t)
	s := opened(t, structops.Open)
	s.Maps.Plain.SetAutoCreate(false)
	s.Maps.Linked.SetAutoCreate(true)
	s.Maps.Relinked.SetAutoCreate(true)
	err := s.Load()
	since(t, err, "6.4", "links to structs of operations")
	if err != nil {
		t.Fatalf("%+v", err)
	}
	link, err := s.Maps.Linked.Attach()
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for j := range 20 {
				to := s.Maps.Linked
				if (i+j)%3 == 0 {
					to = s.Maps.Relinked
				}
				if err := link.Update(to); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	transfer(t, "b2l_linked", transferred)
}

// Misuse returns an error that names the mistake, and leaves nothing behind.
func TestStructOpsMisuse(t *testing.T) {
	guest.Only(t)
	s, other := opened(t, structops.Open), opened(t, structops.Open)
	if _, err := s.Maps.Plain.Attach(); err == nil || !strings.Contains(err.Error(), "not loaded") {
		t.Errorf("attach before Load: %v", err)
	}
	s.StructOps.Plain.Init = other.Progs.CcInit
	if err := s.Load(); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "struct tcp_congestion_ops plain member init") {
		t.Errorf("a program of another skeleton: %v", err)
	}
	s.StructOps.Plain.Init = s.Progs.CcRelease // which is the struct's release
	if err := s.Load(); !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "program cc_release is already another member") {
		t.Errorf("a program as two members: %v", err)
	}
	// After a failure everything can be corrected.
	s.StructOps.Plain.Init = s.Progs.CcInit
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(); err == nil {
		t.Error("a second Load succeeded")
	}
	link, err := s.Maps.Plain.Attach()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Maps.Plain.Attach(); !errors.Is(err, unix.EBUSY) {
		t.Errorf("a second attachment: %v", err)
	}
	if err := link.Update(s.Maps.Plain); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("update of an attachment without a link: %v", err)
	}
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}

	if err := other.Load(); err != nil {
		t.Fatal(err)
	}
	if err := other.Progs.CcSsthresh.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Maps.Plain.Attach(); !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "cc_ssthresh") {
		t.Errorf("attach with a program that is closed: %v", err)
	}
	if all := congestionControls(t); slices.Contains(all, "b2l_plain") {
		t.Errorf("registered: %q", all)
	}
	other.Close()
	if _, err := other.Maps.Plain.Attach(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("attach after Close: %v", err)
	}
	if _, err := other.Attach(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Attach after Close: %v", err)
	}
}

// Concurrent loads, attachments and Close are ordered, and nothing stays registered.
func TestStructOpsConcurrently(t *testing.T) {
	guest.Only(t)
	for range 5 {
		s := opened(t, structops.Open)
		var wait sync.WaitGroup
		for range 4 {
			wait.Go(func() {
				for range 20 {
					link, err := s.Maps.Plain.Attach()
					switch {
					case err == nil:
						if err := link.Close(); err != nil {
							t.Error(err)
						}
					case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EEXIST), errors.Is(err, os.ErrClosed):
					default:
						t.Error(err)
					}
				}
			})
		}
		wait.Go(func() {
			if err := s.Load(); err != nil {
				t.Error(err)
			}
			if _, err := s.Attach(); err != nil && !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EEXIST) {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		wait.Wait()
		if all := congestionControls(t); slices.Contains(all, "b2l_plain") {
			t.Fatalf("registered: %q", all)
		}
	}
}

// Without the kernel's BTF a struct cannot be adapted to it, and the error says what to do.
func TestStructOpsWithoutBTF(t *testing.T) {
	guest.Only(t)
	const directory = "/sys/kernel/btf"
	if err := unix.Mount("tmpfs", directory, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	s := opened(t, structops.Open)
	err := s.Load()
	if err := unix.Unmount(directory, 0); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "struct tcp_congestion_ops") || !strings.Contains(err.Error(), "CONFIG_DEBUG_INFO_BTF") {
		t.Errorf("error %v", err)
	}
	if err := s.Load(); err != nil {
		t.Errorf("with BTF again: %v", err)
	}
}
