//vmtest:all

package runtime

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

func TestCgroupPrograms(t *testing.T) {
	dir := testfs.Cgroup2(t)
	count := newCount(t)
	for _, at := range []uint64{0, 1 << 32} {
		p := NewCgroupProgram(newTestProgram(t, testProgram{
			ProgramSpec: ProgramSpec{Type: sys.ProgTypeCgroupSock, AttachType: sys.AttachCgroupInetSockCreate}, insns: counting(count, 1),
		}))
		var l *Link
		var err error
		if at == 0 {
			l, err = p.AttachCgroup(dir, nil)
		} else {
			f, _ := os.Open(dir)
			l, err = p.AttachCgroupFD(int(f.Fd()), nil)
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		before := counted(t, count)
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(s)
		if counted(t, count) == before {
			t.Error("the program did not run")
		}
		if info, err := l.Info(); err != nil || info.Type != LinkCgroup || info.CgroupID == 0 || info.AttachType != sys.AttachCgroupInetSockCreate {
			t.Errorf("info: %+v, %v", info, err)
		}
		l.Close()
	}

	p := NewCgroupSKBProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeCgroupSKB, AttachType: sys.AttachCgroupInetEgress}, insns: returning(1),
	}))
	packet := make([]byte, 64)
	packet[12], packet[13], packet[14] = 8, 0, 0x45 // IPv4
	if res, err := p.Test(SKBTest{Data: packet}); err != nil || res.Return != 1 {
		t.Errorf("test run: %+v, %v", res, err)
	}
	if _, err := p.AttachCgroup(t.TempDir(), nil); !errors.Is(err, unix.EBADF) {
		t.Errorf("a directory that is not a cgroup: %v", err)
	}
	if _, err := p.AttachCgroup("/nonexistent", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}

	a := NewCgroupArray(newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeCgroupArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}))
	if err := a.Update(0, dir); err != nil {
		t.Error(err)
	}
	if err := a.Delete(0); err != nil {
		t.Error(err)
	}
}

func TestCgroupStorage(t *testing.T) {
	dir := testfs.Cgroup2(t)
	m := newTestMap(t, sys.MapCreateAttr{MapType: sys.MapTypeCgroupStorage, KeySize: 16, ValueSize: 8})
	s := NewCgroupStorage[CgroupStorageKey, uint64](m)
	p := NewCgroupSKBProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeCgroupSKB, AttachType: sys.AttachCgroupInetEgress},
		insns: asm.Instructions{
			asm.LoadMapPtr(asm.R1, m.FD()),
			asm.Mov.Imm(asm.R2, 0),
			asm.FnGetLocalStorage.Call(),
			asm.Mov.Imm(asm.R0, 1),
			asm.Return(),
		},
	}))
	for range s.Iterate().All() {
		t.Error("got a value without an attachment")
	}
	l, err := p.AttachCgroup(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := 0
	it := s.Iterate()
	for k := range it.All() {
		n++
		if k.AttachType != sys.AttachCgroupInetEgress || k.CgroupInode == 0 {
			t.Errorf("key %+v", k)
		}
		if err := s.Update(k, 99, Exist); err != nil {
			t.Error(err)
		}
		if v, err := s.Lookup(k); err != nil || v != 99 {
			t.Errorf("lookup: %v, %v", v, err)
		}
	}
	if n != 1 || it.Err() != nil {
		t.Errorf("%d values, %v", n, it.Err())
	}
}
