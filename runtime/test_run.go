package runtime

import (
	"fmt"
	"math"
	"runtime"
	"time"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
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
	// any different for it, but with TestXDPLiveFrames.
	Repeat int
	// Room is how many bytes the packet may have afterwards. 0 means 4096 more
	// than Data.
	Room int
	// Flags are BPF_F_TEST_*, CPU goes with BPF_F_TEST_RUN_ON_CPU.
	Flags, CPU uint32
	// BatchSize is how many frames are in flight at once with TestXDPLiveFrames, at most 256; 0
	// means 64.
	BatchSize uint32
}

// TestXDPLiveFrames, in the flags of an [XDPTest], has the kernel send Repeat frames of Data where
// the program says, as if they had come in at the interface of the context, rather than only run
// the program (5.18). There are neither data nor a context nor a return value afterwards.
const TestXDPLiveFrames = sys.FlagTestXDPLiveFrames

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
	num, err := p.acquire(opTestRun)
	if err != nil {
		return res, err
	}
	defer p.fd.release()
	if err := checkTestRun(p, run.Repeat, run.Room); err != nil {
		return res, err
	}
	live := run.Flags&TestXDPLiveFrames != 0
	if live {
		// A run that is interrupted cannot be done over: it has sent some of the frames.
		unlock, err := load.LockThread()
		if err != nil {
			return res, p.fail(opTestRun, err)
		}
		defer unlock()
	}

	attr := sys.ProgRunAttr{ProgFd: uint32(num), Repeat: uint32(run.Repeat), Flags: run.Flags, Cpu: run.CPU, BatchSize: run.BatchSize}
	if len(run.Data) > 0 {
		if run.Room == 0 {
			run.Room = len(run.Data) + 4096
		}
		attr.DataIn, attr.DataSizeIn = sys.Addr(unsafe.Pointer(&run.Data[0])), uint32(len(run.Data))
		if !live {
			res.Data = make([]byte, run.Room)
			attr.DataOut = sys.Addr(unsafe.Pointer(&res.Data[0]))
		}
	}
	var out *C
	if run.Context != nil && unsafe.Sizeof(*run.Context) > 0 {
		attr.CtxIn, attr.CtxSizeIn = sys.Addr(unsafe.Pointer(run.Context)), uint32(unsafe.Sizeof(*out))
		if !live {
			out = new(C)
			attr.CtxOut = sys.Addr(unsafe.Pointer(out))
		}
	}
	for try := 1; ; try++ {
		attr.DataSizeOut = uint32(len(res.Data))
		if out != nil {
			attr.CtxSizeOut = attr.CtxSizeIn
		}
		_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&attr), testRunSize(&attr))
		if errno == unix.EINTR && try < testRunTries {
			continue
		}
		runtime.KeepAlive(run)
		if errno != 0 {
			return TestResult[R, C]{}, p.fail(opTestRun, errno)
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

const opTestRun = "test run"

// checkTestRun refuses numbers that would not get into an attr as they are.
func checkTestRun(p *Program, repeat, room int) error {
	var err error
	switch {
	case repeat < 0 || uint64(repeat) > math.MaxUint32:
		err = fmt.Errorf("a Repeat of %d is not a number of runs: %w", repeat, unix.EINVAL)
	case room < 0 || uint64(room) > math.MaxInt32:
		err = fmt.Errorf("a Room of %d is not a number of bytes: %w", room, unix.EINVAL)
	default:
		return nil
	}
	return p.fail(opTestRun, err)
}

// testRunSize leaves out the fields that kernels before 5.18 do not know, unless one of them is
// set.
func testRunSize(attr *sys.ProgRunAttr) uintptr {
	if attr.BatchSize != 0 {
		return unsafe.Sizeof(*attr)
	}
	return unsafe.Offsetof(attr.BatchSize)
}
