package runtime

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what can be said about the kernel, and about the calling thread's standing
// with it. It is asked only after a failure.
type machine struct {
	release string // uname -r
	linux   version
	// caps are the thread's effective capabilities, by number.
	caps         uint64
	userNS       bool   // the thread is not in the initial user namespace
	seccomp      bool   // a filter is active
	unprivileged string // kernel.unprivileged_bpf_disabled
	kptrRestrict string // kernel.kptr_restrict
	jit          string // net.core.bpf_jit_enable
	lockdown     string // "none", "integrity", "confidentiality", "" if there is no such thing
	kernelBTF    bool   // /sys/kernel/btf/vmlinux exists
	noFile       uint64 // RLIMIT_NOFILE, soft
	memLock      uint64 // RLIMIT_MEMLOCK, soft, bytes

	// hasModule tells whether a kernel module is loaded.
	hasModule func(name string) bool
}

// version is that of a kernel: major and minor.
type version [2]int

func (v version) before(w version) bool { return v[0] < w[0] || v[0] == w[0] && v[1] < w[1] }
func (v version) String() string        { return fmt.Sprintf("%d.%d", v[0], v[1]) }

// parseVersion reads the beginning of a release: "6.1.0-49-cloud-amd64". It is
// zero for what is none.
func parseVersion(release string) version {
	_, minor, _ := strings.Cut(release, ".")
	return version{max(leadingNumber(release), 0), max(leadingNumber(minor), 0)}
}

func lookAround() *machine {
	m := &machine{hasModule: hasModule}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		m.release = unix.ByteSliceToString(uts.Release[:])
		m.linux = parseVersion(m.release)
	}
	m.readStatus()
	ns := make([]byte, 64)
	if n, err := unix.Readlink("/proc/thread-self/ns/user", ns); err == nil {
		m.userNS = string(ns[:n]) != "user:[4026531837]" // PROC_USER_INIT_INO of linux/proc_ns.h
	}
	m.unprivileged = readLine("/proc/sys/kernel/unprivileged_bpf_disabled")
	m.kptrRestrict = readLine("/proc/sys/kernel/kptr_restrict")
	m.jit = readLine("/proc/sys/net/core/bpf_jit_enable")
	_, level, _ := strings.Cut(readLine("/sys/kernel/security/lockdown"), "[") // none [integrity] confidentiality
	m.lockdown, _, _ = strings.Cut(level, "]")
	m.kernelBTF = exists("/sys/kernel/btf/vmlinux")
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) == nil {
		m.noFile = limit.Cur
	}
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil {
		m.memLock = limit.Cur
	}
	return m
}

// readStatus reads what the calling thread may do. The load's thread is
// locked, and threads may differ.
func (m *machine) readStatus() {
	status, err := readFile("/proc/thread-self/status")
	if err != nil {
		m.caps = 1<<64 - 1 // nobody knows: blame nothing on it
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
	text, _ := readFile(file)
	return strings.TrimSpace(string(text))
}

func hasModule(name string) bool {
	return exists("/sys/module/" + strings.ReplaceAll(name, "-", "_"))
}
