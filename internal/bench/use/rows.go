package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// Parameters of the rows; c/use.c has the same numbers.
const (
	ringSize   = 1 << 20
	perfPages  = 64
	batch      = 128 // as in bench_use.bpf.c
	smallKeys  = 1000
	largeKeys  = 50000
	percpuKeys = 256
	operations = 10000
	chunk      = 1000
	attaching  = 50
	live       = 200000 // records of a row in which programs write while the reader reads
)

type value struct{ Packets, Bytes uint64 }

// sizes are the sizes of records, in bytes.
var sizes = []int{8, 48, 512, 4096}

// ringRecords returns how many records of a size fill a ring buffer, perfRecords how many fill the
// buffer of a perf event.
func ringRecords(size int) int { return ringSize / 10 * 9 / (size + 8) }

func perfRecords(size int) int { return perfPages * unix.Getpagesize() / 10 * 9 / (size + 24) }

// args are the arguments of fill_ring and fill_events.
type args struct{ Size, Count, Flags, Last uint64 }

const (
	noWakeup    = 1 // BPF_RB_NO_WAKEUP
	forceWakeup = 2 // BPF_RB_FORCE_WAKEUP
)

// filler is a program that writes records.
type filler int

// fill runs the program once and returns the number of records that it had room for.
func (f filler) fill(a args) (int, error) {
	// BPF_PROG_TEST_RUN: union bpf_attr, test
	attr := struct {
		prog, retval                   uint32
		dataSizeIn, dataSizeOut        uint32
		dataIn, dataOut                uint64
		repeat, duration               uint32
		ctxSizeIn, ctxSizeOut          uint32
		ctxIn, ctxOut                  uint64
		flags, cpu, batchSize, padding uint32
	}{prog: uint32(f), ctxSizeIn: uint32(unsafe.Sizeof(a)), ctxIn: sys.Addr(unsafe.Pointer(&a))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_TEST_RUN, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(&a)
	if errno != 0 {
		return 0, errno
	}
	if int32(attr.retval) < 0 {
		return 0, fmt.Errorf("the program returned %d", int32(attr.retval))
	}
	return int(attr.retval), nil
}

// fillWith writes n records, which must have room.
func (f filler) fillWith(n, size int) func() error {
	return func() error {
		for left := n; left > 0; {
			written, err := f.fill(args{Size: uint64(size), Count: uint64(min(left, batch))})
			if err != nil {
				return err
			}
			if written == 0 {
				return fmt.Errorf("no room for the last %d of %d records", left, n)
			}
			left -= written
		}
		return nil
	}
}

// A producer is a process that runs fill_ring. Programs usually run in other processes, and threads
// of this process would keep Go's scheduler from waking up the reader.
type producer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

// produceFlag is the first argument of such a process; the number of threads, the flags of records
// and the flags of the last record in a batch follow.
const produceFlag = "-produce"

// start starts a process whose threads together write live records when begin tells it to.
func (f filler) start(threads int, wake bool) (*producer, error) {
	flags, last := 0, 0
	if !wake {
		flags, last = noWakeup, forceWakeup
	}
	num, err := unix.FcntlInt(uintptr(f), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	prog := os.NewFile(uintptr(num), "fill_ring")
	defer prog.Close()
	p := &producer{cmd: exec.Command("/proc/self/exe", produceFlag, fmt.Sprint(threads), fmt.Sprint(flags), fmt.Sprint(last))}
	p.cmd.ExtraFiles, p.cmd.Stderr = []*os.File{prog}, os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_, err = out.Read(make([]byte, 1)) // it is ready
	return p, err
}

func (p *producer) begin() error {
	_, err := p.in.Write([]byte{'\n'})
	return err
}

// produce is the main function of a producer. Its threads try again while there is no room.
func produce(how []string) error {
	var threads int
	a := args{Size: 48}
	if _, err := fmt.Sscan(strings.Join(how, " "), &threads, &a.Flags, &a.Last); err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := os.Stdin.Read(make([]byte, 1)); err != nil {
		return err
	}
	const prog = filler(3) // the first of ExtraFiles
	var left atomic.Int64
	left.Store(live)
	var all sync.WaitGroup
	errs := make([]error, threads)
	for i := range threads {
		all.Go(func() {
			for {
				a := a
				n := left.Add(-batch) + batch
				if n <= 0 {
					return
				}
				for a.Count = uint64(min(n, batch)); a.Count > 0; {
					written, err := prog.fill(a)
					if err != nil {
						errs[i] = err
						return
					}
					a.Count -= uint64(written)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// liveRows adds rows in which programs write while a peer reads n records.
func liveRows(b benches, f filler, read func(n int) (sum uint64, err error)) {
	for name, how := range map[string]struct {
		threads int
		wake    bool
	}{
		"ring 48 live":             {1, true},
		"ring 48 live, no wake-up": {1, false},
		"ring 48 live, 4 writers":  {4, true},
	} {
		var p *producer
		prepare := func() (err error) {
			p, err = f.start(how.threads, how.wake)
			return err
		}
		b[name] = bench{prepare: prepare, run: func() (int, error) {
			if err := p.begin(); err != nil {
				return 0, err
			}
			sum, err := read(live)
			if err == nil && sum != live {
				err = fmt.Errorf("sum %d of %d records", sum, live)
			}
			if err != nil {
				return 0, err
			}
			return live, nil
		}, after: func() error { return p.cmd.Wait() }}
	}
}

// drain is a row that reads n records whose first words are 1.
func drain(n int, prepare func() error, read func(n int) (sum uint64, err error)) bench {
	return bench{prepare: prepare, run: func() (int, error) {
		sum, err := read(n)
		if err == nil && sum != uint64(n) {
			err = fmt.Errorf("sum %d of %d records", sum, n)
		}
		return n, err
	}}
}

// repeat is a row that calls do with numbers from 0 on.
func repeat(n int, do func(i int) error) bench {
	return bench{run: func() (int, error) {
		for i := range n {
			if err := do(i); err != nil {
				return 0, err
			}
		}
		return n, nil
	}}
}
