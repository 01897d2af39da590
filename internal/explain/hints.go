package explain

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Hints are plain statements. docs/errors.md is made from them: a return statement after a comment
// "Cause: ..." is a row of its table, "Kernel: ..." says how the kernel says it, and expressions in
// the text are words in braces. A hint does not blame the kernel for what the source lacks, and
// names the method that would mend it.

// hint returns what to do about the failure, "" if there is nothing to say. What is specific
// comes before what is general.
func (f *failure) hint() string {
	hint := f.processHint()
	if hint != "" {
		return hint
	}
	switch {
	case f.newMap != nil:
		hint = f.mapHint(f.newMap)
	case f.program != nil:
		hint = f.programHint(f.program)
	case f.target != nil || f.extern != nil:
		hint = f.lookupHint()
	case f.StepKind() == spec.StepLoadBTF:
		hint = f.btfHint()
	case f.StepKind() == spec.StepSetSlot:
		hint = f.entryHint()
	default:
		hint = f.ownHint()
	}
	if hint == "" {
		hint = f.lastHint()
	}
	return hint
}

// processHint is about who runs the process, and on which kernel.
func (f *failure) processHint() string {
	release := f.machine.release
	// The first call fails although nothing is lacking.
	if f.machine.seccomp && f.Op == spec.OpCreateBlob && !f.machine.userNS &&
		(f.Errno == unix.ENOSYS || f.Errno == unix.EPERM && f.has(unix.CAP_BPF)) {
		// Cause: a seccomp filter refuses bpf(2)
		// Kernel: `ENOSYS` or `EPERM` at the first call
		return "a seccomp filter of this process, such as a container's profile, refuses bpf(2): have it allow that"
	}
	if f.Errno == unix.ENOSYS && f.Op != spec.OpStep {
		// Cause: BPF is not in the kernel
		// Kernel: `ENOSYS`
		return "this kernel, " + release + ", is built without CONFIG_BPF_SYSCALL"
	}
	if f.Errno != 0 && f.Op != spec.OpStep && f.isBefore(5, 14) {
		// Cause: kernel too old for loader programs
		// Kernel: `EINVAL`, `E2BIG` or `EPERM` for what the runtime does itself
		return "light skeletons need Linux 5.14, this is " + release
	}
	if f.machine.userNS && f.Errno == unix.EPERM { // bpf_capable and its like ask for the initial one
		// Cause: a user namespace's capabilities
		// Kernel: `EPERM`
		capabilities := f.capabilities(false)
		return capabilities + " of a user namespace do not count: the process needs them in the initial one, or a BPF token (import runtime/token)"
	}
	if capabilities := f.lacks(); capabilities != "" {
		if sysctl := f.machine.unprivileged; sysctl != "" && sysctl != "0" && !f.has(unix.CAP_BPF) {
			// Cause: no permission, and `kernel.unprivileged_bpf_disabled` is set
			// Kernel: `EPERM`
			return "the process lacks " + capabilities + "; kernel.unprivileged_bpf_disabled is " + sysctl +
				", but 0 would not do either: a loader program always needs CAP_BPF and CAP_PERFMON"
		}
		// Cause: no permission
		// Kernel: `EPERM`; `EACCES` or `EINVAL` for the loader program
		return "the process lacks " + capabilities
	}
	if f.Errno == unix.EMFILE {
		// Cause: too many open files
		// Kernel: `EMFILE`
		limit, files := number(f.machine.noFile), number(uint64(f.Spec.Files()))
		return "RLIMIT_NOFILE is " + limit + ", and this load opens up to " + files + " files more than the process has open"
	}
	if f.usesCORE() && f.isBefore(5, 17) {
		// Cause: kernel too old for CO-RE
		// Kernel: `E2BIG` for a program with CO-RE records, or for a loader program that has them
		return "CO-RE by the kernel needs Linux 5.17, this is " + release
	}
	return ""
}

