//vmtest:all

package runtime_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/impl"
)

// Hints for loads that the kernel refuses because of the caller. Those that need an older kernel
// are in hints_vm_test.go.

// wantError checks the first line of an error and the errno that it wraps.
func wantError(t *testing.T, err error, errno unix.Errno, parts ...string) {
	t.Helper()
	var failure *runtime.LoadError
	if !errors.As(err, &failure) || !errors.Is(err, errno) {
		t.Fatalf("got %v, want a LoadError with %v", err, errno)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in: %+v", part, err)
		}
	}
}

// asThread loads on a thread that prepare has changed. The thread ends afterwards.
func asThread(t *testing.T, spec *runtime.Spec, prepare func() error) error {
	t.Helper()
	result := make(chan error)
	go func() {
		goruntime.LockOSThread() // never unlocked: see inNewNetns
		if err := prepare(); err != nil {
			result <- fmt.Errorf("prepare: %w", err)
			return
		}
		result <- loadDirectly(spec)
	}()
	return <-result
}

// keepCaps leaves the thread with only these capabilities.
func keepCaps(caps ...int) func() error {
	return func() error {
		hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		for _, c := range caps {
			data[c/32].Effective |= 1 << (c % 32)
			data[c/32].Permitted |= 1 << (c % 32)
		}
		return unix.Capset(&hdr, &data[0])
	}
}

func TestHintNoPermission(t *testing.T) {
	minimal := generate(t, oneMap(array))
	network := generate(t, oneProgram(returnsZero))
	devmap := generate(t, oneMap(object.Map{Type: sys.MapTypeDevMap, KeySize: 4, ValueSize: 4, MaxEntries: 1}))
	for _, tt := range []struct {
		name  string
		spec  *runtime.Spec
		caps  []int
		parts []string
	}{
		{"none", minimal, nil, []string{"lacks CAP_BPF and CAP_PERFMON"}},
		{"CAP_NET_ADMIN only", minimal, []int{unix.CAP_NET_ADMIN}, []string{"lacks CAP_BPF and CAP_PERFMON"}},
		{"no CAP_PERFMON", minimal, []int{unix.CAP_BPF}, []string{"load the loader program", "lacks CAP_PERFMON"}},
		{"no CAP_NET_ADMIN, program", network, []int{unix.CAP_BPF, unix.CAP_PERFMON}, []string{"load program prog", "lacks CAP_NET_ADMIN"}},
		{"no CAP_NET_ADMIN, map", devmap, []int{unix.CAP_BPF, unix.CAP_PERFMON}, []string{"create map m", "lacks CAP_NET_ADMIN"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := asThread(t, tt.spec, keepCaps(tt.caps...))
			var failure *runtime.LoadError
			if !errors.As(err, &failure) {
				t.Fatalf("got %v", err)
			}
			wantError(t, err, failure.Errno, tt.parts...)
		})
	}
	// These two are enough for everything else.
	if err := asThread(t, minimal, keepCaps(unix.CAP_BPF, unix.CAP_PERFMON)); err != nil {
		t.Errorf("with CAP_BPF and CAP_PERFMON: %+v", err)
	}
}

func TestHintUnprivilegedBPFDisabled(t *testing.T) {
	const file = "/proc/sys/kernel/unprivileged_bpf_disabled"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	value := strings.TrimSpace(string(text))
	if value == "0" {
		t.Fatalf("%s is 0: nothing to test", file)
	}
	err = asThread(t, generate(t, oneMap(array)), keepCaps())
	wantError(t, err, unix.EPERM, "kernel.unprivileged_bpf_disabled is "+value, "always needs CAP_BPF")
}

func TestHintKernelAddressesHidden(t *testing.T) {
	obj := oneProgram(object.Program{
		Insns:      []object.Insn{{Op: sys.OpLdImm64, Dst: 1}, {}, {Op: sys.OpMovImm}, {Op: sys.OpExit}},
		ExternRefs: []object.ExternRef{{Insn: 0, Extern: 0}},
	})
	obj.Externs = []*object.Extern{{Name: "bpf_prog_put", Kind: object.KsymAddr}}
	const file = "/proc/sys/kernel/kptr_restrict"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.WriteFile(file, old, 0) }()
	err = asThread(t, generate(t, obj), keepCaps(unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_NET_ADMIN))
	wantError(t, err, unix.EPERM, "find ksym address bpf_prog_put", "kernel.kptr_restrict is 1")
}

