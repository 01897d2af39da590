//vmtest:all

package runtime

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"runtime"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// testProgram is a program to load. Attaching uses the rest of the ProgramSpec.
type testProgram struct {
	ProgramSpec
	insns asm.Instructions
	btfID uint32
}

// newTestProgram loads a program without a loader.
func newTestProgram(t testing.TB, tp testProgram) *Program {
	t.Helper()
	p, log, err := loadTestProgram(tp)
	if errors.Is(err, unix.EPERM) && os.Getuid() != 0 {
		t.Skip("needs CAP_BPF")
	}
	if err != nil {
		t.Fatalf("load program: %v\n%s", err, log)
	}
	t.Cleanup(p.fd.close)
	return p
}

func loadTestProgram(tp testProgram) (*Program, string, error) {
	if tp.Name == "" {
		tp.Name = "test"
	}
	var code bytes.Buffer
	order := binary.ByteOrder(binary.LittleEndian)
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		order = binary.BigEndian
	}
	if err := tp.insns.Marshal(&code, order); err != nil {
		return nil, "", err
	}
	insns, license, log := code.Bytes(), []byte("GPL\x00"), make([]byte, 1<<16)
	attr := sys.ProgLoadAttr{
		ProgType: tp.Type, ExpectedAttachType: tp.AttachType, ProgFlags: tp.Flags, AttachBtfId: tp.btfID,
		InsnCnt: uint32(len(insns) / 8), Insns: sys.Addr(unsafe.Pointer(&insns[0])),
		License:  sys.Addr(unsafe.Pointer(&license[0])),
		LogLevel: 1, LogSize: uint32(len(log)), LogBuf: sys.Addr(unsafe.Pointer(&log[0])),
	}
	copy(attr.ProgName[:15], tp.Name)
	num, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.FdArray))
	for range 100 {
		if errno != unix.EAGAIN { // the thread got a signal, such as Go's own
			break
		}
		num, errno = sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.FdArray))
	}
	runtime.KeepAlive(insns)
	runtime.KeepAlive(license)
	if errno != 0 {
		return nil, unix.ByteSliceToString(log), errno
	}
	p := &Program{spec: &tp.ProgramSpec}
	p.fd.set(num)
	return p, "", nil
}

// returning returns a program that returns a number.
func returning(n int32) asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, n), asm.Return()}
}

// newCount returns a counter for programs from counting.
func newCount(t testing.TB) *ArrayMap[uint64] {
	t.Helper()
	return NewArrayMap[uint64](newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}))
}

// counting returns a program that adds 1 to a counter and returns a number.
func counting(count *ArrayMap[uint64], ret int32) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, count.FD(), 0),
		asm.Mov.Imm(asm.R2, 1),
		asm.AddAtomic.Mem(asm.R1, asm.R2, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, ret),
		asm.Return(),
	}
}

func counted(t testing.TB, count *ArrayMap[uint64]) uint64 {
	t.Helper()
	n, err := count.Lookup(0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// targetID returns the BTF ID of a kernel function or type.
func targetID[T btf.Type](t testing.TB, name string) uint32 {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var typ T
	if err := spec.TypeByName(name, &typ); err != nil {
		t.Fatal(err)
	}
	id, err := spec.TypeID(typ)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(id)
}

// loopback moves the test to a new network namespace and returns the index of its loopback
// interface, which is up.
func loopback(t *testing.T) int {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	// Never unlocked: the thread ends with the test.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatal(err)
	}
	return 1
}

// ping sends a packet over the loopback interface and reports whether it arrived.
func ping(t *testing.T) bool {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.WriteTo([]byte("hello"), c.LocalAddr()); err != nil {
		if errors.Is(err, unix.EPERM) {
			return false
		}
		t.Fatal(err)
	}
	// Loopback packets arrive during the send.
	raw, err := c.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	if err := raw.Read(func(num uintptr) bool {
		got, _, err = unix.Recvfrom(int(num), make([]byte, 16), unix.MSG_DONTWAIT)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	return err == nil && got == 5
}

func sizeOf[T any]() uint64 {
	var t T
	return uint64(unsafe.Sizeof(t))
}

// funcPC returns the address of a function's first instruction.
func funcPC(f func(int) int) uintptr { return **(**uintptr)(unsafe.Pointer(&f)) }
