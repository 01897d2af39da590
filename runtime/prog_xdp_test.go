//vmtest:all

package runtime

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

func TestAttachXDP(t *testing.T) {
	lo := loopback(t)
	count := newCount(t)
	pass := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: counting(count, int32(XDPPass))}))
	drop := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPDrop))}))

	l, err := pass.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if !ping(t) {
		t.Error("a packet was lost")
	}
	if n := counted(t, count); n != 1 {
		t.Errorf("program saw %d packets", n)
	}

	info, err := l.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != LinkXDP || info.Ifindex != uint32(lo) || info.ID == 0 || info.ProgramID == 0 {
		t.Errorf("info: %+v", info)
	}

	_, err = drop.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric})
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("second program: %v", err)
	}
	if got, want := err.Error(), "program test: attach XDP to interface 1: device or resource busy"; !strings.HasPrefix(got, want) {
		t.Errorf("error %q, want %q and a hint", got, want)
	}

	if err := l.Update(drop); err != nil {
		t.Fatal(err)
	}
	if ping(t) {
		t.Error("a packet arrived after the update")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if !ping(t) {
		t.Error("a packet was lost after Close")
	}
	if err := l.Update(pass); !errors.Is(err, os.ErrClosed) {
		t.Errorf("update after Close: %v", err)
	}
	if _, err := pass.AttachXDP(12345, &XDPOptions{Mode: XDPGeneric}); !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("no such interface: %v", err)
	}
	pass.fd.close()
	if _, err := pass.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed program: %v", err)
	}
}

func TestDetach(t *testing.T) {
	lo := loopback(t)
	p := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPDrop))}))
	l, err := p.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Detach(); err != nil {
		t.Fatal(err)
	}
	if !ping(t) {
		t.Error("a packet was lost after Detach")
	}
	if info, err := l.Info(); err != nil || info.Ifindex != 0 {
		t.Errorf("info after Detach: %+v, %v", info, err)
	}
}

func TestPinLink(t *testing.T) {
	lo := loopback(t)
	dir := testfs.BPF(t)
	p := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPDrop))}))
	l, err := p.AttachXDP(lo, &XDPOptions{Mode: XDPGeneric})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Pin(dir + "/link"); err != nil {
		t.Fatal(err)
	}
	if err := l.Pin(dir + "/link"); !errors.Is(err, unix.EEXIST) {
		t.Errorf("second pin: %v", err)
	}
	l.Close()
	if ping(t) {
		t.Error("a pinned link ended with Close")
	}
	again, err := OpenPinnedLink(dir + "/link")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := again.Info(); err != nil || info.Type != LinkXDP {
		t.Errorf("info of the pinned link: %+v, %v", info, err)
	}
	if err := os.Remove(dir + "/link"); err != nil {
		t.Fatal(err)
	}
	again.Close()
	if !ping(t) {
		t.Error("a packet was lost after the pin was removed")
	}

	if err := p.Pin(dir + "/prog"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenPinnedLink(dir + "/prog"); err == nil {
		t.Error("a program was opened as a link")
	}
	if _, err := OpenPinnedLink(dir + "/nothing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing opened as a link: %v", err)
	}
}

