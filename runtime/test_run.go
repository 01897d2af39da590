package runtime

import (
	"runtime"
	"time"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// TestRun is what a test run of a program (BPF_PROG_TEST_RUN) is given. C is
// the type of the program's context.
type TestRun[C any] struct {
	// Data is the packet, with its Ethernet header: at least 14 bytes.
	Data []byte
	// Context is what the program finds in its context, nil for the kernel's defaults.
	Context *C
	// Repeat is how often the program is run; 0 means once. Only Duration is
	// any different for it.
	Repeat int
	// Room is how many bytes the packet may have afterwards. 0 means 4096 more
	// than Data.
	Room int
	// Flags are BPF_F_TEST_*, CPU goes with BPF_F_TEST_RUN_ON_CPU.
	Flags, CPU uint32
}

// TestResult is what a test run gives.
type TestResult[R ~uint32, C any] struct {
	// Return is what the program has returned.
	Return R
	// Data is the packet as the program has left it.
	Data []byte
	// Context is the context as the program has left it, if one was given.
	Context C
	// Duration is how long the program took, the mean of all runs.
	Duration time.Duration
}

// NoContext is the context of programs that are tested without one.
type NoContext struct{}

// A test run ends early when a signal arrives (bpf_test_timer_continue), and Go sends
// itself signals to preempt goroutines.
const testRunTries = 100

// testRun runs p. Which of the fields may be set is for the kernel to say.
func testRun[R ~uint32, C any](p *Program, run TestRun[C]) (TestResult[R, C], error) {
	var res TestResult[R, C]
	num, err := p.fd.acquire()
	if err != nil {
		return res, p.fail("test run", err)
	}
	defer p.fd.release()

	attr := sys.ProgRunAttr{ProgFd: uint32(num), Repeat: uint32(run.Repeat), Flags: run.Flags, Cpu: run.CPU}
	if len(run.Data) > 0 {
		if run.Room == 0 {
			run.Room = len(run.Data) + 4096
		}
		res.Data = make([]byte, run.Room)
		attr.DataIn, attr.DataSizeIn = sys.Addr(unsafe.Pointer(&run.Data[0])), uint32(len(run.Data))
		attr.DataOut = sys.Addr(unsafe.Pointer(&res.Data[0]))
	}
	var out *C
	if run.Context != nil && unsafe.Sizeof(*run.Context) > 0 {
		out = new(C)
		attr.CtxIn, attr.CtxSizeIn = sys.Addr(unsafe.Pointer(run.Context)), uint32(unsafe.Sizeof(*out))
		attr.CtxOut = sys.Addr(unsafe.Pointer(out))
	}
	for try := 1; ; try++ {
		attr.DataSizeOut, attr.CtxSizeOut = uint32(len(res.Data)), attr.CtxSizeIn
		_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&attr), testRunSize(&attr))
		if errno == unix.EINTR && try < testRunTries {
			continue
		}
		runtime.KeepAlive(run)
		if errno != 0 {
			return TestResult[R, C]{}, p.fail("test run", errno)
		}
		break
	}
	res.Return = R(attr.Retval)
	res.Data = res.Data[:min(int(attr.DataSizeOut), len(res.Data))]
	res.Duration = time.Duration(attr.Duration)
	if out != nil {
		res.Context = *out
	}
	return res, nil
}

// testRunSize leaves out the fields that kernels before 5.18 do not know.
func testRunSize(attr *sys.ProgRunAttr) uintptr { return unsafe.Offsetof(attr.BatchSize) }
