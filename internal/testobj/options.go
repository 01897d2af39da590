package testobj

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// Options says how an object is compiled. The zero value is what most tests want.
type Options struct {
	// CC is the compiler. Default: $BPF2LSKEL_TEST_CC, or "clang".
	CC string
	// Target is "bpfel" or "bpfeb". Default: this machine's byte order.
	Target string
	// CPU is the BPF instruction set, clang's -mcpu. Default: "v3".
	CPU string
	// Strip removes DWARF, as most distributed objects have it.
	Strip bool
	// NoDebug compiles without -g, hence without BTF.
	NoDebug bool
	// CFlags are added to the command line.
	CFlags []string
}

func (o Options) withDefaults() Options {
	if o.CC == "" {
		o.CC = os.Getenv("BPF2LSKEL_TEST_CC")
	}
	if o.CC == "" {
		o.CC = "clang"
	}
	if o.Target == "" {
		o.Target = NativeTarget()
	}
	if o.CPU == "" {
		o.CPU = "v3"
	}
	return o
}

// NativeTarget is clang's name for BPF in this machine's byte order.
func NativeTarget() string {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return "bpfel"
	}
	return "bpfeb"
}

// isDefault reports whether precompiled objects, which are all compiled one way, answer these
// options. Compiler and instruction set are left to whoever compiled them, but only where nobody
// asks for one.
func (o Options) isDefault() bool {
	return o.CC == "" && (o.Target == "" || o.Target == NativeTarget()) &&
		o.CPU == "" && !o.Strip && !o.NoDebug && len(o.CFlags) == 0
}

// args is the compiler's command line, less input and output.
func (o Options) args(root string) []string {
	args := []string{
		"-O2", "-Wall", "-target", o.Target, "-mcpu=" + o.CPU,
		// What the compiler writes about paths must not depend on where the checkout is.
		"-ffile-prefix-map=" + root + "=.",
		"-I", "testdata/include",
	}
	if !o.NoDebug {
		args = append(args, "-g")
	}
	if dir := asmTypesDir(); dir != "" {
		// linux/types.h includes asm/types.h, which Debian keeps in a directory that is not
		// searched for this target.
		args = append(args, "-idirafter", dir)
	}
	return append(args, o.CFlags...)
}

// tool is another program of LLVM, of the same version as the compiler if there is one of that
// version.
func (o Options) tool(name string) string {
	same := strings.Replace(o.CC, "clang", name, 1)
	if _, err := exec.LookPath(same); err != nil {
		return name
	}
	return same
}

// asmTypesDir is the directory that holds this machine's asm/types.h, or "" if that needs no help.
func asmTypesDir() string {
	triplets := map[string]string{
		"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "s390x": "s390x-linux-gnu",
		"riscv64": "riscv64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu",
	}
	dirs := []string{"/usr/include/" + triplets[runtime.GOARCH]}
	i := slices.IndexFunc(dirs, func(dir string) bool {
		_, err := os.Stat(dir + "/asm/types.h")
		return err == nil
	})
	if i < 0 {
		return ""
	}
	return dirs[i]
}
