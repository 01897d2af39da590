package testobj

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// Options are compiler options. The zero value is right for most tests.
type Options struct {
	// CC is the compiler. Default: $BPF2LSKEL_TEST_CC, or "clang".
	CC string
	// Target is "bpfel" or "bpfeb". Default: this machine's byte order.
	Target string
	// CPU is the BPF instruction set, clang's -mcpu. Default: "v3".
	CPU string
	// Strip removes DWARF, as in most distributed objects.
	Strip bool
	// NoDebug compiles without -g, and so without BTF.
	NoDebug bool
	// CFlags are appended to the command line.
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

// NativeTarget returns clang's name for BPF in this machine's byte order.
func NativeTarget() string {
	one := uint16(1)
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		return "bpfel"
	}
	return "bpfeb"
}

// isDefault reports whether precompiled objects, which are all compiled with the same options, are
// right for these. The compiler and instruction set do not matter unless they are set.
func (o Options) isDefault() bool {
	return o.CC == "" && (o.Target == "" || o.Target == NativeTarget()) &&
		o.CPU == "" && !o.Strip && !o.NoDebug && len(o.CFlags) == 0
}

// args returns the compiler's command line without input and output.
func (o Options) args(root string) []string {
	args := []string{
		"-O2", "-Wall", "-target", o.Target, "-mcpu=" + o.CPU,
		// Paths that the compiler records must not depend on the location of the checkout.
		"-ffile-prefix-map=" + root + "=.",
		"-I", "testdata/include",
	}
	if !o.NoDebug {
		args = append(args, "-g")
	}
	if dir := asmTypesDir(); dir != "" {
		// linux/types.h includes asm/types.h, which Debian has in a directory that is not searched
		// for this target.
		args = append(args, "-idirafter", dir)
	}
	return append(args, o.CFlags...)
}

// tool returns another program of LLVM, in the compiler's version if that is available.
func (o Options) tool(name string) string {
	same := strings.Replace(o.CC, "clang", name, 1)
	if _, err := exec.LookPath(same); err != nil {
		return name
	}
	return same
}

// asmTypesDir returns the directory of this machine's asm/types.h, or "" if clang finds it.
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
