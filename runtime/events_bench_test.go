package runtime

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/perf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// sample is a record of 48 bytes.
type sample struct {
	Number uint64
	Rest   [5]uint64
}

const (
	samplesPerRun = 100
	ringSamples   = 180 * samplesPerRun // 56 bytes each, of 1 MiB
	perfSamples   = 30 * samplesPerRun  // 64 bytes each, of 256 KiB
)

// emit returns a program that writes a number of samples.
func emit(call func() asm.Instructions) asm.Instructions {
	insns := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R2, 1)}
	for off := int16(-48); off < 0; off += 8 {
		insns = append(insns, asm.StoreMem(asm.RFP, off, asm.R2, asm.DWord))
	}
	for range samplesPerRun {
		insns = append(insns, call()...)
	}
	return append(insns, asm.Mov.Imm(asm.R0, 0), asm.Return())
}

// newSampleRing returns a ring buffer and a function that fills it.
func newSampleRing(b *testing.B) (*RingBuf[sample], func()) {
	m := newTestMap(b, sys.MapCreateAttr{MapType: sys.MapTypeRingBuf, MaxEntries: 1 << 20})
	p := NewSyscallProgram(newTestProgram(b, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeSyscall, Flags: sys.FlagSleepable},
		insns: emit(func() asm.Instructions {
			return asm.Instructions{
				asm.LoadMapPtr(asm.R1, m.FD()),
				asm.Mov.Reg(asm.R2, asm.RFP),
				asm.Add.Imm(asm.R2, -48),
				asm.Mov.Imm(asm.R3, 48),
				asm.Mov.Imm(asm.R4, 0),
				asm.FnRingbufOutput.Call(),
			}
		}),
	}))
	return NewRingBuf[sample](m), func() {
		for range ringSamples / samplesPerRun {
			if _, err := p.Run(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// newSampleArray returns a perf event array and a function that fills it.
func newSampleArray(b *testing.B) (*PerfEventArray[sample], func()) {
	cpus, err := PossibleCPUs()
	if err != nil {
		b.Fatal(err)
	}
	m := newTestMap(b, sys.MapCreateAttr{MapType: sys.MapTypePerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: uint32(cpus)})
	p := NewRawTracepointProgram(newTestProgram(b, testProgram{
		ProgramSpec: ProgramSpec{Type: sys.ProgTypeRawTracepoint},
		insns: emit(func() asm.Instructions {
			return asm.Instructions{
				asm.Mov.Reg(asm.R1, asm.R6),
				asm.LoadMapPtr(asm.R2, m.FD()),
				asm.LoadImm(asm.R3, 0xffffffff, asm.DWord), // BPF_F_CURRENT_CPU
				asm.Mov.Reg(asm.R4, asm.RFP),
				asm.Add.Imm(asm.R4, -48),
				asm.Mov.Imm(asm.R5, 48),
				asm.FnPerfEventOutput.Call(),
			}
		}),
	}))
	return NewPerfEventArray[sample](m), func() {
		for range perfSamples / samplesPerRun {
			if _, err := p.Test(RawTracepointArgs{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func ciliumMap(b *testing.B, m *Map) *ebpf.Map {
	num, err := m.DupFD()
	if err != nil {
		b.Fatal(err)
	}
	other, err := ebpf.NewMapFromFD(num)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { other.Close() })
	return other
}

// bareLoop is the least that reading a ring takes: a loop without any checks.
func bareLoop(r *ring) (n, sum uint64) {
	pos, end := atomic.LoadUint64(r.consumer), atomic.LoadUint64(r.producer)
	for ; pos != end; n++ {
		at := pos & (r.size - 1)
		header := atomic.LoadUint32((*uint32)(unsafe.Pointer(&r.data[at])))
		if header&ringBusy != 0 {
			break
		}
		sum += (*sample)(unsafe.Pointer(&r.data[at+ringHeader])).Number
		pos += (uint64(header&^ringDiscard) + ringHeader + 7) &^ 7
	}
	atomic.StoreUint64(r.consumer, pos)
	return n, sum
}

// BenchmarkEvents reads the same 48-byte records with this package's readers, with the cheapest
// ones of github.com/cilium/ebpf, and with a bare loop. It runs them in turn, each on a full
// buffer, and reports medians in ns per record.
func BenchmarkEvents(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		b.Fatal(err)
	}
	for cpu := range len(all) * 64 {
		if all.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil { // the buffer of one CPU
		b.Fatal(err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &all) }()

	ctx := b.Context()
	type contestant struct {
		name    string
		records int
		fill    func()
		drain   func() (n, sum uint64)
		took    []time.Duration
	}
	var contest []*contestant
	withRing := func(name string, open func(*RingBuf[sample]) func() (n, sum uint64)) {
		rb, fill := newSampleRing(b)
		contest = append(contest, &contestant{name: name, records: ringSamples, fill: fill, drain: open(rb)})
	}
	ours := func(drain func(r *RingBufReader[sample]) (n, sum uint64)) func(*RingBuf[sample]) func() (n, sum uint64) {
		return func(rb *RingBuf[sample]) func() (n, sum uint64) {
			r, err := rb.Reader()
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { r.Close() })
			return func() (n, sum uint64) { return drain(r) }
		}
	}
	withRing("ring-bare", ours(func(r *RingBufReader[sample]) (n, sum uint64) { return bareLoop(&r.r.mem) }))
	withRing("ring-borrow", ours(func(r *RingBufReader[sample]) (n, sum uint64) {
		it := r.Iterate(ctx)
		for e := range it.Borrow() {
			sum += e.Number
			if n++; n == ringSamples {
				break
			}
		}
		return n, sum
	}))
	withRing("ring-all", ours(func(r *RingBufReader[sample]) (n, sum uint64) {
		it := r.Iterate(ctx)
		for e := range it.All() {
			sum += e.Number
			if n++; n == ringSamples {
				break
			}
		}
		return n, sum
	}))
	withRing("ring-read", ours(func(r *RingBufReader[sample]) (n, sum uint64) {
		for ; n < ringSamples; n++ {
			e, err := r.Read(ctx)
			if err != nil {
				b.Fatal(err)
			}
			sum += e.Number
		}
		return n, sum
	}))
	withRing("ring-ReadInto", func(rb *RingBuf[sample]) func() (n, sum uint64) {
		r, err := ringbuf.NewReader(ciliumMap(b, rb.Untyped()))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { r.Close() })
		var rec ringbuf.Record
		return func() (n, sum uint64) {
			for ; n < ringSamples; n++ {
				if err := r.ReadInto(&rec); err != nil {
					b.Fatal(err)
				}
				sum += (*sample)(unsafe.Pointer(&rec.RawSample[0])).Number
			}
			return n, sum
		}
	})
	withArray := func(name string, open func(*PerfEventArray[sample]) func() (n, sum uint64)) {
		a, fill := newSampleArray(b)
		contest = append(contest, &contestant{name: name, records: perfSamples, fill: fill, drain: open(a)})
	}
	oursPerf := func(drain func(r *PerfReader[sample]) (n, sum uint64)) func(*PerfEventArray[sample]) func() (n, sum uint64) {
		return func(a *PerfEventArray[sample]) func() (n, sum uint64) {
			r, err := a.Reader(PerfOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { r.Close() })
			return func() (n, sum uint64) { return drain(r) }
		}
	}
	withArray("perf-borrow", oursPerf(func(r *PerfReader[sample]) (n, sum uint64) {
		it := r.Iterate(ctx)
		for e := range it.Borrow() {
			sum += e.Value.Number
			if n++; n == perfSamples {
				break
			}
		}
		return n, sum
	}))
	withArray("perf-all", oursPerf(func(r *PerfReader[sample]) (n, sum uint64) {
		it := r.Iterate(ctx)
		for e := range it.All() {
			sum += e.Value.Number
			if n++; n == perfSamples {
				break
			}
		}
		return n, sum
	}))
	withArray("perf-read", oursPerf(func(r *PerfReader[sample]) (n, sum uint64) {
		for ; n < perfSamples; n++ {
			e, err := r.Read(ctx)
			if err != nil {
				b.Fatal(err)
			}
			sum += e.Value.Number
		}
		return n, sum
	}))
	withArray("perf-ReadInto", func(a *PerfEventArray[sample]) func() (n, sum uint64) {
		r, err := perf.NewReader(ciliumMap(b, a.Untyped()), 64*unix.Getpagesize())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { r.Close() })
		var rec perf.Record
		return func() (n, sum uint64) {
			for ; n < perfSamples; n++ {
				if err := r.ReadInto(&rec); err != nil {
					b.Fatal(err)
				}
				sum += (*sample)(unsafe.Pointer(&rec.RawSample[0])).Number
			}
			return n, sum
		}
	})

	for b.Loop() {
		for _, c := range contest {
			c.fill()
			begin := time.Now()
			n, sum := c.drain()
			c.took = append(c.took, time.Since(begin))
			if n != uint64(c.records) || sum != n {
				b.Fatalf("%s: %d records of %d, sum %d", c.name, n, c.records, sum)
			}
		}
	}
	for _, c := range contest {
		slices.Sort(c.took)
		median := c.took[len(c.took)/2]
		b.ReportMetric(float64(median.Nanoseconds())/float64(c.records), c.name)
	}
	b.ReportMetric(0, "ns/op") // meaningless here
}
