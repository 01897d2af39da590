package explain

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// findReason sets f.Reason from the numbers in the failure, if possible.
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

// programReason finds reasons that the verifier cannot know: the meaning of a number that the
// loader or the kernel's CO-RE has put into an instruction, and whether the verifier ran at all.
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
		f.Reason = "it uses map " + f.Spec.Maps[i].Name + ", which is not created"
		return
	}
	if len(f.Missing) > 0 && f.callsMissing() {
		f.Reason = "it calls a weak kfunc that this kernel lacks, without checking for it"
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
			f.Reason = "the verifier accepted it, but the kernel refused it afterwards"
		}
	}
}

// callsMissing reports whether the verifier rejects the call of a kfunc that was not found, which
// has no BTF ID. It does so only when the result is used (check_kfunc_call), or else in
// fixup_kfunc_call.
func (f *failure) callsMissing() bool {
	if strings.Contains(f.Log, "invalid kernel function call") {
		return true
	}
	called, _ := f.after(": (85) call ") // "#0", "kernel-function#0", "<error>#0"
	called, _, _ = strings.Cut(called, ";")
	return strings.HasSuffix(strings.TrimSpace(called), "#0") && strings.Contains(f.Log, "\nR0 !read_ok")
}

// Text in the log for an instruction whose CO-RE relocation could not be resolved.
const (
	badNumber = "unknown#195896080" // spec.BadRelo
	badCall   = ": (85) call " + badNumber
)

// insnOf returns the index of the last instruction with this text in the log, or -1.
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

// Prefixes of attach targets in BTF, see object.AttachTarget.
const (
	tracepointPrefix = "btf_trace_"
	lsmPrefix        = "bpf_lsm_"
	iterPrefix       = "bpf_iter_"
)

// whatTarget describes an attach target.
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

// targetAdvice returns what to do about a missing target.
func targetAdvice(t *spec.TargetSpec) string {
	switch {
	case strings.HasPrefix(t.Name, tracepointPrefix):
		return "/sys/kernel/tracing/available_events lists the tracepoints; those of a module exist while it is loaded"
	case strings.HasPrefix(t.Name, lsmPrefix):
		return "the hook has another name in this kernel, or the kernel is built without CONFIG_BPF_LSM"
	case strings.HasPrefix(t.Name, iterPrefix):
		return "the iterator needs a later version of Linux, or an option that this kernel is built without"
	}
	return "the function is not in the BTF of the kernel or of a loaded module: it may be inlined, renamed, from another version, or static with a suffix such as .isra"
}

// kfuncModules lists modules with kfuncs for general use. If they are built in, the look-up
// succeeds.
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

// moduleOfKfunc returns the module of the kfunc that was not found, or "" if unknown.
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
