// Command upgrade counts the packets of a network interface with a BPF program that keeps counting
// when the command exits, is killed, or is replaced by another version. No packet is missed, and
// none is counted twice.
//
//	upgrade -version 1 INTERFACE DIR
//	upgrade -version 2 INTERFACE DIR
//
// The directory must be in a BPF file system, such as /sys/fs/bpf/upgrade. The two versions stand
// for two releases of an agent; here they are two packages, v1 and v2.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	v1 "github.com/bpf2lskel/bpf2lskel/examples/upgrade/v1"
	v2 "github.com/bpf2lskel/bpf2lskel/examples/upgrade/v2"
)

func main() {
	log.SetFlags(0)
	version := flag.Int("version", 2, "which version of the agent to run, 1 or 2")
	flag.Parse()
	if flag.NArg() != 2 {
		log.Fatal("usage: upgrade [-version N] INTERFACE DIR")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	if err := run(*version, flag.Arg(0), flag.Arg(1), os.Stdout, stop); err != nil {
		log.Fatal("upgrade: ", err)
	}
}

// run counts until stop receives a signal, and then prints the counts.
func run(version int, name, dir string, out io.Writer, stop <-chan os.Signal) (err error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	var agent interface {
		io.Closer
		print(w io.Writer) error
	}
	switch version {
	case 1:
		var a *v1.Agent
		if a, err = v1.Start(iface.Index, dir); err == nil {
			agent = first{a}
		}
	case 2:
		var a *v2.Agent
		if a, err = v2.Start(iface.Index, dir); err == nil {
			agent = second{a}
		}
	default:
		return fmt.Errorf("unknown version %d: want 1 or 2", version)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, agent.Close()) }()
	fmt.Fprintln(out, "counting; interrupt to see the table")
	<-stop
	return agent.print(out)
}

type (
	first  struct{ *v1.Agent }
	second struct{ *v2.Agent }
)

func (a first) print(w io.Writer) error {
	it := a.Maps.Counts.Iterate()
	for protocol, c := range it.All() {
		fmt.Fprintf(w, "protocol %d: %d packets, %d bytes\n", protocol, c.Packets, c.Bytes)
	}
	return it.Err()
}

func (a second) print(w io.Writer) error {
	it := a.Maps.Counts.Iterate()
	for protocol, c := range it.All() {
		fmt.Fprintf(w, "protocol %d: %d packets, %d bytes, the last at %d ns\n", protocol, c.Packets, c.Bytes, c.Last)
	}
	return it.Err()
}
