//vmtest:all

package runtime

import (
	"errors"
	"maps"
	"net"
	"os"
	"slices"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func TestQueueAndStack(t *testing.T) {
	q := NewQueueMap[counter](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeQueue, ValueSize: 16, MaxEntries: 2}))
	s := NewStackMap[counter](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeStack, ValueSize: 16, MaxEntries: 2}))
	if _, err := q.Pop(); !errors.Is(err, ErrKeyNotExist) || err.Error() != "map test: pop: empty" {
		t.Errorf("pop from an empty queue: %v", err)
	}
	if _, err := s.Peek(); !errors.Is(err, ErrKeyNotExist) || !errors.Is(err, unix.ENOENT) {
		t.Errorf("peek into an empty stack: %v", err)
	}
	for i := range uint64(2) {
		if err := errors.Join(q.Push(counter{i, 1}), s.Push(counter{i, 1})); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Push(counter{}); !errors.Is(err, ErrMapFull) {
		t.Errorf("push into a full queue: %v", err)
	}
	if err := s.Push(counter{}); !errors.Is(err, ErrMapFull) {
		t.Errorf("push onto a full stack: %v", err)
	}
	if err := errors.Join(q.PushOver(counter{2, 1}), s.PushOver(counter{2, 1})); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		take func() (counter, error)
		want uint64
	}{{q.Peek, 1}, {q.Pop, 1}, {q.Pop, 2}, {s.Peek, 2}, {s.Pop, 2}, {s.Pop, 1}} {
		if v, err := tt.take(); err != nil || v.Packets != tt.want {
			t.Errorf("got %v, %v, want %d", v, err, tt.want)
		}
	}
}

func TestBloomFilter(t *testing.T) {
	b := NewBloomFilter[uint64](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeBloomFilter, ValueSize: 8, MaxEntries: 100}))
	for i := range uint64(100) {
		if err := b.Add(i); err != nil {
			t.Fatal(err)
		}
	}
	strangers := 0
	for i := range uint64(200) {
		in, err := b.Contains(i)
		if err != nil || (i < 100 && !in) {
			t.Errorf("contains %d: %v, %v", i, in, err)
		}
		if i >= 100 && in {
			strangers++
		}
	}
	if strangers > 50 {
		t.Errorf("%d false positives of 100", strangers)
	}
}

func TestMapsOfMaps(t *testing.T) {
	template := newTestHash[uint32, uint64](t, 8)
	described := spec.InnerSpec{MapSpec: *template.Spec()}
	described.Name = "inner.map"
	type inner = *HashMap[uint32, uint64]

	h := NewHashOfMaps[uint64](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeHashOfMaps, KeySize: 8, ValueSize: 4, MaxEntries: 8, InnerMapFd: uint32(template.FD()),
	}), &described, NewHashMap[uint32, uint64])
	if _, err := h.Lookup(1); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup of a missing key: %v", err)
	}
	made, err := h.NewInner(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	if err := made.Map.Update(7, 49, Any); err != nil {
		t.Error(err)
	}
	if err := errors.Join(h.Update(1, made.Map, NoExist), h.Update(2, template, Any)); err != nil {
		t.Fatal(err)
	}
	got, err := h.Lookup(1)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := got.Map.Lookup(7); err != nil || v != 49 {
		t.Errorf("lookup in the inner map: %v, %v", v, err)
	}
	got.Close()
	if _, err := got.Map.Lookup(7); !errors.Is(err, os.ErrClosed) {
		t.Errorf("lookup in a closed inner map: %v", err)
	}
	ids := maps.Collect(h.Iterate().All())
	if id, err := made.Map.ID(); err != nil || ids[1] != id || len(ids) != 2 {
		t.Errorf("IDs %v, %v", ids, err)
	}
	if err := errors.Join(h.Delete(1), h.Delete(2)); err != nil {
		t.Error(err)
	}

	a := NewArrayOfMaps[inner](newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 100, InnerMapFd: uint32(template.FD()),
	}), &described, NewHashMap[uint32, uint64])
	if err := errors.Join(a.Update(3, made.Map), a.Update(77, template)); err != nil {
		t.Fatal(err)
	}
	got, err = a.Lookup(3)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if v, err := got.Map.Lookup(7); err != nil || v != 49 {
		t.Errorf("lookup in the inner map: %v, %v", v, err)
	}
	if keys := slices.Sorted(maps.Keys(maps.Collect(a.Iterate().All()))); !slices.Equal(keys, []uint32{3, 77}) {
		t.Errorf("indices %v", keys)
	}
	if err := a.Delete(3); err != nil {
		t.Error(err)
	}
	if _, err := a.Lookup(3); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup of an empty index: %v", err)
	}
	if err := a.Update(100, template); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("update past the end: %v", err)
	}
}

