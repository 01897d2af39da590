//vmtest:all

package runtime

import (
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// act makes the system call that the programs wait for.
func act() { _, _ = unix.Getpgid(os.Getpid()) }

func TestAttachRawTracepoint(t *testing.T) {
	count := newCount(t)
	p := NewRawTracepointProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeRawTracepoint, Section: "raw_tp/sys_enter", AttachTo: "sys_enter"},
		insns:       counting(count, 0),
	}))
	l, err := p.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	act()
	if counted(t, count) == 0 {
		t.Error("the program did not run")
	}
	if info, err := l.Info(); err != nil || info.Type != LinkRawTracepoint {
		t.Errorf("info: %+v, %v", info, err)
	}
	if err := l.Update(p); !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("update of a link without that operation: %v", err)
	}
	l.Close()
	before := counted(t, count)
	act()
	if counted(t, count) != before {
		t.Error("the program runs after Close")
	}
	_, err = p.AttachRawTracepoint("no_such_tracepoint", nil)
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "raw tracepoint no_such_tracepoint") {
		t.Errorf("no such tracepoint: %v", err)
	}
}

func TestRawTracepointTestRun(t *testing.T) {
	p := NewRawTracepointProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeRawTracepoint},
		insns: asm.Instructions{
			asm.LoadMem(asm.R0, asm.R1, 8, asm.DWord),
			asm.Return(),
		},
	}))
	res, err := p.Test(RawTracepointArgs{1, 42})
	if err != nil || res.Return != 42 {
		t.Errorf("return %d, %v", res.Return, err)
	}
}

func TestAttachTPBTF(t *testing.T) {
	count := newCount(t)
	p := NewTracingProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeTracing, AttachType: sys.AttachTraceRawTP, Section: "tp_btf/sys_enter", AttachTo: "sys_enter"},
		btfID:       targetID[*btf.Typedef](t, "btf_trace_sys_enter"),
		insns:       counting(count, 0),
	}))
	l, err := p.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	act()
	if counted(t, count) == 0 {
		t.Error("the program did not run")
	}
	if info, err := l.Info(); err != nil || info.Type != LinkRawTracepoint {
		t.Errorf("info: %+v, %v", info, err)
	}
}

// newTracing loads a program for a kernel function, if the kernel can trace functions.
func newTracing(t *testing.T, typ, attachType uint32, target string, insns asm.Instructions) *Program {
	t.Helper()
	p, log, err := loadTestProgram(testProgram{
		ProgramSpec: ProgramSpec{Type: typ, AttachType: attachType, Section: target, AttachTo: target},
		btfID:       targetID[*btf.Func](t, target),
		insns:       insns,
	})
	skipWithoutTrampolines(t, err)
	if err != nil {
		t.Fatalf("load: %v\n%s", err, log)
	}
	t.Cleanup(p.fd.close)
	return p
}

func TestAttachFentryAndFexit(t *testing.T) {
	for _, attachType := range []uint32{sys.AttachTraceFentry, sys.AttachTraceFexit} {
		count := newCount(t)
		p := NewTracingProgram(newTracing(t, sys.ProgTypeTracing, attachType, "do_nanosleep", counting(count, 0)))
		l, err := p.Attach(nil)
		skipWithoutTrampolines(t, err)
		if err != nil {
			t.Fatal(err)
		}
		nap()
		if counted(t, count) == 0 {
			t.Error("the program did not run")
		}
		l.Close()

		l, err = p.Attach(&TracingOptions{Cookie: 7})
		if err != nil {
			t.Errorf("cookie: %v", err)
			continue
		}
		before := counted(t, count)
		nap()
		if counted(t, count) == before {
			t.Error("the program with a cookie did not run")
		}
		l.Close()
	}
}

func nap() { _ = unix.Nanosleep(&unix.Timespec{Nsec: 5_000_000}, nil) }

