//vmtest:all,5.10

package kindtest

import (
	"errors"
	"fmt"
	"maps"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/redirects"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// decides expects an XDP program's verdict on a packet.
func decides(t *testing.T, p runtime.XDPProgram, want runtime.XDPAction) {
	t.Helper()
	if res, err := p.Test(runtime.XDPTest{Data: packet()}); err != nil || res.Return != want {
		t.Errorf("%s returned %v, %v, want %v", p.Name(), res.Return, err, want)
	}
}

func TestMapProgramArray(t *testing.T) {
	s := loaded(t, redirects.Open)
	decides(t, s.Progs.Jump, runtime.XDPDrop) // nowhere to jump to
	if err := s.Maps.Jumps.Update(2, s.Progs.JumpTarget); err != nil {
		t.Fatal(err)
	}
	decides(t, s.Progs.Jump, runtime.XDPTx)
	if s.Bss.Jumped != 1 {
		t.Errorf("jumped %d times", s.Bss.Jumped)
	}
	if id, err := s.Maps.Jumps.LookupID(2); err != nil || id == 0 {
		t.Errorf("ID %d, %v", id, err)
	}
	if err := s.Maps.Jumps.Delete(2); err != nil {
		t.Fatal(err)
	}
	decides(t, s.Progs.Jump, runtime.XDPDrop)
	if _, err := s.Maps.Jumps.LookupID(2); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestMapDevMap(t *testing.T) {
	before(t, "5.15", "generic XDP with programs in maps")
	s := loaded(t, redirects.Open)
	testDevMap(t, s, s.Maps.Devs, s.Progs.ToDev, 1)
}

func TestMapDevMapHash(t *testing.T) {
	before(t, "5.15", "generic XDP with programs in maps")
	s := loaded(t, redirects.Open)
	testDevMap(t, s, s.Maps.DevHash, s.Progs.ToDevHash, 1000)
}

// testDevMap sends packets back out of the interface that they arrived at, through a program that
// counts them.
func testDevMap(t *testing.T, s *redirects.Skeleton, m *runtime.DevMap, redirect runtime.XDPProgram, key uint32) {
	t.Helper()
	decides(t, redirect, runtime.XDPDrop) // the map is empty
	redirected(t, redirect, func(ifindex int) error {
		if err := m.Update(key, ifindex, &s.Progs.Leave, runtime.Any); err != nil {
			return err
		}
		if e, err := m.Lookup(key); err != nil || e.Ifindex != uint32(ifindex) || e.ProgramID == 0 {
			return fmt.Errorf("lookup: %+v, %w", e, err)
		}
		return nil
	})
	soon(t, "packets leave", func() bool { return atomic.LoadUint64(&s.Bss.Out) >= 3 })
	if e := maps.Collect(m.Iterate().All()); len(e) != 1 || uint64(e[key].Ifindex) != s.Bss.Ifindex {
		t.Errorf("the program found interface %d, all are %v", s.Bss.Ifindex, e)
	}
	if err := m.Delete(key); err != nil {
		t.Error(err)
	}
}

// redirected sends three packets to lo, which has an XDP program, after calling prepare.
func redirected(t *testing.T, p runtime.XDPProgram, prepare func(ifindex int) error) {
	t.Helper()
	lo := ownNetwork(t)
	if err := prepare(lo); err != nil {
		t.Fatal(err)
	}
	l, err := p.AttachXDP(lo, &runtime.XDPOptions{Mode: runtime.XDPGeneric})
	ended(t, l, err)
	c := udp(t)
	for range 3 {
		if _, err := c.WriteTo([]byte("hello"), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMapCPUMap(t *testing.T) {
	before(t, "5.15", "generic XDP with programs in maps")
	s := loaded(t, redirects.Open)
	decides(t, s.Progs.ToCpu, runtime.XDPDrop) // the map is empty
	redirected(t, s.Progs.ToCpu, func(int) error { return s.Maps.Cpus.Update(0, 64, &s.Progs.Arrive) })
	soon(t, "packets arrive at the CPU", func() bool { return atomic.LoadUint64(&s.Bss.OnThisCpu) >= 3 })
	if e, err := s.Maps.Cpus.Lookup(0); err != nil || e.QueueSize != 64 || e.ProgramID == 0 {
		t.Errorf("lookup: %+v, %v", e, err)
	}
	if err := s.Maps.Cpus.Delete(0); err != nil {
		t.Error(err)
	}
	if _, err := s.Maps.Cpus.Lookup(0); !errors.Is(err, runtime.ErrKeyNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
}

func TestMapXSKMap(t *testing.T) {
	s := loaded(t, redirects.Open)
	decides(t, s.Progs.ToSocket, runtime.XDPDrop) // the map is empty
	socket, err := unix.Socket(unix.AF_XDP, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EAFNOSUPPORT) {
		guest.NotHere(t, "AF_XDP sockets: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	// Only some kernels accept a socket that cannot receive.
	if err := unix.SetsockoptInt(socket, unix.SOL_XDP, unix.XDP_RX_RING, 64); err != nil {
		t.Fatal(err)
	}
	if err := s.Maps.Sockets.Update(3, socket, runtime.Any); err != nil {
		t.Fatal(err)
	}
	decides(t, s.Progs.ToSocket, runtime.XDPRedirect)
	if err := s.Maps.Sockets.Delete(3); err != nil {
		t.Error(err)
	}
	decides(t, s.Progs.ToSocket, runtime.XDPDrop)
}
