package features

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Feature is something other than a type or helper that only some kernels have.
type Feature uint8

// The features that [Supports] knows. The version is that of the first Linux that has it.
const (
	RingBuf       Feature = iota + 1 // ring buffers (5.8)
	UserRingBuf                      // ring buffers from user space to programs (6.1)
	Arena                            // memory shared by programs and user space (6.9)
	BPFCookie                        // links of perf events, with cookies: kprobes, uprobes, tracepoints (5.15)
	KprobeMulti                      // kprobes of many functions with one link (5.18)
	KprobeSession                    // a program at entry and return of functions (6.10)
	UprobeMulti                      // uprobes of many functions with one link (6.6)
	TracingMulti                     // fentry and fexit of many functions with one link (7.2)
	TCX                              // tc programs with links (6.6)
	Netkit                           // netkit devices (6.7)
	Netfilter                        // netfilter programs (6.4)
	LSM                              // programs at security hooks, if the machine was booted with bpf among its LSMs (5.7)
	Token                            // BPF tokens (6.9)
	KernelCORE                       // CO-RE by the kernel, which light skeletons need (5.17)
)

var featureNames = [...]string{
	RingBuf: "ring buffers", UserRingBuf: "user ring buffers", Arena: "arenas", BPFCookie: "links of perf events",
	KprobeMulti: "kprobe.multi", KprobeSession: "kprobe.session", UprobeMulti: "uprobe.multi", TracingMulti: "fentry.multi",
	TCX: "TCX", Netkit: "netkit", Netfilter: "netfilter programs", LSM: "BPF LSM", Token: "BPF tokens", KernelCORE: "CO-RE by the kernel",
}

// String returns the feature in words.
func (f Feature) String() string {
	if int(f) < len(featureNames) && featureNames[f] != "" {
		return featureNames[f]
	}
	return "feature " + strconv.Itoa(int(f))
}

// Supports reports whether the kernel has a feature; see the package's documentation for its
// answers.
func Supports(f Feature) error {
	return answer(question{feature, uint32(f), 0}, func() error {
		switch f {
		case RingBuf:
			return MapType(sys.MapTypeRingBuf)
		case UserRingBuf:
			return MapType(sys.MapTypeUserRingBuf)
		case Arena:
			return MapType(sys.MapTypeArena)
		case Netfilter:
			return ProgramType(sys.ProgTypeNetfilter)
		case LSM:
			return haveLSM()
		case Token:
			return haveToken()
		case KernelCORE:
			return orNil(explain.TooNew(f.String(), sys.Version{5, 17}))
		}
		for i := range linkProbes {
			if linkProbes[i].feature == f {
				return linkProbes[i].run()
			}
		}
		return &cannotTell{f.String(), unix.EINVAL}
	})
}

// A question is what has been asked.
type question struct {
	about subject
	a, b  uint32
}

type subject uint8

const (
	feature subject = iota
	mapType
	programType
	helper
)

var answers sync.Map // question to error, of those that were answered

// answer asks what has not been asked before. Two goroutines may ask at once, and get the same
// answer.
func answer(q question, ask func() error) error {
	if known, ok := answers.Load(q); ok {
		err, _ := known.(error)
		return err
	}
	err := ask()
	if err == nil || errors.Is(err, errors.ErrUnsupported) {
		answers.Store(q, err)
	}
	return err
}

// unsupported says what the kernel does not have.
type unsupported struct{ text string }

func (e *unsupported) Error() string { return e.text }
func (e *unsupported) Unwrap() error { return errors.ErrUnsupported }

// no is the answer for what is missing: too old a kernel, or one that was built without it.
func no(what, tooNew string) error {
	if tooNew != "" {
		return &unsupported{tooNew}
	}
	return &unsupported{"this kernel, " + sys.Release() + ", has no " + what}
}

func orNil(tooNew string) error {
	if tooNew == "" {
		return nil
	}
	return &unsupported{tooNew}
}

// cannotTell is what has kept a question from being answered.
type cannotTell struct {
	what  string
	errno unix.Errno
}

func (e *cannotTell) Error() string {
	return "whether this kernel has " + e.what + " cannot be told: " + e.errno.Error()
}
func (e *cannotTell) Unwrap() error { return e.errno }

// haveLSM asks for the program type, and whether the hooks are in use.
func haveLSM() error {
	if err := ProgramType(sys.ProgTypeLSM); err != nil {
		return err
	}
	list, err := sys.ReadFile("/sys/kernel/security/lsm")
	if err != nil {
		return err
	}
	for _, name := range strings.Split(strings.TrimSpace(string(list)), ",") {
		if name == "bpf" {
			return nil
		}
	}
	return &unsupported{"this kernel was booted without bpf among its LSMs, which are " + strings.TrimSpace(string(list)) + ": add it with lsm= on the kernel's command line"}
}

// haveToken asks for a token of what is no BPF file system.
func haveToken() error {
	attr := struct{ flags, bpffsFD uint32 }{0, 1<<32 - 1}
	_, errno := sys.BPF(sys.CmdTokenCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	switch errno {
	case unix.EBADF:
		return nil
	case unix.EINVAL:
		return no("BPF tokens", explain.TooNew("BPF tokens", sys.Version{6, 9}))
	}
	return &cannotTell{"BPF tokens", errno}
}
