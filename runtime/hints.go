package runtime

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// failure is a load that has failed, with all that there is to judge it by.
type failure struct {
	*LoadError
	*loading
	*machine
}

// hint is a cause of failures that can be told, and what to say then. The
// table of all of them is in docs/errors.md, made from this one.
type hint struct {
	cause string
	says  string // how the kernel says it
	text  string // with {words} that applies fills in
	// applies tells whether this is the cause, with the words that text has.
	applies func(f *failure) (words, bool)
}

// words are replacements: "{release}", "6.1.0", ...
type words []string

// hint is what the first hint says that applies.
func (f *failure) hint() string {
	for i := range hints {
		if w, ok := hints[i].applies(f); ok {
			text := strings.ReplaceAll(hints[i].text, "{release}", f.release)
			for ; len(w) > 0; w = w[2:] {
				text = strings.ReplaceAll(text, w[0], w[1])
			}
			return text
		}
	}
	return ""
}

// hints has what is specific before what is general.
var hints = []hint{
	// The kernel, or who runs the process, has no BPF for it.
	{
		"a seccomp filter refuses bpf(2)", "`ENOSYS` or `EPERM` at the first call",
		"a seccomp filter of this process, such as a container's profile, refuses bpf(2): have it allow that",
		seccompRefuses,
	},
	{
		"BPF is not in the kernel", "`ENOSYS`",
		"this kernel, {release}, is built without CONFIG_BPF_SYSCALL",
		func(f *failure) (words, bool) { return nil, f.Errno == unix.ENOSYS && f.Step < 0 },
	},
	{
		"kernel too old for loader programs", "`EINVAL`, `E2BIG` or `EPERM` for what the runtime does itself",
		"light skeletons need Linux 5.14, this is {release}",
		func(f *failure) (words, bool) { return nil, f.Step < 0 && f.linux.before(version{5, 14}) },
	},

	// Permissions.
	{
		"a user namespace's capabilities", "`EPERM`",
		"{caps} of a user namespace do not count: the process needs them in the initial one",
		namespacedCapability,
	},
	{
		"no permission, `kernel.unprivileged_bpf_disabled` set", "`EPERM`",
		"the process lacks {caps}; kernel.unprivileged_bpf_disabled is {sysctl}, but 0 would not do either: a loader program always needs CAP_BPF and CAP_PERFMON",
		func(f *failure) (words, bool) {
			caps := f.lacks()
			return words{"{caps}", caps, "{sysctl}", f.unprivileged},
				caps != "" && !f.has(unix.CAP_BPF) && f.unprivileged != "" && f.unprivileged != "0"
		},
	},
	{
		"no permission", "`EPERM`; `EACCES` or `EINVAL` for the loader program",
		"the process lacks {caps}",
		func(f *failure) (words, bool) { caps := f.lacks(); return words{"{caps}", caps}, caps != "" },
	},
	{
		"kernel addresses are hidden", "`EPERM` for a ksym without a type",
		"kernel.kptr_restrict is {sysctl}: addresses of kernel symbols need CAP_SYSLOG, and at 2 nobody gets them",
		func(f *failure) (words, bool) {
			return words{"{sysctl}", f.kptrRestrict}, f.Errno == unix.EPERM && f.externKind() == KsymAddr
		},
	},
	{
		"lockdown", "`EINVAL`, the log says that a helper cannot be used",
		"the kernel is locked down ({lockdown}), which takes {helper} away: boot without lockdown, or do without reading and writing kernel and user memory",
		func(f *failure) (words, bool) {
			helper := f.refusedHelper()
			return words{"{lockdown}", f.lockdown, "{helper}", helper}, lockedDown(f.lockdown, helper)
		},
	},

	// Limits.
	{
		"memory lock limit", "`EAGAIN` when memory is mapped",
		"the process locks all its memory (mlockall), and RLIMIT_MEMLOCK is {limit} bytes: raise it, or give the process CAP_IPC_LOCK",
		func(f *failure) (words, bool) {
			return words{"{limit}", count(f.memLock)}, f.Errno == unix.EAGAIN && f.mapsMemory()
		},
	},
	{
		"too many open files", "`EMFILE`",
		"RLIMIT_NOFILE is {limit}, and this load opens up to {fds} files more than the process has open",
		func(f *failure) (words, bool) {
			return words{"{limit}", count(f.noFile), "{fds}", count(uint64(f.spec.files()))}, f.Errno == unix.EMFILE
		},
	},
	{
		"blob too large for this kernel", "`E2BIG` when the loader's map is created",
		"the object's data and code make a blob of {size} bytes: this kernel, {release}, takes no map value above 4 MiB, Linux 6.0 and later do",
		func(f *failure) (words, bool) {
			return words{"{size}", count(uint64(len(f.spec.Blob)))}, f.Errno == unix.E2BIG && f.Op == opCreateBlob
		},
	},
	{
		"too many kfuncs in a program", "`E2BIG`, the log says `too many different`",
		"a program can call at most 256 different kfuncs, and those of at most 256 modules' BTF: split it",
		func(f *failure) (words, bool) {
			return nil, f.Errno == unix.E2BIG && f.programSpec() != nil && strings.Contains(f.Log, "too many different")
		},
	},
	{
		"no memory for a map", "`ENOMEM`",
		"the kernel has no {size} bytes for it, or the memory limit of the process's cgroup is in the way",
		func(f *failure) (words, bool) {
			m := f.mapSpec()
			if m == nil || f.Errno != unix.ENOMEM {
				return nil, false
			}
			return words{"{size}", count(f.mapSize(m))}, true
		},
	},

	// The kernel is too old for what the object uses.
	{
		"kernel too old for CO-RE", "`E2BIG` for a program with CO-RE records",
		"CO-RE by the kernel needs Linux 5.17, this is {release}",
		func(f *failure) (words, bool) {
			p := f.programSpec()
			return nil, p != nil && p.CORERelos != 0 && f.linux.before(version{5, 17})
		},
	},
	{
		"kernel too old for a kind of BTF", "`EINVAL`, the log says `Invalid kind`",
		"the object's BTF has a {kind}, which needs Linux {since}, this is {release}: compile for an older one",
		btfKindTooNew,
	},
	{
		"kernel too old for a map type", "`EINVAL` when the map is created",
		"{type} needs Linux {since}, this is {release}",
		func(f *failure) (words, bool) {
			m := f.mapSpec()
			if m == nil || f.Errno != unix.EINVAL {
				return nil, false
			}
			return f.tooNew("{type}", mapTypesSince.at(m.Type))
		},
	},
	{
		"a map that cannot be", "`EINVAL` or `E2BIG` when the map is created",
		"this kernel has no map of its type with {attributes}",
		func(f *failure) (words, bool) {
			m := f.mapSpec()
			if m == nil || f.Errno != unix.EINVAL && f.Errno != unix.E2BIG {
				return nil, false
			}
			return words{"{attributes}", fmt.Sprintf("keys of %d bytes, values of %d, %d entries and the flags %#x",
				m.KeySize, m.ValueSize, f.maps[f.spec.Steps[f.Step].Index].MaxEntries(), m.Flags)}, true
		},
	},
	{
		"a field that the map cannot have", "`EOPNOTSUPP` when the map is created",
		"its value has a bpf_timer, bpf_spin_lock, kptr or the like, which this kernel does not take in maps of this type",
		func(f *failure) (words, bool) { return nil, f.Errno == unix.EOPNOTSUPP && f.mapSpec() != nil },
	},
	{
		"kernel too old for a program type, or a way to attach", "`EINVAL` when the program is loaded",
		"{type} needs Linux {since}, this is {release}",
		func(f *failure) (words, bool) {
			p := f.programSpec()
			if p == nil || f.Errno != unix.EINVAL && f.Errno != unix.E2BIG {
				return nil, false
			}
			if w, ok := f.tooNew("{type}", programTypesSince.at(p.Type)); ok {
				return w, true
			}
			return f.tooNew("{type}", attachTypesSince.at(p.AttachType))
		},
	},
	{
		"kernel too old for a helper", "`EINVAL`, the log says `invalid func unknown#N`",
		"{helper} needs Linux {since}, this is {release}",
		func(f *failure) (words, bool) { return f.tooNew("{helper}", helpersSince.at(f.unknownHelper())) },
	},
	{
		"a helper of other kinds of programs", "`EINVAL`, the log says `unknown func`, or that a program of this type cannot use it",
		"this kernel, {release}, does not have {helper} for programs of section {section}",
		func(f *failure) (words, bool) {
			p, helper := f.programSpec(), f.refusedHelper()
			if p == nil || helper == "" {
				return nil, false
			}
			return words{"{helper}", helper, "{section}", p.Section}, true
		},
	},
	{
		"a helper for GPL programs only", "`EINVAL`, the log says `cannot call GPL`",
		"the license of the object, in its section \"license\", has to be compatible with the GPL for this",
		func(f *failure) (words, bool) {
			return nil, f.Errno == unix.EINVAL && strings.Contains(f.Log, "cannot call GPL")
		},
	},

	{
		"no JIT", "`ENOTSUPP`, 524",
		"this needs the JIT compiler: {how}",
		func(f *failure) (words, bool) {
			how := "sysctl net.core.bpf_jit_enable=1"
			if f.jit == "" {
				how = "this kernel, " + f.release + ", is built without CONFIG_BPF_JIT"
			}
			return words{"{how}", how}, f.programSpec() != nil && f.jit != "1" && f.jit != "2" && f.Errno == enotsupp
		},
	},

	// Something that the object wants is not there.
	{
		"the kernel has no BTF", "`ENOENT` or `EINVAL` for what is looked up, `EINVAL` for CO-RE",
		"this kernel, {release}, has no BTF of its own: it needs CONFIG_DEBUG_INFO_BTF",
		func(f *failure) (words, bool) {
			p := f.programSpec()
			return nil, !f.kernelBTF && (f.finds() || p != nil && p.CORERelos != 0)
		},
	},
	{
		"module not loaded, for an attach target", "`ENOENT`",
		"module {module} is not loaded: modprobe {module}",
		func(f *failure) (words, bool) {
			t := f.targetSpec()
			if t == nil || f.Errno != unix.ENOENT || t.Module == "" {
				return nil, false
			}
			return words{"{module}", t.Module}, !f.hasModule(t.Module)
		},
	},
	{
		"attach target not found", "`ENOENT`",
		"{what}",
		func(f *failure) (words, bool) {
			t := f.targetSpec()
			if t == nil || f.Errno != unix.ENOENT {
				return nil, false
			}
			return words{"{what}", t.advice()}, true
		},
	},
	{
		"module not loaded, for a kfunc", "`ENOENT`",
		"it is in module {module}, which is not loaded: modprobe {module}",
		func(f *failure) (words, bool) {
			module := f.moduleOfKfunc()
			return words{"{module}", module}, module != "" && !f.hasModule(module)
		},
	},
	{
		"extern not found", "`ENOENT`",
		"load the module that has it, if one does; declare it __weak and check for it where the program can do without",
		func(f *failure) (words, bool) { return nil, f.externKind() != 0 && f.Errno == unix.ENOENT },
	},

	// Something that is there is in the way.
	{
		"an arena's address is taken", "`EBUSY` or `EEXIST` when the arena is mapped",
		"the source gives the arena the address {address} (map_extra), and something else is there in this process: another skeleton of the object, maybe",
		func(f *failure) (words, bool) {
			m := f.mappedSpec()
			if m == nil || m.Type != mapTypeArena || f.Errno != unix.EBUSY && f.Errno != unix.EEXIST {
				return nil, false
			}
			return words{"{address}", hex(m.Extra)}, true
		},
	},

	// Nothing of all that.
	{
		"refused in spite of all capabilities", "`EPERM`",
		"the process has the capabilities for it: a security module refuses it, or this kernel, {release}, is built without what it needs",
		func(f *failure) (words, bool) { return nil, f.Errno == unix.EPERM && f.Step >= 0 },
	},
}
