// Command kfunc shows the flows that a network interface receives, and which of them the kernel's
// connection tracker knows. Its BPF program calls kfuncs of the module nf_conntrack, which must be
// loaded, and one of the module in kmod/, if it is loaded.
//
//	kfunc INTERFACE
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/kfunc/skel"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

//go:generate go tool bpf2lskel -o skel flows.bpf.c

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: kfunc INTERFACE")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	if err := run(os.Args[1], os.Stdout, stop); err != nil {
		log.Fatal("kfunc: ", err)
	}
}

// run watches an interface until stop receives a signal.
func run(name string, out io.Writer, stop <-chan os.Signal) error {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	s, err := skel.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.LoadWith(&runtime.LoadOptions{Externs: runtime.ReadExterns}); err != nil {
		return err
	}
	for _, e := range s.Core().Externs() {
		fmt.Fprintln(out, describe(e))
	}
	link, err := s.Progs.Track.AttachXDP(iface.Index, nil)
	if err != nil {
		return err
	}
	defer link.Close()
	fmt.Fprintln(out, "watching; interrupt to see the table")

	<-stop
	return printTable(out, s)
}

// describe says which module provides a kfunc.
func describe(e runtime.Extern) string {
	switch {
	case !e.Found:
		return fmt.Sprintf("%s: not in any loaded module", e.Spec.Name)
	case e.Module == "":
		return fmt.Sprintf("%s: in the kernel", e.Spec.Name)
	}
	return fmt.Sprintf("%s: in module %s", e.Spec.Name, e.Module)
}

func printTable(out io.Writer, s *skel.Skeleton) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "protocol\tfrom\tto\tpackets\ttracked\tstatus")
	it := s.Maps.Flows.Iterate()
	for flow, v := range it.All() {
		fmt.Fprintf(w, "%d\t%v\t%v\t%d\t%d\t%#x\n", flow.Protocol,
			addrPort(flow.Saddr, flow.Sport), addrPort(flow.Daddr, flow.Dport), v.Packets, v.Tracked, v.Status)
	}
	if err := it.Err(); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d bytes; %d packets went through bpf_kmod_add\n", s.Bss.TotalBytes, s.Bss.AddedByModule)
	return err
}

// addrPort converts an address and a port in network byte order.
func addrPort(addr uint32, port uint16) netip.AddrPort {
	var b [6]byte
	binary.NativeEndian.PutUint32(b[:], addr)
	binary.NativeEndian.PutUint16(b[4:], port)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[:4])), binary.BigEndian.Uint16(b[4:]))
}
