package explain

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// machine holds facts about the kernel and the permissions of the calling thread.
type machine struct {
	release string // uname -r
	linux   sys.Version
	// caps are the thread's effective capabilities, by number.
	caps         uint64
	userNS       bool   // the thread is not in the initial user namespace
	seccomp      bool   // a filter is active
	unprivileged string // kernel.unprivileged_bpf_disabled
	kptrRestrict string // kernel.kptr_restrict
	jit          string // net.core.bpf_jit_enable
	lockdown     string // "none", "integrity", "confidentiality"; "" if unsupported
	kernelBTF    bool   // /sys/kernel/btf/vmlinux exists
	noFile       uint64 // RLIMIT_NOFILE, soft
	memLock      uint64 // RLIMIT_MEMLOCK, soft, bytes

	_ [0]func() // prevents generated comparison code
}

func thisMachine() machine {
	var m machine
	m.release = sys.Release()
	m.linux = sys.ParseVersion(m.release)
	m.readStatus()
	const initial = 0xEFFFFFFD // PROC_USER_INIT_INO of linux/proc_ns.h
	var ns unix.Stat_t
	m.userNS = unix.Stat("/proc/thread-self/ns/user", &ns) == nil && ns.Ino != initial
	m.unprivileged = readLine("/proc/sys/kernel/unprivileged_bpf_disabled")
	m.kptrRestrict = readLine("/proc/sys/kernel/kptr_restrict")
	m.jit = readLine("/proc/sys/net/core/bpf_jit_enable")
	_, level, _ := strings.Cut(readLine("/sys/kernel/security/lockdown"), "[") // none [integrity] confidentiality
	m.lockdown, _, _ = strings.Cut(level, "]")
	m.kernelBTF = sys.Exists("/sys/kernel/btf/vmlinux")
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		m.noFile = limit.Cur
	}
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil {
		m.memLock = limit.Cur
	}
	return m
}

// readStatus reads the permissions of the calling thread.
func (m *machine) readStatus() {
	status, err := sys.ReadFile("/proc/thread-self/status")
	if err != nil {
		m.caps = 1<<64 - 1 // unknown: assume that the thread has all
		return
	}
	for line := range bytes.Lines(status) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		switch value = strings.TrimSpace(value); name {
		case "CapEff":
			m.caps, _ = strconv.ParseUint(value, 16, 64)
		case "Seccomp":
			m.seccomp = value == "2" // SECCOMP_MODE_FILTER
		}
	}
}

func readLine(file string) string {
	text, _ := sys.ReadFile(file)
	return strings.TrimSpace(string(text))
}

// hasModule reports whether a kernel module is loaded.
func hasModule(name string) bool {
	return sys.Exists("/sys/module/" + strings.ReplaceAll(name, "-", "_"))
}
