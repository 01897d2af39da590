package explain

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// findReason says in words what only numbers say, if anything.
func (f *failure) findReason() {
	switch {
	case f.program != nil:
		f.programReason()
	case f.extern != nil && f.Errno == unix.ENOENT:
		what := "symbol"
		switch f.extern.Kind {
		case spec.Kfunc:
			what = "function in its BTF"
		case spec.KsymVar:
			what = "variable in its BTF"
		}
		f.Reason = "neither the kernel nor a loaded module has this " + what
	case f.target != nil && f.Errno == unix.ENOENT:
		f.Reason = "this kernel has no " + whatTarget(f.target)
	}
}

// programReason looks for what the verifier cannot know: what a number that the loader, or the
// kernel's own CO-RE, has put into an instruction stands for, and whether the verifier was asked at
// all.
func (f *failure) programReason() {
	if f.unknownFunc() == spec.BadRelo {
		relo, ok := reloOf(f.Spec, f.program, f.insnOf(badCall))
		if !ok {
			return
		}
		if what := describeRelo(f.Spec, relo, f.Log); what != "" {
			f.Reason = "this kernel has no " + what
			f.Log = strings.ReplaceAll(f.Log, "invalid func "+badNumber, "invalid func "+badNumber+" (CO-RE: "+f.Reason+")")
		}
		return
	}
	if i := f.unknownFunc() - spec.BadMap; i >= 0 && i < len(f.Spec.Maps) {
		f.Reason = "it uses map " + f.Spec.Maps[i].Name + ", which is left out"
		return
	}
	if len(f.Missing) > 0 && f.callsMissing() {
		f.Reason = "it calls a weak kfunc that this kernel does not have, without a check for it"
		separator := ": "
		for _, name := range f.Missing {
			f.Reason += separator + name
			separator = ", "
		}
		return
	}
	if f.Log != "" && Decisive(f.Log) == "" {
		f.Reason = "the kernel refused it before verifying it"
		if f.verified() > 0 {
			f.Reason = "the verifier accepted it, but the kernel refused it after that"
		}
	}
}

// callsMissing reports whether the verifier complains about the call of a kfunc that was not found,
// which has no BTF ID. Up to the call's result nobody minds (check_kfunc_call); if that is not
// used, fixup_kfunc_call does.
func (f *failure) callsMissing() bool {
	if strings.Contains(f.Log, "invalid kernel function call") {
		return true
	}
	called, _ := f.after(": (85) call ") // "#0", "kernel-function#0", "<error>#0"
	called, _, _ = strings.Cut(called, ";")
	return strings.HasSuffix(strings.TrimSpace(called), "#0") && strings.Contains(f.Log, "\nR0 !read_ok")
}

// What the log has of an instruction whose CO-RE relocation could not be resolved.
const (
	badNumber = "unknown#195896080" // spec.BadRelo
	badCall   = ": (85) call " + badNumber
)

// insnOf returns the index of the last instruction that the log shows with this text, -1 if it does
// not.
func (f *failure) insnOf(text string) int {
	i := lastIndex(f.Log, text)
	if i < 0 {
		return -1
	}
	line := f.Log[strings.LastIndexByte(f.Log[:i], '\n')+1 : i]
	n, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return -1
	}
	return n
}

// Prefixes of what programs attach to by BTF, see object.AttachTarget.
const (
	tracepointPrefix = "btf_trace_"
	lsmPrefix        = "bpf_lsm_"
	iterPrefix       = "bpf_iter_"
)

// whatTarget says what kind of target it is.
func whatTarget(t *spec.TargetSpec) string {
	if name, ok := strings.CutPrefix(t.Name, tracepointPrefix); ok {
		return "tracepoint " + name
	}
	if name, ok := strings.CutPrefix(t.Name, lsmPrefix); ok {
		return "LSM hook " + name
	}
	if name, ok := strings.CutPrefix(t.Name, iterPrefix); ok {
		return "iterator for " + name
	}
	if t.Module != "" {
		return "function " + t.Name + " in module " + t.Module
	}
	return "function " + t.Name + " to attach to"
}

// targetAdvice says what to do about a target that is not there.
func targetAdvice(t *spec.TargetSpec) string {
	switch {
	case strings.HasPrefix(t.Name, tracepointPrefix):
		return "/sys/kernel/tracing/available_events lists the tracepoints; one of a module exists while the module is loaded"
	case strings.HasPrefix(t.Name, lsmPrefix):
		return "the hook's name is another in this kernel, or it is built without CONFIG_BPF_LSM"
	case strings.HasPrefix(t.Name, iterPrefix):
		return "the iterator is of a later version, or of an option that this kernel is built without"
	}
	return "the function is not in the BTF of the kernel or of a loaded module: it may be inlined, static with a suffix such as .isra, renamed, or of another version"
}

// kfuncModules are the modules of kfuncs that are of use to others than their authors. Where they
// are built in, the look-up succeeds.
var kfuncModules = []struct{ prefix, module string }{
	{"bpf_ct_set_nat_info", "nf_nat"},
	{"bpf_xdp_ct_", "nf_conntrack"},
	{"bpf_skb_ct_", "nf_conntrack"},
	{"bpf_ct_", "nf_conntrack"},
	{"bpf_xdp_flow_lookup", "nf_flow_table"},
	{"bpf_xdp_get_xfrm_state", "xfrm_interface"},
	{"bpf_skb_get_fou_encap", "fou"},
	{"bpf_skb_set_fou_encap", "fou"},
	{"hid_bpf_", "hid"},
}

// moduleOfKfunc returns the module that has the kfunc that was not found, "" if that is not known.
func (f *failure) moduleOfKfunc() string {
	if f.extern.Kind != spec.Kfunc {
		return ""
	}
	for _, k := range kfuncModules {
		if strings.HasPrefix(f.extern.Name, k.prefix) {
			return k.module
		}
	}
	return ""
}
