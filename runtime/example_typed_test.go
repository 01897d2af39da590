package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The fields of a generated package.
var (
	counts  *runtime.HashMap[uint32, uint64]
	perCPU  *runtime.PerCPUArrayMap[uint64]
	events  *runtime.RingBuf[struct{ PID, UID uint32 }]
	samples *runtime.PerfEventArray[uint64]
	filter  runtime.XDPProgram
	classes runtime.SchedCLSProgram
)

func ExampleHashMap() {
	if err := counts.Update(443, 1, runtime.NoExist); errors.Is(err, runtime.ErrKeyExist) {
		fmt.Println("port 443 is being counted already")
	}
	n, err := counts.Lookup(80)
	switch {
	case errors.Is(err, runtime.ErrKeyNotExist):
		fmt.Println("nothing for port 80 yet")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println(n, "packets for port 80")
	}
}

// Entries may be deleted during an iteration, by anyone.
func ExampleIterator() {
	it := counts.Iterate()
	for port, n := range it.All() {
		fmt.Println(port, n)
		_ = counts.Delete(port)
	}
	if err := it.Err(); err != nil {
		log.Fatal(err)
	}
}

// Read and delete the entries of a map, a thousand at a time.
func ExampleHashMap_LookupAndDeleteBatch() {
	var cur runtime.BatchCursor
	ports, ns := make([]uint32, 1000), make([]uint64, 1000)
	for {
		n, err := counts.LookupAndDeleteBatch(&cur, ports, ns)
		if err != nil {
			log.Fatal(err)
		}
		if n == 0 {
			break
		}
		fmt.Println(ports[:n], ns[:n])
	}
}

func ExamplePerCPUArrayMap() {
	values, err := perCPU.Lookup(0)
	if err != nil {
		log.Fatal(err)
	}
	var sum uint64
	for _, v := range values {
		sum += v
	}
	fmt.Println(sum)
}

func ExampleRingBufReader() {
	r, err := events.Reader()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	it := r.Iterate(ctx)
	for e := range it.All() {
		fmt.Println(e.PID, e.UID)
	}
	if err := it.Err(); !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// Borrowed records stay where the kernel has put them, and are valid until the next iteration of
// the loop.
func ExampleRingBufIterator_Borrow() {
	r, err := events.Reader()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	users := map[uint32]int{}
	it := r.Iterate(context.Background())
	for e := range it.Borrow() {
		users[e.UID]++ // do not keep e itself; *e is a copy
	}
	log.Fatal(it.Err())
}

// One goroutine reads from a ring buffer and a perf event array.
func ExamplePoller() {
	r, err := events.Reader()
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	s, err := samples.Reader(runtime.PerfOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p, err := runtime.NewPoller(r, s)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	for p.Wait(context.Background()) == nil {
		for e := range r.Consume().All() {
			fmt.Println(e.PID, e.UID)
		}
		for rec := range s.Consume().All() {
			fmt.Println(rec.Value, "of CPU", rec.CPU)
		}
	}
}

func ExamplePerfReader() {
	r, err := samples.Reader(runtime.PerfOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	rec, err := r.Read(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(rec.Value, "of CPU", rec.CPU, "after", rec.Lost, "lost")
}

func ExampleXDPProgram() {
	l, err := filter.AttachXDP(2, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Println(l) // program filter: attach XDP to interface 2
}

// A test run needs no interface and shows what the program does with a packet.
func ExampleXDPProgram_Test() {
	res, err := filter.Test(runtime.XDPTest{Data: make([]byte, 64)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res.Return == runtime.XDPPass, len(res.Data), res.Duration)
}

func ExampleSchedCLSProgram() {
	first, err := classes.AttachTCX(2, runtime.Ingress, &runtime.TCXOptions{Anchor: runtime.AtHead()})
	if err != nil {
		log.Fatal(err)
	}
	defer first.Close()
	second, err := classes.AttachTCX(2, runtime.Ingress, &runtime.TCXOptions{Anchor: runtime.AfterLink(first)})
	if err != nil {
		log.Fatal(err)
	}
	defer second.Close()
}