// refuseBPF makes bpf(2) fail on the calling thread, as a container's seccomp profile does.
func refuseBPF(errno unix.Errno) func() error {
	return func() error {
		const nr = 0 // offset in struct seccomp_data
		filter := []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: nr},
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_BPF},
			{Code: unix.BPF_RET | unix.BPF_K, K: 0x00050000 | uint32(errno)}, // SECCOMP_RET_ERRNO
			{Code: unix.BPF_RET | unix.BPF_K, K: 0x7fff0000},                 // SECCOMP_RET_ALLOW
		}
		prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
		return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
	}
}

func TestHintSeccomp(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EPERM, unix.ENOSYS} {
		err := asThread(t, generate(t, oneMap(array)), refuseBPF(errno))
		wantError(t, err, errno, "create the loader's map", "a seccomp filter of this process")
	}
}

// child runs one of the cases below in a child process and returns the error of its load.
func child(t *testing.T, what string, attr *syscall.SysProcAttr) string {
	t.Helper()
	said, err := tryChild(what, attr)
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func tryChild(what string, attr *syscall.SysProcAttr) (string, error) {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), "BPF2LSKEL_TEST_CHILD="+what)
	cmd.SysProcAttr = attr
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("child: %w\n%s%s", err, out, complaint.String())
	}
	_, said, ok := strings.Cut(string(out), "child: ")
	if !ok {
		return "", fmt.Errorf("child: %s", out)
	}
	said, _, _ = strings.Cut(said, "\n")
	return said, nil
}

func TestChild(t *testing.T) {
	what := os.Getenv("BPF2LSKEL_TEST_CHILD")
	prepare := map[string]func() error{
		"":          nil,
		"namespace": func() error { return nil },
		"memlock": func() error {
			if err := unix.Mlockall(unix.MCL_FUTURE | unix.MCL_ONFAULT); err != nil {
				return err
			}
			limit := unix.Rlimit{Cur: 0, Max: 0}
			if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
				return err
			}
			return keepCaps(unix.CAP_BPF, unix.CAP_PERFMON)()
		},
	}[what]
	if prepare == nil {
		return // not a child
	}
	spec := generate(t, oneMap(array))
	goruntime.LockOSThread()
	if err := prepare(); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("child: %v\n", loadDirectly(spec))
	os.Stdout.Close()
	unix.Exit(0)
}

func TestHintUserNamespace(t *testing.T) {
	said := child(t, "namespace", &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{Size: 1}},
	})
	if want := "operation not permitted (CAP_BPF and CAP_PERFMON in a user namespace do not count"; !strings.Contains(said, want) {
		t.Errorf("got %s", said)
	}
}

func TestHintTargetNotFound(t *testing.T) {
	for _, tt := range []struct {
		target object.AttachTarget
		parts  []string
	}{
		{object.AttachTarget{Name: "no_such_function", Kind: sys.BtfKindFunc}, []string{"this kernel has no function no_such_function", "it may be inlined"}},
		{object.AttachTarget{Name: "btf_trace_no_such", Kind: sys.BtfKindTypedef}, []string{"this kernel has no tracepoint no_such", "available_events"}},
		{object.AttachTarget{Name: "bpf_lsm_no_such", Kind: sys.BtfKindFunc}, []string{"this kernel has no LSM hook no_such", "CONFIG_BPF_LSM"}},
		{object.AttachTarget{Name: "bpf_iter_no_such", Kind: sys.BtfKindFunc}, []string{"this kernel has no iterator for no_such"}},
		{object.AttachTarget{Name: "f", Kind: sys.BtfKindFunc, Module: "no_such"}, []string{"function f in module no_such", "modprobe no_such"}},
	} {
		obj := oneProgram(returnsZero)
		obj.Programs[0].Target = &tt.target
		wantError(t, loadDirectly(generate(t, obj)), unix.ENOENT, append(tt.parts, "find attach target "+tt.target.Name)...)
	}
}

