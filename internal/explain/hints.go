package explain

import (
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// docs/errors.md is generated from the hints: a return statement after a comment "Cause: ..." is a
// row of its table, "Kernel: ..." is the kernel's error, and expressions in the text become words
// in braces. A hint does not blame the kernel for what the source lacks, and names the method that
// fixes it.

// hint returns what to do about the failure, or "". Specific hints come before general ones.
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

// processHint is about the process and the kernel.
func (f *failure) processHint() string {
	release := f.machine.release
	// The first call fails although the process has the capabilities.
	if f.machine.seccomp && f.Op == spec.OpCreateBlob && !f.machine.userNS &&
		(f.Errno == unix.ENOSYS || f.Errno == unix.EPERM && f.has(unix.CAP_BPF)) {
		// Cause: a seccomp filter refuses bpf(2)
		// Kernel: `ENOSYS` or `EPERM` at the first call
		return "a seccomp filter of this process, such as a container's profile, blocks bpf(2): allow it there"
	}
	if f.Errno == unix.ENOSYS && f.Op != spec.OpStep {
		// Cause: kernel without BPF
		// Kernel: `ENOSYS`
		return "this kernel, " + release + ", is built without CONFIG_BPF_SYSCALL"
	}
	if f.Errno != 0 && f.Op != spec.OpStep && f.isBefore(5, 14) {
		// Cause: kernel too old for loader programs
		// Kernel: `EINVAL`, `E2BIG` or `EPERM` for an operation of the runtime itself
		return "light skeletons need Linux 5.14, this is " + release
	}
	if f.machine.userNS && f.Errno == unix.EPERM { // bpf_capable and the like check the initial one
		// Cause: a user namespace's capabilities
		// Kernel: `EPERM`
		capabilities := f.capabilities(false)
		return capabilities + " in a user namespace do not count: the process needs them in the initial one, or a BPF token (import runtime/token)"
	}
	if capabilities := f.lacks(); capabilities != "" {
		if sysctl := f.machine.unprivileged; sysctl != "" && sysctl != "0" && !f.has(unix.CAP_BPF) {
			// Cause: no permission, and `kernel.unprivileged_bpf_disabled` is set
			// Kernel: `EPERM`
			return "the process lacks " + capabilities + "; kernel.unprivileged_bpf_disabled is " + sysctl +
				", but 0 would not help: a loader program always needs CAP_BPF and CAP_PERFMON"
		}
		// Cause: no permission
		// Kernel: `EPERM`; `EACCES` or `EINVAL` for the loader program
		return "the process lacks " + capabilities
	}
	if f.Errno == unix.EMFILE {
		// Cause: too many open files
		// Kernel: `EMFILE`
		limit, files := number(f.machine.noFile), number(uint64(f.Spec.Files()))
		return "RLIMIT_NOFILE is " + limit + ", but this load opens up to " + files + " more files: raise it"
	}
	if f.usesCORE() && f.isBefore(5, 17) {
		// Cause: kernel too old for CO-RE
		// Kernel: `E2BIG` for a program with CO-RE records, or for a loader program that has them
		return "CO-RE in the kernel needs Linux 5.17, this is " + release
	}
	return ""
}

// mapHint is about a map that could not be created.
func (f *failure) mapHint(m *newMap) string {
	release := f.machine.release
	its := "its"
	if m.isInner {
		its = "its inner map's"
	}
	switch f.Errno {
	case unix.ENOMEM:
		// Cause: out of memory for a map
		// Kernel: `ENOMEM` when the map is created
		size := number(m.memory())
		return "the map needs " + size + " bytes: lower its size with SetMaxEntries, or raise the memory limit of the process's cgroup"
	case unix.EOPNOTSUPP:
		// Cause: unsupported field in a map's value
		// Kernel: `EOPNOTSUPP` when the map is created
		return "its value has a bpf_timer, bpf_spin_lock, kptr or the like, which this kernel does not support in maps of this type"
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
		// Cause: max_entries of global variables is not 1
		// Kernel: `EINVAL` when the map is created
		entries := number(uint64(m.maxEntries))
		return "max_entries of global variables must be 1, but SetMaxEntries set it to " + entries
	}
	if m.hasNoEntries() && m.inSource != 0 {
		// Cause: max_entries set to 0
		// Kernel: `EINVAL` when the map is created
		return "SetMaxEntries set its max_entries to 0"
	}
	if what, method := m.lacks(); what != "" {
		way := ", or call " + method + " before Load"
		if f.Spec.Signed != nil { // which cannot be changed
			way = ""
		}
		// Cause: no max_entries, key, value or required flag
		// Kernel: `EINVAL` when the map is created
		return "the source does not set " + its + " " + what + ": set it there" + way
	}
	if f.lacksInner() {
		// Cause: no inner map
		// Kernel: `EINVAL` when the map of maps is created
		return "the source does not define its inner maps: add __array(values, struct { ... }), or set Inner with ChangeMap before Load"
	}
	keySize, valueSize, entries, flags := number(uint64(m.keySize)), number(uint64(m.valueSize)), number(uint64(m.maxEntries)), hex(uint64(m.mapFlags))
	// Cause: invalid map definition
	// Kernel: `EINVAL` or `E2BIG` when the map is created
	return "maps of its type cannot have keys of " + keySize + " bytes, values of " + valueSize + ", " + entries + " entries and flags " + flags +
		", at least not on " + release + ": change the source, or use ChangeMap before Load"
}

// entryHint is about an entry of a map that the source sets.
func (f *failure) entryHint() string {
	m := &f.Spec.Maps[f.Spec.Steps[f.Step].Index]
	if f.Errno == unix.E2BIG {
		// Cause: initial entry beyond max_entries
		// Kernel: `E2BIG` when it is set
		return "max_entries is too small: use SetMaxEntries before Load"
	}
	if m.Type != sys.MapTypeProgArray || f.Errno != unix.EINVAL {
		return ""
	}
	// Cause: programs of two kinds in a program array
	// Kernel: `EINVAL` when its entry is set
	return "all programs in a program array, and all that use it, must have the same type and attach type"
}

// programHint is about a program that could not be loaded.
func (f *failure) programHint(p *spec.ProgramSpec) string {
	release, section := f.machine.release, p.Section
	if p.Type == 0 && f.Errno == unix.EINVAL {
		// Cause: unknown program section
		// Kernel: `EINVAL`
		return "unknown program section " + section
	}
	if helper := f.refusedHelper(); helper != "" {
		if lockdown := f.machine.lockdown; lockedDown(lockdown, helper) {
			// Cause: lockdown
			// Kernel: `EINVAL`, the log says that a helper cannot be used
			return "the kernel is locked down (" + lockdown + "), which disables " + helper +
				": boot without lockdown, or do not read or write kernel and user memory"
		}
		// Cause: helper not available to this type of program
		// Kernel: `EINVAL`, the log says `unknown func`, or that a program of this type cannot use
		// it
		return "this kernel, " + release + ", does not allow " + helper + " in programs of section " + section
	}
	if f.Errno == unix.E2BIG && strings.Contains(f.Log, "too many different") {
		// Cause: too many kfuncs in a program
		// Kernel: `E2BIG`, the log says `too many different`
		return "a program can call at most 256 different kfuncs, from at most 256 modules: split it"
	}
	if f.Errno == unix.EINVAL || f.Errno == unix.E2BIG {
		name, since := programTypes.tooNew(p.Type, f.machine.linux)
		if name == "" && p.Type != sys.ProgTypeStructOps { // its attach type is the index of a member
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
			return "this requires a GPL-compatible license in the object's section \"license\""
		}
		if f.verified() > 0 && Decisive(f.Log) == "" {
			if m, other := f.sharedMap(); m != nil {
				// Cause: programs of two kinds share a program array, or a map whose entries can
				// have a program
				// Kernel: `EINVAL` after the verifier has accepted the program
				sharedMap, other := m.Name, other.Name
				return "it shares map " + sharedMap + " with " + other +
					", which is of another kind: programs that share such a map must have the same type and attach type, and all or none must be frags"
			}
		}
	}
	if f.Errno == sys.ENOTSUPP && f.machine.jit != "1" && f.machine.jit != "2" {
		if f.machine.jit == "" {
			// Cause: no JIT
			// Kernel: `ENOTSUPP`, 524
			return "this needs the JIT compiler, but this kernel, " + release + ", is built without CONFIG_BPF_JIT"
		}
		// Cause: the JIT is switched off
		// Kernel: `ENOTSUPP`, 524
		return "this needs the JIT compiler: run sysctl net.core.bpf_jit_enable=1"
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
	return "the object's BTF has a " + kind + ", which needs Linux " + since + ", this is " + release + ": compile for an older version"
}

// lookupHint is about an attach target or extern that was not found.
func (f *failure) lookupHint() string {
	if hint := f.noBTF(); hint != "" {
		return hint
	}
	if sysctl := f.machine.kptrRestrict; f.Errno == unix.EPERM && f.extern != nil && f.extern.Kind == spec.KsymAddr {
		// Cause: kernel addresses are hidden
		// Kernel: `EPERM` for a ksym without a type
		return "kernel.kptr_restrict is " + sysctl + ": addresses of kernel symbols require CAP_SYSLOG, and are always hidden if it is 2"
	}
	if f.Errno != unix.ENOENT {
		return ""
	}
	if f.target != nil {
		if module := f.target.Module; module != "" && !hasModule(module) {
			// Cause: module not loaded, for an attach target
			// Kernel: `ENOENT`
			return "module " + module + " is not loaded: run modprobe " + module
		}
		// Cause: attach target not found
		// Kernel: `ENOENT`
		advice := targetAdvice(f.target)
		return advice
	}
	if module := f.moduleOfKfunc(); module != "" && !hasModule(module) {
		// Cause: module not loaded, for a kfunc
		// Kernel: `ENOENT`
		return "it is in module " + module + ", which is not loaded: run modprobe " + module
	}
	// Cause: extern not found
	// Kernel: `ENOENT`
	return "load the module that has it, if any, or declare it __weak and check for it in the program"
}

// noBTF is about look-ups in the kernel's BTF.
func (f *failure) noBTF() string {
	finds := f.target != nil || f.extern != nil && f.extern.Kind != spec.KsymAddr // KsymAddr is in kallsyms
	if f.machine.kernelBTF || !finds && !f.usesCORE() {
		return ""
	}
	// Cause: the kernel has no BTF
	// Kernel: `ENOENT` or `EINVAL` for a look-up, `EINVAL` for CO-RE
	release := f.machine.release
	return "this kernel, " + release + ", has no BTF: use a kernel built with CONFIG_DEBUG_INFO_BTF=y"
}

// ownHint is about operations of the runtime itself.
func (f *failure) ownHint() string {
	if f.Errno == unix.E2BIG && f.Op == spec.OpCreateBlob {
		// Cause: blob too large for this kernel
		// Kernel: `E2BIG` when the loader's map is created
		size, release := number(uint64(len(f.Spec.Blob))), f.machine.release
		return "the object's data and code take " + size + " bytes, but this kernel, " + release +
			", limits map values to 4 MiB: use Linux 6.0 or later"
	}
	if f.Errno == unix.EAGAIN && f.mapsMemory() {
		// Cause: memory lock limit
		// Kernel: `EAGAIN` when memory is mapped
		limit := number(f.machine.memLock)
		return "the process locks all its memory (mlockall), but RLIMIT_MEMLOCK is " + limit + " bytes: raise it, or give the process CAP_IPC_LOCK"
	}
	if f.area != nil && f.area.Type == sys.MapTypeArena && (f.Errno == unix.EBUSY || f.Errno == unix.EEXIST) {
		// Cause: address of an arena in use
		// Kernel: `EBUSY` or `EEXIST` when the arena is mapped
		address := hex(f.area.Extra)
		return "the source places the arena at address " + address + " (map_extra), which is in use in this process, perhaps by another skeleton of the object"
	}
	return f.noBTF()
}

// lastHint is for failures that nothing else explains.
func (f *failure) lastHint() string {
	if f.Errno != unix.EPERM || f.Op != spec.OpStep {
		return ""
	}
	// Cause: refused although the process has all capabilities
	// Kernel: `EPERM`
	release := f.machine.release
	return "the process has the capabilities for it: a security module refuses it, or this kernel, " + release + ", is built without a required feature"
}
