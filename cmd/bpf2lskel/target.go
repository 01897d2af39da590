package main

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// arch holds the names of a GOARCH elsewhere.
type arch struct {
	clang string // target of clang for its byte order: bpfel or bpfeb
	linux string // as in __TARGET_ARCH_x86; "" if bpf_tracing.h does not support it
	multi string // Debian's directory below /usr/include
}

var arches = map[string]arch{
	"386":      {"bpfel", "x86", "i386-linux-gnu"},
	"amd64":    {"bpfel", "x86", "x86_64-linux-gnu"},
	"arm":      {"bpfel", "arm", "arm-linux-gnueabihf"},
	"arm64":    {"bpfel", "arm64", "aarch64-linux-gnu"},
	"loong64":  {"bpfel", "loongarch", "loongarch64-linux-gnu"},
	"mips":     {"bpfeb", "mips", "mips-linux-gnu"},
	"mipsle":   {"bpfel", "", "mipsel-linux-gnu"},
	"mips64":   {"bpfeb", "", "mips64-linux-gnuabi64"},
	"mips64le": {"bpfel", "", "mips64el-linux-gnuabi64"},
	"ppc64":    {"bpfeb", "powerpc", "powerpc64-linux-gnu"},
	"ppc64le":  {"bpfel", "powerpc", "powerpc64le-linux-gnu"},
	"riscv64":  {"bpfel", "riscv", "riscv64-linux-gnu"},
	"s390x":    {"bpfeb", "s390", "s390x-linux-gnu"},
}

// A target is what an object is compiled for.
type target struct {
	clang  string
	linux  string   // "" for any
	goarch []string // what the generated code is built for
	name   string   // as given
}

// suffix returns the part of file names that identifies the target. It must not end in a GOARCH,
// which the go command would take for a build constraint.
func (t target) suffix() string {
	if t.linux == "" {
		return t.clang
	}
	return t.linux + "_" + t.clang
}

// findTarget parses one target of -target.
func findTarget(name string) (target, error) {
	t := target{name: name, clang: name}
	match := func(a arch) bool { return a.clang == t.clang }
	switch name {
	case "bpfel", "bpfeb":
	case "bpf":
		t.clang = arches[runtime.GOARCH].clang
	default:
		goarch := name
		if name == "native" {
			goarch = runtime.GOARCH
		}
		a, ok := arches[goarch]
		if !ok || a.linux == "" {
			return t, fmt.Errorf("unknown target %q: want one of bpf, bpfel, bpfeb, native, %s", name, strings.Join(targetNames(), ", "))
		}
		t.clang, t.linux = a.clang, a.linux
		match = func(b arch) bool { return b.clang == a.clang && b.linux == a.linux }
	}
	for _, goarch := range slices.Sorted(maps.Keys(arches)) {
		if match(arches[goarch]) {
			t.goarch = append(t.goarch, goarch)
		}
	}
	return t, nil
}

// findTargets parses the list of -target, in which two targets must not be for the same GOARCH.
func findTargets(list string) ([]target, error) {
	var targets []target
	taken := map[string]string{}
	for name := range strings.SplitSeq(list, ",") {
		t, err := findTarget(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		for _, goarch := range t.goarch {
			if other := taken[goarch]; other != "" {
				return nil, fmt.Errorf("-target %s,%s: both are for GOARCH %s: remove one", other, t.name, goarch)
			}
			taken[goarch] = t.name
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// targetNames returns the GOARCHs that -target accepts.
func targetNames() []string {
	var names []string
	for goarch, a := range arches {
		if a.linux != "" {
			names = append(names, goarch)
		}
	}
	slices.Sort(names)
	return names
}

// suffixes returns the suffixes of all targets.
var suffixes = sync.OnceValue(func() []string {
	list := []string{"bpfel", "bpfeb"}
	for _, a := range arches {
		if suffix := a.linux + "_" + a.clang; a.linux != "" && !slices.Contains(list, suffix) {
			list = append(list, suffix)
		}
	}
	return list
})
