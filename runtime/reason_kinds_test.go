//vmtest:all

package runtime_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// loadOf loads an object in testdata with only these of its programs.
func loadOf(t *testing.T, name string, programs ...string) error {
	t.Helper()
	obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range obj.Programs {
		p.AutoLoad = slices.Contains(programs, p.Name)
	}
	return loadDirectly(generate(t, obj))
}

// On every kernel, the error's first line has the verifier's reason, and its suggestion if it makes
// one.
func TestReasonKinds(t *testing.T) {
	suggests := !sys.KernelVersion().Before(sys.Version{7, 3})
	for _, tt := range []struct {
		program   string
		errno     unix.Errno
		reason    string
		suggested bool // by the verifier, in Linux 7.3
	}{
		{"no_null_check", unix.EACCES, "R0 invalid mem access 'map_value_or_null', at: *count += 1;", true},
		{"null_arithmetic", unix.EACCES, "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first, at: ", true},
		{"packet_bounds", unix.EACCES, "invalid access to packet, off=20 size=1, ", true},
		{"value_bounds", unix.EACCES, "invalid access to map value, value_size=32 off=320 size=8; R", true},
		{"unbounded_index", unix.EINVAL, "math between map_value pointer and register with unbounded min value is not allowed, at: ", true},
		{"not_a_pointer", unix.EACCES, "R1 invalid mem access 'scalar', at: return *(volatile int *)address;", true},
		{"context_bounds", unix.EACCES, "invalid bpf_context access off=100 size=4, at: ", false},
		{"stack_bounds", unix.EACCES, "invalid write to stack R10 off=-520 size=8, at: ", false},
		{"read_only", unix.EACCES, "write into map forbidden, value_size=4 off=0 size=4, at: ", false},
		{"pointer_operator", unix.EACCES, "R", true},
		{"unbounded_size", unix.EACCES, "R2 unbounded memory access, use 'var &= const' or 'if (var < const)', at: ", false},
		{"argument_type", unix.EACCES, "R1 type=ctx expected=map_ptr, at: ", true},
		{"leaked_record", unix.EINVAL, "Unreleased reference id=2 alloc_insn=4", true},
		{"held_lock", unix.EINVAL, "", true},
		{"endless", unix.EINVAL, "infinite loop detected at insn 0, at: ", false},
		{"no_such_helper", unix.EINVAL, "invalid func unknown#9999, at: ", false},
		{"helper_of_others", unix.EINVAL, "", true},
		{"result_range", unix.EINVAL, "At program exit the register R0 has ", false},
	} {
		t.Run(tt.program, func(t *testing.T) {
			err := loadOf(t, "refused/verifier", tt.program)
			wantError(t, err, tt.errno, "load program "+tt.program+": "+tt.errno.Error()+": "+tt.reason)
			line := err.Error()
			if strings.Contains(line, "Suggestion:") || strings.Contains(line, "Verification failed") {
				t.Errorf("a fragment of a report: %s", line)
			}
			if got := strings.Contains(line, "; suggestion: "); got != (tt.suggested && suggests) {
				t.Errorf("a suggestion: %v in: %+v", got, err)
			}
			t.Log(line)
		})
	}
}

// The verifier does not look at subprograms that programs of two kinds share.
func TestHintKinds(t *testing.T) {
	const accepted, shares = "invalid argument: the verifier accepted it, but the kernel refused it afterwards (it shares map ", ", which is of another kind"
	wantError(t, loadOf(t, "refused/kinds", "on_send", "on_packet"), unix.EINVAL, "load program on_packet: "+accepted+"jumps with on_send"+shares)
	if !sys.KernelVersion().Before(sys.Version{6, 18}) {
		wantError(t, loadOf(t, "refused/kinds", "on_send", "on_receive"), unix.EINVAL, "load program on_receive: "+accepted+"jumps with on_send"+shares)
	}
	wantError(t, loadOf(t, "refused/kinds", "linear", "with_frags"), unix.EINVAL, "load program with_frags: "+accepted+"devices with linear"+shares)
	wantError(t, loadOf(t, "refused/entry", "entry", "user"), unix.EINVAL, "set entry 0 of map jumps: ", "must have the same type and attach type")
	for _, name := range []string{"on_send", "on_receive", "on_packet", "linear", "with_frags"} {
		if err := loadOf(t, "refused/kinds", name); err != nil {
			t.Errorf("%s by itself: %+v", name, err)
		}
	}
}

