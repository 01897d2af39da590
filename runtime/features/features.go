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

// Feature is a kernel feature other than a type of map, a type of program, or a helper.
type Feature uint8

// Features that [Supports] knows, with the first Linux version that has each.
const (
	RingBuf       Feature = iota + 1 // ring buffers (5.8)
	UserRingBuf                      // ring buffers from user space to programs (6.1)
	Arena                            // memory shared by programs and user space (6.9)
	BPFCookie                        // links for perf events, with cookies: kprobes, uprobes, tracepoints (5.15)
	KprobeMulti                      // kprobes on many functions with one link (5.18)
	KprobeSession                    // one program at both entry and return of functions (6.10)
	UprobeMulti                      // uprobes on many functions with one link (6.6)
	TracingMulti                     // fentry and fexit on many functions with one link (7.2)
	TCX                              // tc programs with links (6.6)
	Netkit                           // netkit devices (6.7)
	Netfilter                        // netfilter programs (6.4)
	LSM                              // programs at security hooks, if bpf was among the LSMs at boot (5.7)
	Token                            // BPF tokens (6.9)
	KernelCORE                       // CO-RE in the kernel, which light skeletons need (5.17)
)

var featureNames = [...]string{
	RingBuf: "ring buffers", UserRingBuf: "user ring buffers", Arena: "arenas", BPFCookie: "links for perf events",
	KprobeMulti: "kprobe.multi", KprobeSession: "kprobe.session", UprobeMulti: "uprobe.multi", TracingMulti: "fentry.multi",
	TCX: "TCX", Netkit: "netkit", Netfilter: "netfilter programs", LSM: "BPF LSM", Token: "BPF tokens", KernelCORE: "CO-RE in the kernel",
}

// String returns a readable name of the feature, such as "ring buffers".
func (f Feature) String() string {
	if int(f) < len(featureNames) && featureNames[f] != "" {
		return featureNames[f]
	}
	return "feature " + strconv.Itoa(int(f))
}

// Supports reports whether the kernel supports a feature: it returns nil if it does. See the
// package documentation for errors.
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

// A question identifies a probe.
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

var answers sync.Map // question to error, for questions that have been answered

// answer runs ask unless the answer is cached. Two goroutines may ask at the same time, and get the
// same answer.
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

// unsupported says what the kernel does not support.
type unsupported struct{ text string }

func (e *unsupported) Error() string { return e.text }
func (e *unsupported) Unwrap() error { return errors.ErrUnsupported }

// no returns the answer for a missing feature. The kernel is too old, or was built without it.
func no(what, tooNew string) error {
	if tooNew != "" {
		return &unsupported{tooNew}
	}
	return &unsupported{"this kernel (" + sys.Release() + ") does not support " + what}
}

func orNil(tooNew string) error {
	if tooNew == "" {
		return nil
	}
	return &unsupported{tooNew}
}

// cannotTell says what prevented an answer.
type cannotTell struct {
	what  string
	errno unix.Errno
}

func (e *cannotTell) Error() string {
	return "cannot find out whether this kernel supports " + e.what + ": " + e.errno.Error()
}
func (e *cannotTell) Unwrap() error { return e.errno }

// haveLSM probes the program type, and checks whether BPF LSM is enabled.
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
	return &unsupported{"BPF LSM is not enabled: the active LSMs are " + strings.TrimSpace(string(list)) + "; add bpf to lsm= on the kernel command line"}
}

// haveToken tries to create a token of something that is not a BPF file system.
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
