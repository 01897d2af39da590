package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/sys/unix"
)

// machine describes where and with which versions a run was measured.
type machine struct {
	CPU, Kernel, Memory string
	CPUs                int
	Versions            [][2]string
}

func describeMachine() machine {
	m := machine{CPUs: runtime.NumCPU()}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		// Only the version proper: suffixes of distributions and clouds do not matter here.
		m.Kernel, _, _ = strings.Cut(unix.ByteSliceToString(uts.Release[:]), "-")
		m.Kernel = "Linux " + m.Kernel + ", " + unix.ByteSliceToString(uts.Machine[:])
	}
	m.CPU = field("/proc/cpuinfo", "model name")
	m.Memory = field("/proc/meminfo", "MemTotal")
	m.Versions = [][2]string{
		{"Go", runtime.Version()},
		{"cilium/ebpf", moduleVersion("github.com/cilium/ebpf")},
		{"bpftool", firstLine(output("bpftool", "version"))},
		{"libbpf", strings.TrimSpace(output("dpkg-query", "-W", "-f", "${Version}", "libbpf1"))},
		{"clang", firstLine(output("clang", "--version"))},
		{"gcc", firstLine(output("gcc", "--version"))},
	}
	return m
}

// field returns the value of a key in a file with lines like "key : value".
func field(path, key string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return dep.Version
		}
	}
	return ""
}

func output(name string, args ...string) string {
	out, _ := exec.Command(name, args...).Output()
	return string(out)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// describeGo returns the parts of the Go version that affect what a program allocates.
func describeGo() string { return runtime.Version() }