func TestHintEntryOutside(t *testing.T) {
	wantError(t, loadOf(t, "refused/entry_outside", "entry"), unix.E2BIG,
		"set entry 5 of map jumps: argument list too long (max_entries is too small: use SetMaxEntries before Load)")
	s, err := runtime.Open(compiled(t, "refused/entry_outside"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Map(0).SetMaxEntries(6)
	if err := s.Load(nil); err != nil {
		t.Errorf("%+v", err)
	}
}

// An omission in the source is not blamed on the kernel.
func TestHintSourceLacks(t *testing.T) {
	hash := object.Map{Type: sys.MapTypeHash, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	noEntries, noKey := hash, hash
	noEntries.MaxEntries, noKey.KeySize = 0, 0
	noEntries.Name, noEntries.KernelName = "inner", "inner"
	ofMaps := object.Map{Type: sys.MapTypeHashOfMaps, KeySize: 8, ValueSize: 4, MaxEntries: 4}
	withInner := ofMaps
	withInner.Inner = &noEntries
	for _, tt := range []struct {
		m    object.Map
		want string
	}{
		{noEntries, "create map m: invalid argument (the source does not set its max_entries: set it there, or call SetMaxEntries before Load)"},
		{noKey, "create map m: invalid argument (the source does not set its key"},
		{ofMaps, "create map m: invalid argument (the source does not define its inner maps"},
		{withInner, "create inner map of m: invalid argument (the source does not set its inner map's max_entries: set it there, or call ChangeMap before Load)"},
		{
			object.Map{Type: sys.MapTypeLPMTrie, KeySize: 8, ValueSize: 8, MaxEntries: 1},
			"create map m: invalid argument (the source does not set its flag BPF_F_NO_PREALLOC",
		},
	} {
		wantError(t, loadDirectly(generate(t, oneMap(tt.m))), unix.EINVAL, tt.want)
	}

	wantError(t, loadOf(t, "peer/unknown_sections", "optional"), unix.EINVAL,
		"load program optional: invalid argument (unknown program section ?foo/bar)")

	// Nor is the value given to SetMaxEntries.
	for _, entries := range []uint32{0, 2} {
		s, err := runtime.Open(compiled(t, "globals"))
		if err != nil {
			t.Fatal(err)
		}
		s.Map(0).SetMaxEntries(entries)
		wantError(t, s.Load(nil), unix.EINVAL, fmt.Sprintf("create map %s: invalid argument (max_entries of global variables must be 1, but SetMaxEntries set it to %d)",
			s.Map(0).Name(), entries))
		s.Close()
	}
	s, err := runtime.Open(generate(t, oneMap(hash)))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Map(0).SetMaxEntries(0)
	wantError(t, s.Load(nil), unix.EINVAL, "create map m: invalid argument (SetMaxEntries set its max_entries to 0)")

	// The method that the hint suggests solves the problem.
	if s, err = runtime.Open(generate(t, oneMap(noEntries))); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Map(0).SetMaxEntries(1)
	if err := s.Load(nil); err != nil {
		t.Errorf("%+v", err)
	}

	for section, p := range map[string]object.Program{
		"fentry": {Type: sys.ProgTypeTracing, ExpectedAttachType: sys.AttachTraceFentry},
		"lsm":    {Type: sys.ProgTypeLSM, ExpectedAttachType: sys.AttachLSMMAC},
		"iter":   {Type: sys.ProgTypeTracing, ExpectedAttachType: sys.AttachTraceIter},
		"tp_btf": {Type: sys.ProgTypeTracing, ExpectedAttachType: sys.AttachTraceRawTP},
	} {
		p.Insns = returnsZero.Insns
		obj := oneProgram(p)
		obj.Programs[0].Section = section
		err := loadDirectly(generate(t, obj))
		wantError(t, err, unix.EINVAL, "load program prog", `(its section does not name what it attaches to: call SetAttachTarget before Load, or write SEC("`+section+`/NAME"))`)
	}
}

// Calling a missing weak kfunc and using its result has a hint.
func TestReasonWeakKfuncResult(t *testing.T) {
	if _, err := os.Stat("/proc/sys/net/core/bpf_jit_enable"); err != nil {
		t.Skip("not on this kernel: kfuncs need a JIT compiler, see TestHintNoJIT")
	}
	obj := withExtern(object.Extern{Name: "no_such", Kind: object.Kfunc, Weak: true})
	p := obj.Programs[0]
	p.Insns = []object.Insn{p.Insns[0], {Op: sys.OpExit}}
	wantError(t, loadDirectly(generate(t, obj)), unix.EACCES,
		"load program prog: permission denied: it calls a weak kfunc that this kernel lacks, without checking for it: no_such")
}

// A program that is refused before verification has a log with relocations only.
func TestReasonBeforeVerifying(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "core_fields", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range obj.Programs {
		p.AutoLoad = i == 0
	}
	p := obj.Programs[0]
	p.Type, p.ExpectedAttachType, p.Flags = sys.ProgTypeTracing, 1000, 0 // no kernel has this attach type
	p.Target = &object.AttachTarget{Name: "vfs_read", Kind: sys.BtfKindFunc}
	err = loadDirectly(generate(t, obj))
	wantError(t, err, unix.EINVAL, "load program "+p.Name+": invalid argument: the kernel refused it before verifying it")
	var failure *runtime.LoadError
	if errors.As(err, &failure) && !strings.Contains(failure.Log, "relo #") {
		t.Errorf("the log has no relocations: %s", failure.Log)
	}
}
