// Command after counts the packets that network interfaces receive, by IP protocol, until it is
// interrupted. It is ../before, moved from bpf2go and github.com/cilium/ebpf to bpf2lskel.
//
//	after [-min-bytes N] INTERFACE...
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

	"github.com/bpf2lskel/bpf2lskel/examples/bpf2go/after/skel"
)

//go:generate go tool bpf2lskel -o skel ../../xdp/counter.bpf.c

func main() {
	log.SetFlags(0)
	minBytes := flag.Uint("min-bytes", 0, "count packets of this size and more")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("usage: [-min-bytes N] INTERFACE...")
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGINT, unix.SIGTERM)
	if err := run(flag.Args(), uint32(*minBytes), os.Stdout, stop); err != nil {
		log.Fatal(err)
	}
}

// run counts packets on the interfaces until stop receives a signal.
func run(interfaces []string, minBytes uint32, out io.Writer, stop <-chan os.Signal) error {
	objs, err := skel.Open()
	if err != nil {
		return err
	}
	defer objs.Close()
	objs.Rodata.MinBytes = minBytes
	if err := objs.Load(); err != nil {
		return err
	}

	names := make(map[uint32]string)
	for _, name := range interfaces {
		iface, err := net.InterfaceByName(name)
		if err != nil {
			return fmt.Errorf("interface %s: %w", name, err)
		}
		l, err := objs.Progs.CountPackets.AttachXDP(iface.Index, nil)
		if err != nil {
			return err
		}
		defer l.Close()
		names[uint32(iface.Index)] = name
	}
	fmt.Fprintln(out, "counting; interrupt to see the table")

	<-stop
	return printTable(out, objs, names)
}

func printTable(out io.Writer, objs *skel.Skeleton, names map[uint32]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "interface\tprotocol\tpackets\tbytes\t")
	entries := objs.Maps.Counts.Iterate()
	for key, c := range entries.All() {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t\n", names[key.Ifindex], protocol(key.Ethertype, key.Protocol), c.Packets, c.Bytes)
	}
	if err := entries.Err(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\tall\t%d\t\t\n", objs.Bss.Total)
	return w.Flush()
}

// protocol returns a name for an ethertype and IP protocol number.
func protocol(ethertype uint16, number uint8) string {
	if ethertype != unix.ETH_P_IP && ethertype != unix.ETH_P_IPV6 {
		return fmt.Sprintf("ethertype %#04x", ethertype)
	}
	switch number {
	case unix.IPPROTO_ICMP:
		return "ICMP"
	case unix.IPPROTO_ICMPV6:
		return "ICMPv6"
	case unix.IPPROTO_TCP:
		return "TCP"
	case unix.IPPROTO_UDP:
		return "UDP"
	}
	return fmt.Sprintf("IP protocol %d", number)
}
