package runtime_test

import (
	"errors"
	"fmt"
	"log"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/internal/example/skel"
)

// A generated package: open, set what must be known before the load, load, use.
func Example() {
	s, err := skel.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Rodata.MinBytes = 60 // const volatile __u32 min_bytes
	if err := s.Load(); err != nil {
		log.Fatal(err)
	}

	for _, size := range []int{50, 60, 60, 100} {
		if _, err := s.Progs.CountPackets.Test(runtime.XDPTest{Data: make([]byte, size)}); err != nil {
			log.Fatal(err)
		}
	}
	c, err := s.Maps.Counts.Lookup(60)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Packets, "packets of 60 bytes,", s.Bss.Total, "in all")
	// Output: 2 packets of 60 bytes, 3 in all
}

// The error of a failed load.
func ExampleLoadError() {
	s, err := skel.Load()
	if err != nil {
		if errors.Is(err, unix.EPERM) {
			log.Fatal("run me as root: ", err) // one line, with a hint
		}
		var failed *runtime.LoadError
		if errors.As(err, &failed) {
			log.Printf("%s, step %d: %v", failed.Op, failed.Step, failed.Errno)
		}
		log.Fatalf("%+v", err) // the verifier's log as well
	}
	defer s.Close()
}

// Choose the size of a map before the load.
func ExampleMap_SetMaxEntries() {
	s, err := skel.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Maps.Counts.SetMaxEntries(1)
	if err := s.Load(); err != nil {
		log.Fatal(err)
	}

	fmt.Println(s.Maps.Counts.Update(1, skel.Counter{}, runtime.Any))
	err = s.Maps.Counts.Update(2, skel.Counter{}, runtime.Any)
	fmt.Println(errors.Is(err, runtime.ErrMapFull))
	// Output:
	// <nil>
	// true
}

// Leave out a program that the kernel may not support.
func ExampleProgram_SetAutoLoad() {
	s, err := skel.Open()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	s.Progs.OnSwitch.SetAutoLoad(false)
	if err := s.Load(); err != nil {
		log.Fatal(err)
	}
	left, err := s.Attach()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("not attached:", left)
	// Output: not attached: [count_packets report on_switch]
}
