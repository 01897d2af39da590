// Command xdp counts the packets that network interfaces receive, by IP protocol, until it is
// interrupted. Each interface runs the same BPF program.
//
//	xdp [-min-bytes N] INTERFACE...
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"text/tabwriter"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/xdp/skel"
)

//go:generate go tool bpf2lskel -o skel counter.bpf.c

func main() {
	log.SetFlags(0)
	minBytes := flag.Uint("min-bytes", 0, "count packets of this size and more")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("usage: xdp [-min-bytes N] INTERFACE...")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	if err := run(flag.Args(), uint32(*minBytes), os.Stdout, stop); err != nil {
		log.Fatal("xdp: ", err)
	}
}

// run counts packets on the interfaces until stop receives a signal.
func run(interfaces []string, minBytes uint32, out io.Writer, stop <-chan os.Signal) error {
	s, err := skel.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	s.Rodata.MinBytes = minBytes
	if err := s.Load(); err != nil {
		return err
	}

	names := make(map[uint32]string)
	for _, name := range interfaces {
		iface, err := net.InterfaceByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		link, err := s.Progs.CountPackets.AttachXDP(iface.Index, nil)
		if err != nil {
			return err
		}
		defer link.Close()
		names[uint32(iface.Index)] = name
	}
	fmt.Fprintln(out, "counting; interrupt to see the table")

	<-stop
	return printTable(out, s, names)
}

func printTable(out io.Writer, s *skel.Skeleton, names map[uint32]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "interface\tprotocol\tpackets\tbytes\t")
	it := s.Maps.Counts.Iterate()
	for key, c := range it.All() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t\n", names[key.Ifindex], protocol(key), c.Packets, c.Bytes)
	}
	if err := it.Err(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\tall\t%d\t\t\n", s.Bss.Total)
	return w.Flush()
}

// protocol returns a name for the protocol of a key.
func protocol(key skel.Key) string {
	if key.Ethertype != unix.ETH_P_IP && key.Ethertype != unix.ETH_P_IPV6 {
		return fmt.Sprintf("ethertype %#04x", key.Ethertype)
	}
	switch key.Protocol {
	case unix.IPPROTO_ICMP:
		return "ICMP"
	case unix.IPPROTO_ICMPV6:
		return "ICMPv6"
	case unix.IPPROTO_TCP:
		return "TCP"
	case unix.IPPROTO_UDP:
		return "UDP"
	}
	return fmt.Sprintf("IP protocol %d", key.Protocol)
}
