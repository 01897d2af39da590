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

// TestRun is the input of a test run of a program (BPF_PROG_TEST_RUN). C is the type of the
// program's context.
type TestRun[C any] struct {
	// Data is the packet, with its Ethernet header: at least 14 bytes.
	Data []byte
	// Context is the program's context. Nil means the kernel's defaults.
	Context *C
	// Repeat is how often the program is run. Zero means once. It affects only Duration, except
	// with TestXDPLiveFrames.
	Repeat int
	// Room is the maximum size of the resulting packet, in bytes. Zero means 4096 more than Data.
	Room int
	// Flags are BPF_F_TEST_*. CPU is used with BPF_F_TEST_RUN_ON_CPU.
	Flags, CPU uint32
	// BatchSize is how many frames are in flight at once with TestXDPLiveFrames, at most 256. Zero
	// means 64.
	BatchSize uint32
}

// TestXDPLiveFrames is a flag for [XDPTest]. Instead of only running the program, the kernel sends
// Repeat frames of Data where the program directs them, as if they had arrived at the context's
// interface (5.18). The result has no data, context or return value.
const TestXDPLiveFrames = sys.FlagTestXDPLiveFrames

// TestResult is the result of a test run.
type TestResult[R ~uint32, C any] struct {
	// Return is the program's return value.
	Return R
	// Data is the packet after the run.
	Data []byte
	// Context is the context after the run, if one was given.
	Context C
	// Duration is how long a run took, on average.
	Duration time.Duration
}

// NoContext is the context of programs that are run without one.
type NoContext struct{}

// A test run ends early when a signal arrives (bpf_test_timer_continue), and Go sends
// itself signals to preempt goroutines.
const testRunTries = 100

// testRun runs p. The kernel decides which fields may be set.
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
		// An interrupted run cannot be repeated, because it has sent some of the frames.
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

// checkTestRun rejects numbers that do not fit into an attr.
func checkTestRun(p *Program, repeat, room int) error {
	var err error
	switch {
	case repeat < 0 || uint64(repeat) > math.MaxUint32:
		err = fmt.Errorf("invalid Repeat %d: %w", repeat, unix.EINVAL)
	case room < 0 || uint64(room) > math.MaxInt32:
		err = fmt.Errorf("invalid Room %d: %w", room, unix.EINVAL)
	default:
		return nil
	}
	return p.fail(opTestRun, err)
}

// testRunSize omits the fields that kernels before 5.18 do not have, unless one of them is set.
func testRunSize(attr *sys.ProgRunAttr) uintptr {
	if attr.BatchSize != 0 {
		return unsafe.Sizeof(*attr)
	}
	return unsafe.Offsetof(attr.BatchSize)
}
