package uprobe_test

import (
	"log"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/probes"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/usdt"
	"github.com/bpf2lskel/bpf2lskel/runtime/uprobe"
)

// A program in section "uprobe" sees each call of a library function in one process.
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

// A program in section "usdt", built with libbpf's usdt.bpf.h, sees each garbage collection of
// Python.
func ExampleAttachUSDT() {
	s, err := usdt.Load()
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, "/usr/bin/python3.11", "python", "gc__start", nil)
	if err != nil {
		log.Fatal(err) // program on_probe: attach to USDT probe python3.11:python:gc__start: ...
	}
	defer l.Close()
}
