package load

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// kernelFact returns the value of a variable that begins with LINUX_, a property of the running
// kernel that is in no configuration. Package loader accepts no other names.
func kernelFact(name string) (uint64, error) {
	switch name {
	case "LINUX_KERNEL_VERSION":
		return kernelVersionCode()
	case "LINUX_HAS_BPF_COOKIE":
		return number(hasCookies()), nil
	case "LINUX_HAS_SYSCALL_WRAPPER":
		return number(hasSyscallWrappers()), nil
	}
	return 0, errors.New("unknown")
}

func number(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// kernelVersionCode returns the kernel's own LINUX_VERSION_CODE. Ubuntu and Debian do not change
// the last number of a release when they take a new version from upstream; they report that version
// elsewhere (libbpf's get_kernel_version).
func kernelVersionCode() (uint64, error) {
	// Ubuntu 5.4.0-12.15-generic 5.4.8
	if signature, err := sys.ReadFile("/proc/version_signature"); err == nil {
		if fields := strings.Fields(string(signature)); len(fields) > 2 {
			if code := versionCode(fields[2]); code != 0 {
				return code, nil
			}
		}
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return 0, os.NewSyscallError("uname", err)
	}
	// #1 SMP Debian 4.19.260-1 (2022-09-29)
	if _, debian, ok := strings.Cut(unix.ByteSliceToString(uts.Version[:]), "Debian "); ok {
		if code := versionCode(debian); code != 0 {
			return code, nil
		}
	}
	release := unix.ByteSliceToString(uts.Release[:])
	if code := versionCode(release); code != 0 {
		return code, nil
	}
	return 0, fmt.Errorf("its release, %q, does not begin with three numbers", release)
}

// versionCode returns KERNEL_VERSION (include/uapi/linux/version.h) of the version that text begins
// with, or 0 if there is none.
func versionCode(text string) uint64 {
	major, rest, _ := strings.Cut(text, ".")
	minor, patch, _ := strings.Cut(rest, ".")
	numbers := [3]int{sys.LeadingNumber(major), sys.LeadingNumber(minor), sys.LeadingNumber(patch)}
	if min(numbers[0], numbers[1], numbers[2]) < 0 || strconv.Itoa(numbers[0]) != major || strconv.Itoa(numbers[1]) != minor {
		return 0
	}
	return uint64(numbers[0]<<16 + numbers[1]<<8 + min(numbers[2], 255))
}

// hasCookies reports whether programs can call bpf_get_attach_cookie (5.15). It loads one that
// does.
func hasCookies() bool {
	insns := [...]sys.Insn{{Code: sys.OpCall, Imm: sys.FuncGetAttachCookie}, {Code: sys.OpExit}}
	attr := sys.ProgLoadAttr{
		ProgType: sys.ProgTypeTracepoint,
		InsnCnt:  uint32(len(insns)),
		Insns:    sys.Addr(unsafe.Pointer(&insns)),
		License:  sys.Addr(unsafe.Pointer(&loaderLicense)),
	}
	for range maxAttempts {
		fd, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.KernVersion))
		runtime.KeepAlive(&insns)
		if errno == unix.EAGAIN {
			continue // a signal is pending
		}
		if errno == 0 {
			unix.Close(fd)
		}
		return errno == 0
	}
	return false
}

// syscallPrefix returns the prefix of system calls' names in kernels that wrap them, or "" if it is
// not known.
func syscallPrefix() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x64"
	case "386":
		return "ia32"
	case "riscv64":
		return "riscv"
	case "ppc64", "ppc64le":
		return "powerpc"
	case "mips", "mipsle", "mips64", "mips64le":
		return "mips"
	case "arm", "arm64", "s390x":
		return runtime.GOARCH
	}
	return ""
}

// hasSyscallWrappers reports whether system calls are functions such as __x64_sys_bpf. Like libbpf,
// it creates a kprobe there: a process that cannot create one has no use for the answer.
func hasSyscallWrappers() bool {
	text, err := sys.ReadFile("/sys/bus/event_source/devices/kprobe/type")
	prefix := syscallPrefix()
	if err != nil || prefix == "" {
		return false
	}
	addr, keep := sys.CString("__" + prefix + "_sys_bpf")
	attr := unix.PerfEventAttr{Type: uint32(max(sys.LeadingNumber(string(text)), 0)), Ext1: addr}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, os.Getpid(), -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	runtime.KeepAlive(keep)
	if err != nil {
		return false
	}
	unix.Close(fd)
	return true
}