// mapHint is about a map that could not be created.
func (f *failure) mapHint(m *newMap) string {
	release := f.machine.release
	of := "it"
	if m.isInner {
		of = "its inner map"
	}
	switch f.Errno {
	case unix.ENOMEM:
		// Cause: no memory for a map
		// Kernel: `ENOMEM` when the map is created
		size := number(m.memory())
		return "the kernel has no " + size + " bytes for it, or the memory limit of the process's cgroup is in the way"
	case unix.EOPNOTSUPP:
		// Cause: a field that the map cannot have
		// Kernel: `EOPNOTSUPP` when the map is created
		return "its value has a bpf_timer, bpf_spin_lock, kptr or the like, which this kernel does not take in maps of this type"
	case unix.EINVAL, unix.E2BIG:
	default:
		return ""
	}
	if name, since := mapTypes.tooNew(m.typ, f.machine.linux); name != "" {
		// Cause: kernel too old for a map type
		// Kernel: `EINVAL` when the map is created
		return name + " needs Linux " + since + ", this is " + release
	}
	if m.isData && m.maxEntries != 1 {
		// Cause: global variables with another max_entries than 1
		// Kernel: `EINVAL` when the map is created
		entries := number(uint64(m.maxEntries))
		return "global variables have a max_entries of 1, and SetMaxEntries has made it " + entries
	}
	if m.hasNoEntries() && m.inSource != 0 {
		// Cause: max_entries taken away
		// Kernel: `EINVAL` when the map is created
		return "SetMaxEntries has made its max_entries 0"
	}
	if what, method := m.lacks(); what != "" {
		way := ", or by " + method + " before Load"
		if f.Spec.Signed != nil { // which nothing changes
			way = ""
		}
		// Cause: no max_entries, key or value, or not a flag that all maps of the type have to have
		// Kernel: `EINVAL` when the map is created
		return "the source gives " + of + " no " + what + ": set it there" + way
	}
	if f.lacksInner() {
		// Cause: no inner map
		// Kernel: `EINVAL` when the map of maps is created
		return "the source does not say what its inner maps are: write __array(values, struct { ... }), or set Inner by ChangeMap before Load"
	}
	keySize, valueSize, entries, flags := number(uint64(m.keySize)), number(uint64(m.valueSize)), number(uint64(m.maxEntries)), hex(uint64(m.mapFlags))
	// Cause: a map that cannot be
	// Kernel: `EINVAL` or `E2BIG` when the map is created
	return "no map of its type has keys of " + keySize + " bytes, values of " + valueSize + ", " + entries + " entries and the flags " + flags +
		", or not on " + release + ": correct it, or use ChangeMap before Load"
}

// entryHint is about an entry of a map that the source sets.
func (f *failure) entryHint() string {
	m := &f.Spec.Maps[f.Spec.Steps[f.Step].Index]
	if f.Errno == unix.E2BIG {
		// Cause: an entry that is not in the map
		// Kernel: `E2BIG` when it is set
		return "max_entries is too small: use SetMaxEntries before Load"
	}
	if m.Type != sys.MapTypeProgArray || f.Errno != unix.EINVAL {
		return ""
	}
	// Cause: programs of two kinds in a program array
	// Kernel: `EINVAL` when its entry is set
	return "all programs that a program array holds, and that use it, must have the same type and attach type"
}

// programHint is about a program that could not be loaded.
func (f *failure) programHint(p *spec.ProgramSpec) string {
	release, section := f.machine.release, p.Section
	if p.Type == 0 && f.Errno == unix.EINVAL {
		// Cause: a section whose name does not say what its programs are
		// Kernel: `EINVAL`
		return "section " + section + " stands for no program type"
	}
	if helper := f.refusedHelper(); helper != "" {
		if lockdown := f.machine.lockdown; lockedDown(lockdown, helper) {
			// Cause: lockdown
			// Kernel: `EINVAL`, the log says that a helper cannot be used
			return "the kernel is locked down (" + lockdown + "), which takes " + helper +
				" away: boot without lockdown, or do without reading and writing kernel and user memory"
		}
		// Cause: a helper of other kinds of programs
		// Kernel: `EINVAL`, the log says `unknown func`, or that a program of this type cannot use
		// it
		return "this kernel, " + release + ", does not have " + helper + " for programs of section " + section
	}
	if f.Errno == unix.E2BIG && strings.Contains(f.Log, "too many different") {
		// Cause: too many kfuncs in a program
		// Kernel: `E2BIG`, the log says `too many different`
		return "a program can call at most 256 different kfuncs, and those of at most 256 modules' BTF: split it"
	}
	if f.Errno == unix.EINVAL || f.Errno == unix.E2BIG {
		name, since := programTypes.tooNew(p.Type, f.machine.linux)
		if name == "" && p.Type != sys.ProgTypeStructOps { // whose attach type is the index of a member
			name, since = attachTypes.tooNew(p.AttachType, f.machine.linux)
		}
		if n := f.unknownFunc(); name == "" && n > 0 {
			name, since = helpers.tooNew(uint32(n), f.machine.linux)
		}
		if name != "" {
			// Cause: kernel too old for a program type, a way to attach or a helper
			// Kernel: `EINVAL`; for a helper the log says `invalid func unknown#N`
			return name + " needs Linux " + since + ", this is " + release
		}
	}
	if f.Errno == unix.EINVAL {
		if strings.Contains(f.Log, "cannot call GPL") {
			// Cause: a helper for GPL programs only
			// Kernel: `EINVAL`, the log says `cannot call GPL`
			return "the license of the object, in its section \"license\", has to be compatible with the GPL for this"
		}
		if f.verified() > 0 && Decisive(f.Log) == "" {
			if m, other := f.sharedMap(); m != nil {
				// Cause: programs of two kinds share a program array, or a map whose entries can
				// have a program
				// Kernel: `EINVAL` after the verifier has accepted the program
				sharedMap, other := m.Name, other.Name
				return "it shares map " + sharedMap + " with " + other +
					", which is of another kind: programs that share such a map must have the same type and attach type, and all or none of them frags"
			}
		}
	}
	if f.Errno == sys.ENOTSUPP && f.machine.jit != "1" && f.machine.jit != "2" {
		if f.machine.jit == "" {
			// Cause: no JIT
			// Kernel: `ENOTSUPP`, 524
			return "this needs the JIT compiler: this kernel, " + release + ", is built without CONFIG_BPF_JIT"
		}
		// Cause: the JIT is switched off
		// Kernel: `ENOTSUPP`, 524
		return "this needs the JIT compiler: sysctl net.core.bpf_jit_enable=1"
	}
	return f.noBTF()
}

