//vmtest:all,5.10

package kindtest

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/dispatch"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/targets"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// programTargeted is a program that can be loaded for a function of another program.
type programTargeted interface {
	SetAutoLoad(bool)
	SetAttachTargetProgram(runtime.AnyProgram, string) error
}

// ofProgram makes a program load for a function of another program.
func ofProgram(t *testing.T, p programTargeted, target runtime.AnyProgram, function string) {
	t.Helper()
	p.SetAutoLoad(true)
	if err := p.SetAttachTargetProgram(target, function); err != nil {
		t.Fatal(err)
	}
}

// dispatched returns a program's verdict on a packet.
func dispatched(t *testing.T, p runtime.XDPProgram) runtime.XDPAction {
	t.Helper()
	res, err := p.Test(runtime.XDPTest{Data: packet()})
	if err != nil {
		t.Fatal(err)
	}
	return res.Return
}

// A function is replaced while the link is open, and so is another one, which the section does not
// name.
func TestFreplace(t *testing.T) {
	d := loaded(t, dispatch.Open)
	s := opened(t, targets.Open)
	ofProgram(t, s.Progs.Drop, d.Progs.DispatchesPackets, "") // its section names verdict
	ofProgram(t, s.Progs.Send, d.Progs.DispatchesPackets, "second")
	notTraced(t, s.Load())
	if got := dispatched(t, d.Progs.DispatchesPackets); got != runtime.XDPPass {
		t.Errorf("%v before anything is attached", got)
	}
	l, err := s.Progs.Drop.Attach(nil)
	notTraced(t, err)
	if got := dispatched(t, d.Progs.DispatchesPackets); got != runtime.XDPDrop {
		t.Errorf("%v with verdict replaced, want XDP_DROP", got)
	}
	if got := dispatched(t, d.Progs.Another); got != runtime.XDPPass {
		t.Errorf("%v by a program of the same object that is not the target", got)
	}
	if info, err := l.Info(); err != nil || info.Type != runtime.LinkTracing {
		t.Errorf("info %+v, %v", info, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l, err = s.Progs.Send.Attach(nil)
	ended(t, l, err)
	if got := dispatched(t, d.Progs.DispatchesPackets); got != runtime.XDPTx {
		t.Errorf("%v with second replaced, want XDP_TX", got)
	}
}

// A link makes a program that replaces one function replace another program's function, too.
func TestFreplaceFurtherTargets(t *testing.T) {
	d := loaded(t, dispatch.Open)
	s := opened(t, targets.Open)
	ofProgram(t, s.Progs.Drop, d.Progs.DispatchesPackets, "verdict")
	notTraced(t, s.Load())
	l, err := s.Progs.Drop.Attach(nil)
	notTraced(t, err)
	ended(t, l, err)
	more, err := s.Progs.Drop.AttachFreplace(d.Progs.Another, "", nil)
	ended(t, more, err)
	if got := dispatched(t, d.Progs.Another); got != runtime.XDPDrop {
		t.Errorf("%v by the second target, want XDP_DROP", got)
	}
	if _, err := s.Progs.Drop.AttachFreplace(d.Progs.Another, "verdict", nil); !errors.Is(err, unix.EBUSY) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("replaced twice: %v", err)
	}
	_, err = s.Progs.Drop.AttachFreplace(d.Progs.Another, "no_such", nil)
	wantText(t, err, "program drop", "replace function no_such of program another", "has no function no_such")
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such function: %v", err)
	}
	if _, err := s.Progs.Drop.AttachFreplace(nil, "verdict", nil); err == nil {
		t.Error("no error for a nil program")
	}
	if err := more.Close(); err != nil {
		t.Fatal(err)
	}
	if got := dispatched(t, d.Progs.Another); got != runtime.XDPPass {
		t.Errorf("%v by the second target after Close", got)
	}
}

// Tracing programs can be attached to a program's entry function, whose name is longer than the
// kernel's copy of it, and to a function that it calls. The program is opened by its ID, like one
// of another process.
func TestTraceProgram(t *testing.T) {
	d := loaded(t, dispatch.Open)
	id, err := d.Progs.DispatchesPackets.ID()
	if err != nil {
		t.Fatal(err)
	}
	byID, err := runtime.OpenProgramID(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer byID.Close()
	for _, functions := range [][2]string{{"", "dispatches_packets"}, {"dispatches_packets", ""}, {"verdict", "hidden"}} {
		s := opened(t, targets.Open)
		ofProgram(t, s.Progs.OnProgram, d.Progs.DispatchesPackets, functions[0])
		ofProgram(t, s.Progs.OnProgramExit, byID, functions[1])
		notTraced(t, s.Load())
		left, err := s.Attach()
		notTraced(t, err)
		if len(left) == 0 || s.Links.OnProgram == nil || s.Links.OnProgramExit == nil {
			t.Errorf("%q: not attached: %q", functions, left)
		}
		for range 2 {
			dispatched(t, d.Progs.DispatchesPackets)
		}
		if n := atomic.LoadUint64(&s.Bss.Traced); n != 202 {
			t.Errorf("%q: counted %d, want 202: twice 1 at the entry and twice 100 at the exit", functions, n)
		}
		s.Close()
	}
}

// Errors of a target name both programs, and the load can be retried.
func TestProgramTargetErrors(t *testing.T) {
	d := opened(t, dispatch.Open)
	s := opened(t, targets.Open)
	s.Progs.Send.SetAutoLoad(true)
	err := s.Load()
	wantText(t, err, "load program send", "SetAttachTargetProgram before Load")
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("without a target: %v", err)
	}
	if err := s.Progs.Send.SetAttachTargetProgram(nil, "verdict"); err == nil {
		t.Error("no error for a nil program")
	}
	ofProgram(t, s.Progs.Send, d.Progs.DispatchesPackets, "verdict")
	wantText(t, s.Load(), "program send", "program dispatches_packets", "not loaded")
	if err := d.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	ofProgram(t, s.Progs.Send, d.Progs.DispatchesPackets, "no_such")
	err = s.Load()
	wantText(t, err, "program send", "dispatches_pack", "no_such")
	if !errors.Is(err, unix.ENOENT) {
		t.Errorf("no such function: %v", err)
	}
	ofProgram(t, s.Progs.Send, d.Progs.DispatchesPackets, "hidden")
	if _, noJIT := os.Stat("/proc/sys/net/core/bpf_jit_enable"); noJIT != nil {
		notTraced(t, s.Load())
	}
	if err = s.Load(); errors.Is(err, unix.EPERM) {
		notTraced(t, err)
	}
	wantText(t, err, "load program send", "hidden() is not a global function")
	ofProgram(t, s.Progs.Send, d.Progs.DispatchesPackets, "verdict")
	notTraced(t, s.Load())
	d.Close()
	again := opened(t, targets.Open)
	ofProgram(t, again.Progs.Send, d.Progs.DispatchesPackets, "verdict")
	wantText(t, again.Load(), "program send", "closed")
}