// withExtern returns a program that calls a kfunc or loads the address of a symbol.
func withExtern(e object.Extern) *object.Object {
	insns := []object.Insn{{Op: sys.OpCall, Src: sys.PseudoKfuncCall}, {}, {Op: sys.OpMovImm}, {Op: sys.OpExit}}
	insns[1] = object.Insn{Op: sys.OpMovImm, Dst: 1}
	if e.Kind != object.Kfunc {
		insns[0], insns[1] = object.Insn{Op: sys.OpLdImm64, Dst: 1}, object.Insn{}
	}
	obj := oneProgram(object.Program{Insns: insns, ExternRefs: []object.ExternRef{{Insn: 0, Extern: 0}}})
	e.KernelName = e.Name
	obj.Externs = []*object.Extern{&e}
	return obj
}

func TestHintExternNotFound(t *testing.T) {
	for _, tt := range []struct {
		ext   object.Extern
		errno unix.Errno
		parts []string
	}{
		{object.Extern{Name: "no_such", Kind: object.Kfunc}, unix.ENOENT, []string{
			"find kfunc no_such", "nor a loaded module has this function", "load the module",
		}},
		{object.Extern{Name: "no_such", Kind: object.KsymVar}, unix.ENOENT, []string{"find ksym no_such", "has this variable"}},
		{object.Extern{Name: "no_such", Kind: object.KsymAddr}, unix.ENOENT, []string{"find ksym address no_such", "has this symbol"}},
		// A missing weak kfunc is not an error, but calling it is.
		{object.Extern{Name: "no_such", Kind: object.Kfunc, Weak: true}, unix.EINVAL, []string{
			"load program prog", "weak kfunc that this kernel lacks, without checking for it: no_such",
		}},
	} {
		if _, err := os.Stat("/proc/sys/net/core/bpf_jit_enable"); err != nil && tt.ext.Weak {
			continue // no JIT, no calls of kfuncs: see hints_jit_test.go
		}
		wantError(t, loadDirectly(generate(t, withExtern(tt.ext))), tt.errno, tt.parts...)
	}
}

func TestHintHelper(t *testing.T) {
	// bpf_skb_load_bytes is not available to tracepoints.
	p := calling(26)
	p.Type = sys.ProgTypeTracepoint
	wantError(t, loadDirectly(generate(t, oneProgram(p))), unix.EINVAL, "does not allow bpf_skb_load_bytes in programs of section tc")

	// bpf_ktime_get_ns is available under any license, bpf_trace_printk is not.
	obj := oneProgram(calling(6))
	obj.License = "Proprietary"
	wantError(t, loadDirectly(generate(t, obj)), unix.EINVAL, "GPL-compatible license")
}

func TestHintBTFKind(t *testing.T) {
	obj := oneMap(array)
	var b testBTF
	b.add("", 31, 0, 0) // no kernel has this kind
	obj.BTF = b.bytes()
	// A generated package can only continue without BTF if the object has an unusual name.
	s, err := runtime.OpenGenerated(generate(t, obj), &impl.Features{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	wantError(t, s.Load(nil), unix.EINVAL, "load BTF", "Invalid kind:31", "has a kind 31, which needs Linux of a later version")
}

// An array larger than the machine's memory.
func TestHintNoMemory(t *testing.T) {
	m := object.Map{Type: sys.MapTypeArray, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 1 << 31}
	wantError(t, loadDirectly(generate(t, oneMap(m))), unix.ENOMEM, "create map m", "the map needs 2251808403619840 bytes")
}

func TestHintImpossibleMap(t *testing.T) {
	keys := object.Map{Type: sys.MapTypeArray, KeySize: 8, ValueSize: 4, MaxEntries: 1, Flags: sys.FlagMmapable}
	wantError(t, loadDirectly(generate(t, oneMap(keys))), unix.EINVAL,
		"create map m", "keys of 8 bytes, values of 4, 1 entries and flags 0x400")
	values := object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 1 << 23, MaxEntries: 16}
	wantError(t, loadDirectly(generate(t, oneMap(values))), unix.E2BIG,
		"create map m", "keys of 4 bytes, values of 8388608, 16 entries and flags 0x0")
}

func TestHintMapField(t *testing.T) {
	m := object.Map{Type: sys.MapTypePerCPUArray, KeySize: 4, MaxEntries: 1}
	wantError(t, loadDirectly(generate(t, withTimer(t, m))), unix.EOPNOTSUPP, "create map m", "its value has a bpf_timer, bpf_spin_lock, kptr")
}