func TestProgramArray(t *testing.T) {
	a := NewProgramArray(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}))
	target := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: returning(42)}))
	caller := NewXDPProgram(newTestProgram(t, testProgram{ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP}, insns: asm.Instructions{
		asm.LoadMapPtr(asm.R2, a.FD()),
		asm.Mov.Imm(asm.R3, 2),
		asm.FnTailCall.Call(),
		asm.Mov.Imm(asm.R0, 1),
		asm.Return(),
	}}))
	run := func() XDPAction {
		res, err := caller.Test(XDPTest{Data: make([]byte, 64)})
		if err != nil {
			t.Fatal(err)
		}
		return res.Return
	}
	if r := run(); r != 1 {
		t.Errorf("empty: %d", r)
	}
	if err := a.Update(2, target); err != nil {
		t.Fatal(err)
	}
	if r := run(); r != 42 {
		t.Errorf("with a program: %d", r)
	}
	if id, err := a.LookupID(2); err != nil || id == 0 {
		t.Errorf("ID %d, %v", id, err)
	}
	if err := a.Delete(2); err != nil {
		t.Error(err)
	}
	if err := a.Delete(2); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("delete of an empty index: %v", err)
	}
	if _, err := a.LookupID(2); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup of an empty index: %v", err)
	}
	target.fd.close()
	if err := a.Update(2, target); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed program: %v", err)
	}
}

func tcpPair(t *testing.T) (*net.TCPConn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

func TestSockMaps(t *testing.T) {
	a, b := tcpPair(t)
	s := NewSockMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeSockMap, KeySize: 4, ValueSize: 8, MaxEntries: 4}))
	small := NewSockMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeSockMap, KeySize: 4, ValueSize: 4, MaxEntries: 4}))
	h := NewSockHash[uint64](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeSockHash, KeySize: 8, ValueSize: 8, MaxEntries: 4}))
	if err := errors.Join(s.Update(1, a, Any), small.Update(2, a, Any), h.Update(1<<40, a, NoExist)); err != nil {
		t.Fatal(err)
	}
	var cookie uint64
	if err := withSocket(a, func(num int) (err error) {
		cookie, err = unix.GetsockoptUint64(num, unix.SOL_SOCKET, unix.SO_COOKIE)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if c, err := s.LookupCookie(1); err != nil || c != cookie {
		t.Errorf("cookie in the sockmap: %d, %v, want %d", c, err, cookie)
	}
	if c, err := h.LookupCookie(1 << 40); err != nil || c != cookie {
		t.Errorf("cookie in the sockhash: %d, %v, want %d", c, err, cookie)
	}
	if _, err := h.LookupCookie(1); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("missing key: %v", err)
	}

	// A verdict program sees the data that the socket receives.
	count := newCount(t)
	p := NewSKSKBProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSKSKB, AttachType: sys.AttachSKSKBStreamVerdict}, insns: counting(count, 1),
	}))
	l, err := p.AttachSockMap(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.LookupCookie(1); err != nil {
		t.Error(err)
	}
	// Programs apply to sockets that are inserted afterwards.
	if err := s.Update(0, b, Any); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if n, err := b.Read(buf); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if counted(t, count) != 1 {
		t.Errorf("the program ran %d times", counted(t, count))
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}

	if err := errors.Join(s.Delete(1), small.Delete(2), h.Delete(1<<40)); err != nil {
		t.Error(err)
	}
	if err := s.Delete(1); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("delete of an empty index: %v", err)
	}
	if err := h.Delete(1); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("delete of a missing key: %v", err)
	}
	if err := s.Update(4, a, Any); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("update past the end: %v", err)
	}
}

func TestDevMap(t *testing.T) {
	lo := loopback(t)
	p := NewXDPProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP, AttachType: sys.AttachXDPDevMap}, insns: returning(int32(XDPPass)),
	}))
	for _, kind := range []uint32{sys.MapTypeDevMap, sys.MapTypeDevMapHash} {
		d := NewDevMap(newTestMap(t, sys.MapCreateAttr{MapType: kind, KeySize: 4, ValueSize: 8, MaxEntries: 4}))
		if err := errors.Join(d.Update(1, lo, nil, Any), d.Update(3, lo, &p, Any)); err != nil {
			t.Fatal(err)
		}
		all := maps.Collect(d.Iterate().All())
		if len(all) != 2 || all[1] != (DevMapEntry{1, 0}) || all[3].Ifindex != 1 || all[3].ProgramID == 0 {
			t.Errorf("all: %v", all)
		}
		if err := d.Update(0, 12345, nil, Any); !errors.Is(err, unix.EINVAL) {
			t.Errorf("no such interface: %v", err)
		}
		if err := d.Delete(1); err != nil {
			t.Error(err)
		}
		if _, err := d.Lookup(1); !errors.Is(err, ErrKeyNotExist) {
			t.Errorf("lookup of a deleted entry: %v", err)
		}
	}
	small := NewDevMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeDevMap, KeySize: 4, ValueSize: 4, MaxEntries: 4}))
	if err := small.Update(0, lo, nil, Any); err != nil {
		t.Error(err)
	}
	if err := small.Update(0, lo, &p, Any); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a program in a map without room for it: %v", err)
	}
}

