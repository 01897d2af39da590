//vmtest:all,5.10

package kindtest

import (
	"testing"

	"golang.org/x/sys/unix"

	bpf "github.com/bpf2lskel/bpf2lskel/internal/kindtest/net"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/sockets"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/tracing"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestRunXDP(t *testing.T) {
	s := loaded(t, bpf.Open)
	data := packet()
	data[0] = 7
	res, err := s.Progs.Turn.Test(runtime.XDPTest{Data: data, Repeat: 1})
	if err != nil || res.Return != runtime.XDPTx || len(res.Data) != 62 || res.Data[11] != 7 {
		t.Errorf("%v, %x, %v", res.Return, res.Data, err)
	}
	if isBefore("5.15") {
		return // test runs have no context
	}
	// 4 of the 64 bytes are metadata.
	res, err = s.Progs.Count.Test(runtime.XDPTest{Data: packet(), Context: &runtime.XDPContext{Data: 4, DataEnd: 64}})
	if err != nil || res.Return != runtime.XDPPass || s.Bss.Bytes != 60 {
		t.Errorf("%v, %d bytes, %v", res.Return, s.Bss.Bytes, err)
	}
}

func TestRunTC(t *testing.T) {
	s := loaded(t, bpf.Open)
	data := packet()
	data[0], data[13] = 2, 4
	res, err := s.Progs.Change.Test(runtime.SKBTest{Data: data, Context: &runtime.SKBContext{Mark: 100}})
	if err != nil || res.Return != runtime.TCActOK || res.Context.Mark != 164 || res.Data[0] != 4 || res.Data[13] != 2 {
		t.Errorf("%d, mark %d, %x, %v", res.Return, res.Context.Mark, res.Data, err)
	}
}

func TestRunAction(t *testing.T) {
	s := loaded(t, bpf.Open)
	res, err := s.Progs.Act.Test(runtime.SKBTest{Data: packet(), Context: &runtime.SKBContext{Priority: uint32(runtime.TCActStolen)}})
	if err != nil || res.Return != runtime.TCActStolen {
		t.Errorf("%d, %v", res.Return, err)
	}
}

func TestRunLWT(t *testing.T) {
	s := loaded(t, bpf.Open)
	data := packet()
	data[12], data[13], data[14] = 0x08, 0x00, 0x45 // IPv4
	res, err := s.Progs.In.Test(runtime.SKBTest{Data: data})
	if err != nil || res.Return != 50 { // without the Ethernet header
		t.Errorf("%d, %v", res.Return, err)
	}
}

func TestRunSyscall(t *testing.T) {
	before(t, "5.14", "syscall programs")
	s := loaded(t, bpf.Open)
	sum := bpf.Sum{A: 40, B: 2}
	ret, err := runtime.RunSyscall(s.Progs.Add, &sum)
	if err != nil || ret != 1 || sum.Sum != 42 {
		t.Errorf("%d, %+v, %v", ret, sum, err)
	}
}

func TestRunRawTracepoint(t *testing.T) {
	s := loaded(t, tracing.Open)
	res, err := s.Progs.AddArgs.Test(runtime.RawTracepointArgs{40, 2})
	if err != nil || res.Return != 42 {
		t.Errorf("%d, %v", res.Return, err)
	}
}

func TestRunSocketFilter(t *testing.T) {
	s := loaded(t, sockets.Open)
	s.Data.Keep = 50
	res, err := s.Progs.Shorten.Test(runtime.SKBTest{Data: packet()})
	if err != nil || res.Return != 58 {
		t.Errorf("%d, %v", res.Return, err)
	}
}

func TestRunSKLookup(t *testing.T) {
	s := opened(t, sockets.Open)
	s.Rodata.SteeredPort = 443
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	for port, want := range map[uint32]uint32{443: 0, 444: 1} { // the map has no socket: SK_DROP
		ctx := &runtime.SKLookupContext{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, LocalPort: port}
		res, err := s.Progs.Steer.Test(runtime.TestRun[runtime.SKLookupContext]{Context: ctx})
		if err != nil || res.Return != want {
			t.Errorf("port %d: %d, %v", port, res.Return, err)
		}
	}
}

func TestRunFlowDissector(t *testing.T) {
	s := loaded(t, sockets.Open)
	data := packet()
	data[12], data[13], data[14] = 0x08, 0x00, 0x45 // IPv4
	res, err := s.Progs.Dissect.Test(runtime.TestRun[runtime.FlowKeys]{Data: data})
	ok := uint32(0)
	if isBefore("6.0") {
		ok = 1 // whether it was dissected, not the program's result
	}
	if err != nil || res.Return != ok || res.Context.IPProto != unix.IPPROTO_UDP || res.Context.SPort != 1234 || res.Context.NHOff != 14 {
		t.Errorf("%+v, %v", res, err)
	}
}
