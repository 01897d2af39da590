package uprobe_test

import (
	"log"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/runtime/uprobe"
)

// A program of section "uprobe" sees each call of a library's function, in one process.
func ExampleAttach() {
	s, err := probes.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	l, err := uprobe.Attach(s.Progs.OnUser, "libc.so.6", "malloc", &uprobe.Options{PID: os.Getpid(), Cookie: 1})
	if err != nil {
		log.Fatal(err) // program on_user: attach uprobe to libc.so.6:malloc: ...
	}
	defer l.Close()
}
