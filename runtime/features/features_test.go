//vmtest:all

package features

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	other "github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
}

// agree compares an answer with that of another library.
func agree(t *testing.T, what string, ours, theirs error) {
	t.Helper()
	if theirs != nil && !errors.Is(theirs, ebpf.ErrNotSupported) {
		t.Logf("%s: the other library cannot tell: %v; here: %v", what, theirs, ours)
		return
	}
	switch {
	case ours != nil && !errors.Is(ours, errors.ErrUnsupported):
		t.Errorf("%s: %v, the other library says %v", what, ours, theirs)
	case (ours == nil) != (theirs == nil):
		t.Errorf("%s: %v, the other library says %v", what, ours, theirs)
	}
}

func TestMapType(t *testing.T) {
	needRoot(t)
	for typ := range uint32(sys.MapTypeArena) {
		agree(t, ebpf.MapType(typ+1).String(), MapType(typ+1), other.HaveMapType(ebpf.MapType(typ+1)))
	}
	for _, typ := range []uint32{sys.MapTypeInsnArray, sys.MapTypeRHash} {
		since := map[uint32]sys.Version{sys.MapTypeInsnArray: {6, 19}, sys.MapTypeRHash: {7, 2}}[typ]
		old := sys.ParseVersion(sys.Release()).Before(since)
		if err := MapType(typ); old && !errors.Is(err, errors.ErrUnsupported) || !old && err != nil {
			t.Errorf("type %d: %v", typ, err)
		}
	}
	if err := MapType(999); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "does not support map type 999") {
		t.Errorf("type 999: %v", err)
	}
	if err := MapType(sys.MapTypeArena); err != nil && !strings.Contains(err.Error(), "BPF_MAP_TYPE_ARENA needs Linux 6.9, this is ") &&
		sys.ParseVersion(sys.Release()).Before(sys.Version{6, 9}) {
		t.Errorf("arena: %v", err)
	}
}

func TestProgramType(t *testing.T) {
	needRoot(t)
	for typ := range uint32(sys.ProgTypeNetfilter) {
		agree(t, ebpf.ProgramType(typ+1).String(), ProgramType(typ+1), other.HaveProgramType(ebpf.ProgramType(typ+1)))
	}
	if err := ProgramType(999); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("type 999: %v", err)
	}
}

func TestHelper(t *testing.T) {
	needRoot(t)
	for _, typ := range []ebpf.ProgramType{ebpf.XDP, ebpf.Kprobe, ebpf.SchedCLS, ebpf.CGroupSockAddr, ebpf.Syscall} {
		for _, id := range []asm.BuiltinFunc{
			asm.FnMapLookupElem, asm.FnXdpAdjustHead, asm.FnGetCurrentTask, asm.FnRingbufOutput, asm.FnSkbLoadBytes, asm.FnSysBpf,
			asm.FnGetAttachCookie, asm.FnLoop, asm.FnDynptrData, asm.FnUserRingbufDrain, asm.FnCgrpStorageGet, asm.FnBind,
		} {
			agree(t, typ.String()+" "+id.String(), Helper(uint32(typ), uint32(id)), other.HaveProgramHelper(typ, id))
		}
	}
	if err := Helper(sys.ProgTypeTracing, uint32(asm.FnMapLookupElem)); err != nil {
		t.Errorf("a helper of all program types: %v", err)
	}
	for _, typ := range []uint32{sys.ProgTypeXDP, sys.ProgTypeTracing} {
		if err := Helper(typ, 9999); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("helper 9999 for type %d: %v", typ, err)
		}
	}
}

func TestSupports(t *testing.T) {
	needRoot(t)
	linux := sys.ParseVersion(sys.Release())
	for f, since := range map[Feature]sys.Version{
		RingBuf: {5, 8}, UserRingBuf: {6, 1}, Arena: {6, 9}, BPFCookie: {5, 15}, KprobeMulti: {5, 18}, KprobeSession: {6, 10},
		UprobeMulti: {6, 6}, TracingMulti: {7, 2}, TCX: {6, 6}, Netkit: {6, 7}, Netfilter: {6, 4}, Token: {6, 9}, KernelCORE: {5, 17},
	} {
		err := Supports(f)
		switch {
		case linux.Before(since):
			if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "needs Linux "+since.String()) {
				t.Errorf("%s on an older kernel: %v", f, err)
			}
		case guest.Key() == "7.x-arm64" && f == TracingMulti, guest.Key() == "6.12-s390x", guest.Key() == "6.1" && f == KprobeMulti: // built without some of them
			if err != nil && !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", f, err)
			}
		case guest.In() && f != Netkit && err != nil:
			t.Errorf("%s, which this kernel has: %v", f, err)
		case err != nil && !errors.Is(err, errors.ErrUnsupported):
			t.Errorf("%s: %v", f, err)
		}
		if again := Supports(f); again != err {
			t.Errorf("%s: another answer the second time: %v", f, again)
		}
	}
	for f, theirs := range map[Feature]error{KprobeMulti: other.HaveBPFLinkKprobeMulti(), UprobeMulti: other.HaveBPFLinkUprobeMulti(), KprobeSession: other.HaveBPFLinkKprobeSession()} {
		agree(t, f.String(), Supports(f), theirs)
	}
	if err := Supports(LSM); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrNotExist) &&
		(guest.In() || !errors.Is(err, unix.EPERM)) {
		t.Errorf("LSM: %v", err)
	}
	if err := Supports(200); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an unknown feature: %v", err)
	}
}

// Concurrent calls are safe.
func TestConcurrently(t *testing.T) {
	needRoot(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := Supports(RingBuf); err != nil {
				t.Error(err)
			}
			if err := MapType(998); !errors.Is(err, errors.ErrUnsupported) {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// Without the privilege to ask there is no answer, and none is cached.
func TestNotAllowed(t *testing.T) {
	q := question{mapType, 12345, 0}
	refused := &cannotTell{"x", unix.EPERM}
	if err := answer(q, func() error { return refused }); err != error(refused) || !errors.Is(err, unix.EPERM) {
		t.Errorf("refused: %v", err)
	}
	if err := answer(q, func() error { return nil }); err != nil {
		t.Errorf("with the privilege: %v", err)
	}
	if err := answer(q, func() error { return refused }); err != nil {
		t.Errorf("the answer was not kept: %v", err)
	}
}

// Answers use the kernel's names, also for unknown numbers.
func TestNames(t *testing.T) {
	needRoot(t)
	for err, want := range map[error]string{
		Helper(sys.ProgTypeXDP, 9999):                                "does not support helper 9999",
		Helper(sys.ProgTypeSocketFilter, 166):                        "does not support helper 166 for programs of BPF_PROG_TYPE_SOCKET_FILTER",
		&cannotTell{sys.MapTypeSymbol(sys.MapTypeArena), unix.EPERM}: "cannot find out whether this kernel supports BPF_MAP_TYPE_ARENA: operation not permitted",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
