// Command agent reports the processes started, files opened and TCP connections made on a machine.
// It prints a line of JSON for each event and serves Prometheus metrics at /metrics.
//
//	agent [-listen ADDRESS] [-uid UID] [-events LIST] [-quiet]
//
// It needs CAP_BPF, CAP_PERFMON and read access to /sys/kernel/tracing. The directory deploy has a
// systemd unit and a Kubernetes DaemonSet that grant just these.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/bpf2lskel/bpf2lskel/examples/agent/report"
	"github.com/bpf2lskel/bpf2lskel/examples/agent/skel"
)

//go:generate go tool bpf2lskel -o skel agent.bpf.c

const allUsers = 1<<32 - 1 // only_uid: no filter

type options struct {
	listen string
	uid    uint64
	kinds  []string
	quiet  bool
}

// eventKinds are the values of -events.
var eventKinds = []string{"processes", "files", "connections"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("agent: ")
	var o options
	flag.StringVar(&o.listen, "listen", "localhost:9435", "`address` to serve /metrics at")
	flag.Uint64Var(&o.uid, "uid", allUsers, "report only events of the user with this `UID` (default: all users)")
	events := flag.String("events", strings.Join(eventKinds, ","), "comma-separated `list` of event kinds to report")
	flag.BoolVar(&o.quiet, "quiet", false, "serve metrics only, print no events")
	flag.Parse()
	o.kinds = strings.Split(*events, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		log.Fatal(err)
	}
}

// run reports events until the context is done. It writes "ready" to notes once it misses no event.
func run(ctx context.Context, o options, out, notes io.Writer) error {
	for _, kind := range o.kinds {
		if !slices.Contains(eventKinds, kind) {
			return fmt.Errorf("-events: unknown kind %q: want some of %s", kind, strings.Join(eventKinds, ","))
		}
	}
	if o.uid > allUsers {
		return fmt.Errorf("-uid: %d is not a UID", o.uid)
	}
	s, err := skel.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	s.Rodata.OnlyUid = uint32(o.uid)
	s.Progs.ProcessStarted.SetAutoLoad(slices.Contains(o.kinds, "processes"))
	s.Progs.FileOpened.SetAutoLoad(slices.Contains(o.kinds, "files"))
	s.Progs.FileOpened2.SetAutoLoad(slices.Contains(o.kinds, "files"))
	s.Progs.ConnectionMade.SetAutoLoad(slices.Contains(o.kinds, "connections"))
	if err := s.Load(); err != nil {
		return err
	}
	r, err := s.Maps.Events.Reader()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := s.Attach(); err != nil {
		return err
	}

	if o.quiet {
		out = nil
	}
	rep := report.New(out)
	rep.Watch(func(k report.Kind) uint64 { return atomic.LoadUint64(&s.Bss.Dropped[k]) }, r.Backlog)
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { cancel(rep.Serve(ctx, l)) }()
	fmt.Fprintln(notes, "ready:", l.Addr())

	it := r.Iterate(ctx)
	for e := range it.Borrow() {
		rep.Event(&report.Event{
			Kind: report.Kind(e.Kind), PID: e.Pid, UID: e.Uid, Comm: e.Comm[:], Path: e.Path[:],
			Peer: peer(e),
		})
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if err := it.Err(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func peer(e *skel.Event) netip.AddrPort {
	const inet = 2
	addr := netip.AddrFrom16(e.Addr)
	if e.Family == inet {
		addr = netip.AddrFrom4([4]byte(e.Addr[:4]))
	}
	return netip.AddrPortFrom(addr, e.Port)
}
