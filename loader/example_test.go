package loader_test

import (
	"fmt"

	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Load an object file that is only known at run time.
func ExampleReadFile() {
	object, err := loader.ReadFile("execs.bpf.o", loader.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := runtime.Open(object)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	if events := s.MapByName("events"); events != nil {
		events.SetMaxEntries(1 << 20)
	}
	if err := s.Load(nil); err != nil {
		fmt.Println(err)
		return
	}
	link, err := runtime.AutoAttach(s.ProgramByName("on_exec"))
	if err != nil {
		fmt.Println(err)
		return
	}
	link.Close()
	// Output: stat execs.bpf.o: no such file or directory
}