// skipWithoutTrampolines skips a test if the kernel cannot attach programs to functions, even for
// root.
func skipWithoutTrampolines(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, unix.EPERM) && os.Getuid() == 0 {
		t.Skipf("not on this kernel: no programs at functions: %v", err)
	}
	skipWithoutJIT(t, err)
}

// skipWithoutJIT skips a test if the kernel has refused and was built without CONFIG_BPF_JIT. Such
// kernels support neither trampolines (bpf_trampoline_get is NULL) nor callbacks.
func skipWithoutJIT(t *testing.T, err error) {
	t.Helper()
	if _, no := os.Stat("/proc/sys/net/core/bpf_jit_enable"); err != nil && errors.Is(no, os.ErrNotExist) {
		t.Skipf("not on this kernel: no JIT compiler: %v", err)
	}
}

// skipWithoutBPFLSM skips a test if the kernel was built without CONFIG_BPF_LSM.
func skipWithoutBPFLSM(t *testing.T) {
	t.Helper()
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var f *btf.Func
	if err := spec.TypeByName("bpf_lsm_file_open", &f); err != nil {
		t.Skipf("not on this kernel: no BPF LSM: %v", err)
	}
}

func TestAttachLSM(t *testing.T) {
	skipWithoutBPFLSM(t)
	count := newCount(t)
	p := NewLSMProgram(newTracing(t, sys.ProgTypeLSM, sys.AttachLSMMAC, "bpf_lsm_task_getpgid", counting(count, 0)))
	l, err := p.Attach(nil)
	skipWithoutTrampolines(t, err)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	act()
	lsm, err := os.ReadFile(testfs.Security(t) + "/lsm")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(lsm), "bpf") {
		t.Skipf("not on this kernel: BPF is not among the security modules in use: %s", lsm)
	}
	if counted(t, count) == 0 {
		t.Error("the program did not run")
	}
}

// ownTraceFS mounts a tracefs for the test if the machine has none.
func ownTraceFS(t *testing.T) {
	t.Helper()
	before := traceFS
	traceFS = []string{testfs.Trace(t)}
	t.Cleanup(func() { traceFS = before })
}

func TestAttachTracepoint(t *testing.T) {
	count := newCount(t)
	p := NewTracepointProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeTracepoint, Section: "tp/sched/sched_switch", AttachTo: "sched/sched_switch"},
		insns:       counting(count, 0),
	}))
	ownTraceFS(t)
	l, err := p.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	nap()
	if counted(t, count) == 0 {
		t.Error("the program did not run")
	}
	if info, err := l.Info(); err != nil || info.Type != LinkPerfEvent {
		t.Errorf("info: %+v, %v", info, err)
	}
	l.Close()
	before := counted(t, count)
	nap()
	if n := counted(t, count); n != before {
		t.Errorf("the program runs after Close: %d times, then %d", before, n)
	}

	if _, err := p.AttachTracepoint("sched", "no_such_tracepoint", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such tracepoint: %v", err)
	}
	if _, err := p.AttachTracepoint("sched", "../sched", nil); err == nil {
		t.Error("a path was accepted as a tracepoint")
	}
	traceFS = []string{t.TempDir()}
	if _, err := p.Attach(nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "tracefs is not mounted") {
		t.Errorf("without tracefs: %v", err)
	}
}

func TestAttachPerfEvent(t *testing.T) {
	// The event is attached to the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	count := newCount(t)
	p := NewPerfEventProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypePerfEvent}, insns: counting(count, 0),
	}))
	event, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CONTEXT_SWITCHES, Sample: 1,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	l, err := p.AttachPerfEvent(event, nil)
	unix.Close(event)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 100 { // on a slow machine, the sleep may end before the switch
		if nap(); counted(t, count) > 0 {
			return
		}
	}
	t.Error("the program did not run")
}