func TestXDPTestRun(t *testing.T) {
	// Returns the receive queue's interface, and removes 4 bytes from the head.
	p := NewXDPProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP},
		insns: asm.Instructions{
			asm.Mov.Imm(asm.R2, 4),
			asm.FnXdpAdjustHead.Call(),
			asm.Mov.Imm(asm.R0, int32(XDPTx)),
			asm.Return(),
		},
	}))
	packet := []byte(strings.Repeat("0123456789", 10))
	res, err := p.Test(XDPTest{Data: packet})
	if err != nil {
		t.Fatal(err)
	}
	if res.Return != XDPTx || res.Return.String() != "XDP_TX" {
		t.Errorf("return %v", res.Return)
	}
	if string(res.Data) != string(packet[4:]) {
		t.Errorf("data %q", res.Data)
	}

	res, err = p.Test(XDPTest{Data: packet, Repeat: 1000, Context: &XDPContext{IngressIfindex: 0}})
	if !errors.Is(err, unix.EINVAL) && err != nil { // the packet becomes too short
		t.Error(err)
	}

	p = NewXDPProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP},
		insns: asm.Instructions{
			asm.LoadMem(asm.R2, asm.R1, 0, asm.Word), // data
			asm.LoadMem(asm.R3, asm.R1, 8, asm.Word), // data_meta
			asm.Mov.Reg(asm.R0, asm.R2),
			asm.Sub.Reg(asm.R0, asm.R3),
			asm.Return(),
		},
	}))
	res, err = p.Test(XDPTest{Data: packet, Context: &XDPContext{Data: 8}, Repeat: 10})
	if err != nil {
		t.Fatal(err)
	}
	if res.Return != 8 || res.Context.Data != 8 || res.Context.DataEnd != uint32(len(packet)) {
		t.Errorf("return %d, context %+v", res.Return, res.Context)
	}

	if _, err := p.Test(XDPTest{Data: packet[:3]}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("no whole Ethernet header: %v", err)
	}
}

// The given number of frames is sent where the program says.
func TestLiveFrames(t *testing.T) {
	lo := loopback(t)
	count := newCount(t)
	p := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: counting(count, int32(XDPPass))}))
	packet := make([]byte, 64)
	packet[12], packet[13] = 0x88, 0xb5 // local experimental ethertype
	for _, test := range []XDPTest{
		{Data: packet, Repeat: 100},
		{Data: packet, Repeat: 100, BatchSize: 8},
		{Data: packet, Repeat: 100, Context: &XDPContext{IngressIfindex: uint32(lo)}},
		{Data: packet, Repeat: 100, Context: &XDPContext{Data: 8, IngressIfindex: uint32(lo)}, BatchSize: 3},
		{Data: packet, Context: &XDPContext{Data: 4}},
	} {
		test.Flags = TestXDPLiveFrames
		before := counted(t, count)
		res, err := p.Test(test)
		sinceOrSkip(t, err, 5, 18, "BPF_F_TEST_XDP_LIVE_FRAMES")
		if err != nil {
			t.Errorf("%d frames, context %+v: %v", test.Repeat, test.Context, err)
			continue
		}
		if n := counted(t, count) - before; n != uint64(max(test.Repeat, 1)) {
			t.Errorf("%d frames of %d, context %+v", n, test.Repeat, test.Context)
		}
		if len(res.Data) != 0 {
			t.Errorf("%d bytes of data", len(res.Data))
		}
	}
	if _, err := p.Test(XDPTest{Data: packet, BatchSize: 8}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a batch without live frames: %v", err)
	}
}

// A context and data can be combined, whatever the size of the metadata.
func TestXDPContextAndData(t *testing.T) {
	lo := loopback(t)
	p := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPPass))}))
	packet := []byte(strings.Repeat("0123456789", 10))
	for _, ctx := range []XDPContext{
		{}, {Data: 4}, {Data: 32}, {IngressIfindex: uint32(lo)}, {DataEnd: uint32(len(packet))},
	} {
		given := ctx
		res, err := p.Test(XDPTest{Data: packet, Context: &ctx})
		if err != nil || res.Return != XDPPass || string(res.Data) != string(packet) {
			t.Errorf("context %+v: %v, %q", ctx, err, res.Data)
		}
		if ctx != given {
			t.Errorf("the caller's context was changed: %+v", ctx)
		}
	}
}

// Negative numbers of repetitions and bytes are refused.
func TestTestRunNumbers(t *testing.T) {
	p := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(int32(XDPPass))}))
	packet := make([]byte, 64)
	for _, test := range []XDPTest{{Data: packet, Repeat: -1}, {Data: packet, Room: -1}} {
		_, err := p.Test(test)
		if !errors.Is(err, unix.EINVAL) || !strings.Contains(err.Error(), "invalid R") {
			t.Errorf("repeat %d, room %d: %v", test.Repeat, test.Room, err)
		}
	}
}