// btfHint is about the object's BTF.
func (f *failure) btfHint() string {
	rest, ok := f.after("Invalid kind:") // "[5] Invalid kind:19" (btf_check_meta)
	if !ok || f.Errno != unix.EINVAL {
		return ""
	}
	n := sys.LeadingNumber(rest)
	kind, since := btfKinds.at(uint32(n))
	if kind == "" { // newer than the table
		kind, since = "kind "+strconv.Itoa(n), "of a later version"
	}
	// Cause: kernel too old for a kind of BTF
	// Kernel: `EINVAL`, the log says `Invalid kind`
	release := f.machine.release
	return "the object's BTF has a " + kind + ", which needs Linux " + since + ", this is " + release + ": compile for an older one"
}

// lookupHint is about an attach target or an extern that was not found.
func (f *failure) lookupHint() string {
	if hint := f.noBTF(); hint != "" {
		return hint
	}
	if sysctl := f.machine.kptrRestrict; f.Errno == unix.EPERM && f.extern != nil && f.extern.Kind == spec.KsymAddr {
		// Cause: kernel addresses are hidden
		// Kernel: `EPERM` for a ksym without a type
		return "kernel.kptr_restrict is " + sysctl + ": addresses of kernel symbols need CAP_SYSLOG, and at 2 nobody gets them"
	}
	if f.Errno != unix.ENOENT {
		return ""
	}
	if f.target != nil {
		if module := f.target.Module; module != "" && !hasModule(module) {
			// Cause: module not loaded, for an attach target
			// Kernel: `ENOENT`
			return "module " + module + " is not loaded: modprobe " + module
		}
		// Cause: attach target not found
		// Kernel: `ENOENT`
		advice := targetAdvice(f.target)
		return advice
	}
	if module := f.moduleOfKfunc(); module != "" && !hasModule(module) {
		// Cause: module not loaded, for a kfunc
		// Kernel: `ENOENT`
		return "it is in module " + module + ", which is not loaded: modprobe " + module
	}
	// Cause: extern not found
	// Kernel: `ENOENT`
	return "load the module that has it, if one does; declare it __weak and check for it where the program can do without"
}

// noBTF is about what only the kernel's BTF can tell.
func (f *failure) noBTF() string {
	finds := f.target != nil || f.extern != nil && f.extern.Kind != spec.KsymAddr // which is in kallsyms
	if f.machine.kernelBTF || !finds && !f.usesCORE() {
		return ""
	}
	// Cause: the kernel has no BTF
	// Kernel: `ENOENT` or `EINVAL` for what is looked up, `EINVAL` for CO-RE
	release := f.machine.release
	return "this kernel, " + release + ", has no BTF of its own: it needs CONFIG_DEBUG_INFO_BTF"
}

// ownHint is about what is not a step of the loader.
func (f *failure) ownHint() string {
	if f.Errno == unix.E2BIG && f.Op == spec.OpCreateBlob {
		// Cause: blob too large for this kernel
		// Kernel: `E2BIG` when the loader's map is created
		size, release := number(uint64(len(f.Spec.Blob))), f.machine.release
		return "the object's data and code make a blob of " + size + " bytes: this kernel, " + release +
			", takes no map value above 4 MiB, Linux 6.0 and later do"
	}
	if f.Errno == unix.EAGAIN && f.mapsMemory() {
		// Cause: memory lock limit
		// Kernel: `EAGAIN` when memory is mapped
		limit := number(f.machine.memLock)
		return "the process locks all its memory (mlockall), and RLIMIT_MEMLOCK is " + limit + " bytes: raise it, or give the process CAP_IPC_LOCK"
	}
	if f.area != nil && f.area.Type == sys.MapTypeArena && (f.Errno == unix.EBUSY || f.Errno == unix.EEXIST) {
		// Cause: an arena's address is taken
		// Kernel: `EBUSY` or `EEXIST` when the arena is mapped
		address := hex(f.area.Extra)
		return "the source gives the arena the address " + address + " (map_extra), and something else is there in this process: another skeleton of the object, maybe"
	}
	return f.noBTF()
}

// lastHint is for what nothing else explains.
func (f *failure) lastHint() string {
	if f.Errno != unix.EPERM || f.Op != spec.OpStep {
		return ""
	}
	// Cause: refused although the process has all capabilities
	// Kernel: `EPERM`
	release := f.machine.release
	return "the process has the capabilities for it: a security module refuses it, or this kernel, " + release + ", is built without what it needs"
}