func TestIter(t *testing.T) {
	// The program writes 8 bytes for each map.
	p := NewIterProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeTracing, AttachType: sys.AttachTraceIter, Section: "iter/bpf_map", AttachTo: "bpf_map"},
		btfID:       targetID[*btf.Func](t, "bpf_iter_bpf_map"),
		insns: asm.Instructions{
			asm.LoadMem(asm.R3, asm.R1, 0, asm.DWord), // ctx->meta
			asm.LoadMem(asm.R1, asm.R3, 0, asm.DWord), // meta->seq
			asm.Mov.Imm(asm.R2, '.'),
			asm.StoreMem(asm.RFP, -8, asm.R2, asm.DWord),
			asm.Mov.Reg(asm.R2, asm.RFP),
			asm.Add.Imm(asm.R2, -8),
			asm.Mov.Imm(asm.R3, 8),
			asm.FnSeqWrite.Call(),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	}))
	newCount(t) // at least one map
	r, err := p.Open(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || len(got) == 0 || len(got)%8 != 0 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	l, err := p.Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		f, err := OpenIter(l)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || len(got) == 0 {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		f.Close()
	}
	l.Close()
	if _, err := OpenIter(l); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestMapIter(t *testing.T) {
	count := newCount(t)
	p := NewIterProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeTracing, AttachType: sys.AttachTraceIter, Section: "iter/bpf_map_elem", AttachTo: "bpf_map_elem"},
		btfID:       targetID[*btf.Func](t, "bpf_iter_bpf_map_elem"),
		insns:       counting(count, 0),
	}))
	h := newTestHash[uint32, uint32](t, 8)
	for i := range uint32(5) {
		if err := h.Update(i, i, Any); err != nil {
			t.Fatal(err)
		}
	}
	r, err := p.Open(&IterOptions{Map: h})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	if n := counted(t, count); n != 6 { // and once at the end
		t.Errorf("%d calls", n)
	}
}

func TestRunSyscall(t *testing.T) {
	// return ctx->a + ctx->b++
	p := NewSyscallProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable},
		insns: asm.Instructions{
			asm.LoadMem(asm.R0, asm.R1, 0, asm.Word),
			asm.LoadMem(asm.R2, asm.R1, 4, asm.Word),
			asm.Add.Reg(asm.R0, asm.R2),
			asm.Add.Imm(asm.R2, 1),
			asm.StoreMem(asm.R1, 4, asm.R2, asm.Word),
			asm.Return(),
		},
	}))
	ctx := struct{ A, B uint32 }{40, 2}
	ret, err := RunSyscall(p, &ctx)
	if err != nil || ret != 42 || ctx.B != 3 {
		t.Errorf("return %d, b %d, %v", ret, ctx.B, err)
	}
	p = NewSyscallProgram(newTestProgram(t, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable}, insns: returning(9),
	}))
	if ret, err := p.Run(); err != nil || ret != 9 {
		t.Errorf("without a context: %d, %v", ret, err)
	}
}

// The layouts of contexts for test runs match the kernel's.
func TestContextSizes(t *testing.T) {
	for name, sizes := range map[string][2]uint64{
		"xdp_md":        {sizeOf[XDPContext](), 24},
		"__sk_buff":     {sizeOf[SKBContext](), 192},
		"bpf_sk_lookup": {sizeOf[SKLookupContext](), 72},
		"bpf_flow_keys": {sizeOf[FlowKeys](), 56},
		"link_create":   {sizeOf[sys.LinkCreateAttr](), 64},
	} {
		if sizes[0] != sizes[1] {
			t.Errorf("%s has %d bytes here, %d in the kernel", name, sizes[0], sizes[1])
		}
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]uint64{
		"xdp_md": sizeOf[XDPContext](), "bpf_sk_lookup": sizeOf[SKLookupContext](), "bpf_flow_keys": sizeOf[FlowKeys](),
		"__sk_buff": sizeOf[SKBContext](),
	} {
		var s *btf.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			continue // not in every kernel's BTF
		}
		if uint64(s.Size) != size {
			t.Errorf("%s has %d bytes here, %d in this kernel", name, size, s.Size)
		}
	}
}
