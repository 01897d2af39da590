package ebpfinterop_test

import (
	"fmt"
	"log"

	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/ebpfinterop"
	"github.com/bpf2lskel/bpf2lskel/runtime/internal/example/skel"
)

// A map of a skeleton can be used as an *ebpf.Map.
func ExampleMap() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Maps.Counts.Update(64, skel.Counter{Packets: 7}, runtime.Any); err != nil {
		log.Fatal(err)
	}

	m, err := ebpfinterop.Map(s.Maps.Counts)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close() // it has its own file descriptor
	var c skel.Counter
	err = m.Lookup(uint32(64), &c)
	fmt.Println(c.Packets, err)
	// Output: 7 <nil>
}

// Packages of cilium/ebpf accept what this package returns.
func ExampleMap_ringbuf() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	m, err := ebpfinterop.Map(s.Maps.Events)
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	r, err := ringbuf.NewReader(m)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()

	if _, err := s.Progs.Report.Run(); err == nil {
		log.Fatal("the program runs without a context")
	}
	if _, err := runtime.RunSyscall(s.Progs.Report, &[2]uint32{3, 0}); err != nil {
		log.Fatal(err)
	}
	record, err := r.Read()
	fmt.Println(len(record.RawSample), err)
	// Output: 16 <nil>
}

// A program of a skeleton can be used as an *ebpf.Program.
func ExampleProgram() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	p, err := ebpfinterop.Program(s.Progs.OnSwitch)
	if err != nil {
		log.Fatal(err)
	}
	defer p.Close()
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_switch", Program: p})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	fmt.Println(p.Type())
	// Output: RawTracepoint
}
