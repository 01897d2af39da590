package runtime

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// findReason says in words what only numbers say, or nothing.
func (f *failure) findReason() {
	switch {
	case f.programSpec() != nil:
		f.programReason()
	case f.externSpec() != nil && f.Errno == unix.ENOENT:
		switch f.externKind() {
		case Kfunc:
			f.Reason = "neither the kernel nor a loaded module has this function in its BTF"
		case KsymVar:
			f.Reason = "neither the kernel nor a loaded module has this variable in its BTF"
		case KsymAddr:
			f.Reason = "neither the kernel nor a loaded module has this symbol"
		}
	case f.targetSpec() != nil && f.Errno == unix.ENOENT:
		f.Reason = "this kernel has no " + f.targetSpec().what()
	}
}

// programReason looks for what the verifier cannot know: what a number that the loader, or
// the kernel's own CO-RE, has put into an instruction stands for.
func (f *failure) programReason() {
	if f.unknownFunc() == badRelo {
		relo, ok := f.spec.reloOf(f.programSpec(), f.insnOf(badCall))
		if !ok {
			return
		}
		// bpf_core_apply logs each type that it considers.
		considered := func(name string) bool { return strings.Contains(f.Log, " "+name+": found target candidate") }
		if what := f.spec.describeRelo(relo, considered); what != "" {
			f.Reason = "this kernel has no " + what
			f.Log = strings.ReplaceAll(f.Log, "invalid func "+badNumber, "invalid func "+badNumber+" (CO-RE: "+f.Reason+")")
		}
		return
	}
	// A call of a weak kfunc that was not found has no BTF ID (add_kfunc_call, fixup_kfunc_call).
	if strings.Contains(f.Log, "invalid kernel function call") && len(f.missing) > 0 {
		f.Reason = "it calls a weak kfunc that this kernel does not have, without a check for it: " + strings.Join(f.missing, ", ")
	}
}

// What the log has of an instruction whose CO-RE relocation could not be resolved.
const (
	badNumber = "unknown#195896080" // badRelo
	badCall   = ": (85) call " + badNumber
)

// insnOf is the index of the last instruction that the log shows with this text, -1 if it does not.
func (f *failure) insnOf(text string) int {
	i := strings.LastIndex(f.Log, text)
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

// noteMissing keeps the names of weak kfuncs that were not found and that a
// program uses, while the slots are there to be read.
func (l *loading) noteMissing(step Step) {
	l.missing = nil
	if step.Kind != StepLoadProgram {
		return
	}
	for i := range l.spec.Externs {
		e := &l.spec.Externs[i]
		if e.Kind != Kfunc || !e.Weak || l.found(e.Slot).errno() == 0 {
			continue
		}
		for _, p := range e.Programs {
			if p == step.Index {
				l.missing = append(l.missing, e.Name)
			}
		}
	}
}

// Prefixes of what programs attach to by BTF, see object.AttachTarget.
const (
	tracepointPrefix = "btf_trace_"
	lsmPrefix        = "bpf_lsm_"
	iterPrefix       = "bpf_iter_"
)

// what says what kind of target it is.
func (t *TargetSpec) what() string {
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

// advice is what can be done about a target that is not there.
func (t *TargetSpec) advice() string {
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

// kfuncModules are the modules of kfuncs that others than their authors use. Where the kernel has them built in, the look-up succeeds.
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

// moduleOfKfunc is the module that has the kfunc that was not found, "" if that is not known.
func (f *failure) moduleOfKfunc() string {
	e := f.externSpec()
	if e == nil || e.Kind != Kfunc || f.Errno != unix.ENOENT {
		return ""
	}
	for _, k := range kfuncModules {
		if strings.HasPrefix(e.Name, k.prefix) {
			return k.module
		}
	}
	return ""
}
