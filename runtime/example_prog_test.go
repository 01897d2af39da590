package runtime_test

import (
	"fmt"
	"log"
	"net"
	"sync/atomic"
	"time"

	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/internal/example/skel"
)

// reportArgs has the layout of struct report_args.
type reportArgs struct {
	Number uint32
	Seen   uint32
}

// Run a program on a packet, without an interface.
func ExampleXDPProgram_Test_actions() {
	s, err := skel.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Rodata.MinBytes = 100
	if err := s.Load(); err != nil {
		log.Fatal(err)
	}

	for _, size := range []int{64, 128} {
		res, err := s.Progs.CountPackets.Test(runtime.XDPTest{Data: make([]byte, size)})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(size, res.Return)
	}
	// Output:
	// 64 XDP_DROP
	// 128 XDP_PASS
}

func ExampleXDPProgram_AttachXDP() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	iface, err := net.InterfaceByName("eth0")
	if err != nil {
		log.Fatal(err)
	}
	l, err := s.Progs.CountPackets.AttachXDP(iface.Index, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close() // detaches
	time.Sleep(time.Minute)
	fmt.Println(atomic.LoadUint64(&s.Bss.Total))
}

// Call a program of type syscall like a function.
func ExampleRunSyscall() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	args := reportArgs{Number: 41}
	ret, err := runtime.RunSyscall(s.Progs.Report, &args)
	fmt.Println(ret, err, args.Seen)
	// Output: 0 <nil> 42
}

// A program whose section names a target attaches without further arguments.
func ExampleRawTracepointProgram_Attach() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	l, err := s.Progs.OnSwitch.Attach(nil) // SEC("raw_tp/sched_switch")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	time.Sleep(10 * time.Millisecond)
	fmt.Println(atomic.LoadUint64(&s.Bss.Total) > 0)
	// Output: true
}

// A pinned link outlives the process.
func ExampleLink_Pin() {
	s, err := skel.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	l, err := s.Progs.CountPackets.AttachXDP(1, &runtime.XDPOptions{Mode: runtime.XDPGeneric})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	if err := l.Pin("/sys/fs/bpf/count_packets"); err != nil {
		log.Fatal(err)
	}

	// Later, in another process: replace the program, without missing a packet.
	l, err = runtime.OpenPinnedLink("/sys/fs/bpf/count_packets")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	if err := l.Update(s.Progs.CountPackets); err != nil {
		log.Fatal(err)
	}
}