func TestCPUMap(t *testing.T) {
	c := NewCPUMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeCPUMap, KeySize: 4, ValueSize: 8, MaxEntries: 1}))
	p := NewXDPProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeXDP, AttachType: sys.AttachXDPCPUMap}, insns: returning(int32(XDPPass)),
	}))
	if err := c.Update(0, 128, &p); err != nil {
		t.Fatal(err)
	}
	if e, err := c.Lookup(0); err != nil || e.QueueSize != 128 || e.ProgramID == 0 {
		t.Errorf("lookup: %v, %v", e, err)
	}
	if err := c.Delete(0); err != nil {
		t.Error(err)
	}
	if _, err := c.Lookup(0); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup of a deleted entry: %v", err)
	}
}

func TestXSKMap(t *testing.T) {
	x := NewXSKMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeXSKMap, KeySize: 4, ValueSize: 4, MaxEntries: 1}))
	a, _ := tcpPair(t)
	if err := withSocket(a, func(num int) error { return x.Update(0, num, Any) }); !errors.Is(err, unix.EOPNOTSUPP) {
		t.Errorf("a socket that is not an AF_XDP socket: %v", err)
	}
	if err := x.Delete(0); err != nil && !errors.Is(err, ErrKeyNotExist) {
		t.Error(err)
	}
}

func TestStackTraces(t *testing.T) {
	s := NewStackTraceMap(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeStackTrace, KeySize: 4, ValueSize: 127 * 8, MaxEntries: 64}))
	p := NewRawTracepointProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeRawTracepoint},
		insns: asm.Instructions{
			asm.LoadMapPtr(asm.R2, s.FD()),
			asm.Mov.Imm(asm.R3, 0),
			asm.FnGetStackid.Call(),
			asm.Return(),
		},
	}))
	res, err := p.Test(RawTracepointArgs{})
	if err != nil {
		t.Fatal(err)
	}
	id := res.Return
	addrs, err := s.Lookup(id)
	if err != nil || len(addrs) == 0 || slices.Contains(addrs, 0) {
		t.Errorf("stack %d: %x, %v", int32(id), addrs, err)
	}
	if ids, err := s.IDs(); err != nil || !slices.Equal(ids, []uint32{id}) {
		t.Errorf("IDs %v, %v, want %d", ids, err, id)
	}
	if _, err := s.LookupBuildIDs(id); err == nil {
		t.Error("got build IDs from a map of addresses")
	}
	if err := s.Delete(id); err != nil {
		t.Error(err)
	}
	if _, err := s.Lookup(id); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup of a deleted entry: %v", err)
	}

	b := NewStackTraceMap(newTestMap(t, sys.MapCreateAttr{
		MapType: sys.MapTypeStackTrace, KeySize: 4, ValueSize: 32 * 32, MaxEntries: 64, MapFlags: sys.FlagStackBuildID,
	}))
	if sizeOf[BuildID]() != 32 {
		t.Errorf("a build ID has %d bytes", sizeOf[BuildID]())
	}
	if _, err := b.LookupBuildIDs(1); !errors.Is(err, ErrKeyNotExist) {
		t.Errorf("lookup of a missing stack: %v", err)
	}
}

func TestArenaMemory(t *testing.T) {
	m, err := createTestMap(sys.MapCreateAttr{MapType: sys.MapTypeArena, MaxEntries: 4, MapFlags: sys.FlagMmapable})
	sinceOrSkip(t, err, 6, 9, "BPF_MAP_TYPE_ARENA")
	skipWithoutCX16(t, err)
	if err != nil {
		t.Fatal(err)
	}
	defer m.fd.close()
	a := NewArena(m)
	if a.Bytes() != nil {
		t.Error("got memory before the load")
	}
	size := uintptr(4 * os.Getpagesize())
	p, err := unix.MmapPtr(m.FD(), 0, nil, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	m.own().arena = &load.Area{P: p, Size: size}
	mem := a.Bytes()
	if len(mem) != 4*os.Getpagesize() {
		t.Errorf("%d bytes", len(mem))
	}
	mem[8] = 42
	addr := uint64(uintptr(unsafe.Pointer(&mem[8])))
	for _, addr := range []uint64{addr, addr & 0xffffffff} {
		if p, err := ArenaPointer[uint8](a, addr); err != nil || *p != 42 {
			t.Errorf("pointer %#x: %v", addr, err)
		}
	}
	for _, addr := range []uint64{0, addr + 1<<32, addr + uint64(len(mem)), addr - 9} {
		if _, err := ArenaPointer[uint8](a, addr); !errors.Is(err, errNotInArena) {
			t.Errorf("pointer %#x: %v", addr, err)
		}
	}
	m.unmapArena()
	if _, err := ArenaPointer[uint8](a, addr); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
