//vmtest:6.1,6.12,6.18,7.x

package runtime_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Errors that no kernel here returns by itself are returned by a security module: a BPF program at
// the hook of bpf(2).

// refuseCommand makes the kernel fail a command of bpf(2) with errno, in this process only:
//
//	r6 = *(u64 *)r1
//	r0 = bpf_get_current_pid_tgid() >> 32
//	if r0 != pid goto allow
//	if r6 != cmd goto allow
//	return -errno
//	allow: return 0
func refuseCommand(t *testing.T, cmd sys.Cmd, errno unix.Errno) {
	t.Helper()
	obj := oneProgram(object.Program{
		Type: sys.ProgTypeLSM, ExpectedAttachType: sys.AttachLSMMAC,
		Target: &object.AttachTarget{Name: "bpf_lsm_bpf", Kind: sys.BtfKindFunc},
		Insns: []object.Insn{
			{Op: sys.OpLdx64, Dst: 6, Src: 1},
			{Op: sys.OpCall, Imm: sys.FuncGetCurrentPidTgid},
			{Op: sys.OpRshImm, Imm: 32},
			{Op: sys.OpJne32Imm, Off: 3, Imm: int32(os.Getpid())},
			{Op: sys.OpJne32Imm, Dst: 6, Off: 2, Imm: int32(cmd)},
			{Op: sys.OpMovImm, Imm: -int32(errno)},
			{Op: sys.OpExit},
			{Op: sys.OpMovImm},
			{Op: sys.OpExit},
		},
	})
	s, err := runtime.Load(generate(t, obj), nil)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() { s.Close() })
	l, err := runtime.NewLSMProgram(s.Program(0)).Attach(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
}

func TestHintNoBPF(t *testing.T) {
	guest.Only(t)
	spec := generate(t, oneMap(array))
	refuseCommand(t, sys.CmdMapCreate, unix.ENOSYS)
	wantError(t, loadDirectly(spec), unix.ENOSYS, "create the loader's map", "is built without CONFIG_BPF_SYSCALL")
}

func TestHintRefusedDespiteCapabilities(t *testing.T) {
	guest.Only(t)
	spec := compiled(t, "globals")
	before := settledCensus(t)
	t.Run("", func(t *testing.T) {
		refuseCommand(t, sys.CmdMapFreeze, unix.EPERM)
		wantError(t, loadDirectly(spec), unix.EPERM, "freeze map .rodata", "the process has the capabilities for it: a security module refuses it")
	})
	wantCensus(t, before, "after the refusal")
}
