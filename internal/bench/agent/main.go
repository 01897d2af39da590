// Command agent is examples/agent with cilium/ebpf instead of this project, written like a program
// that uses bpf2go: the same object, filters, report and metrics. The bench compares the two.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/bpf2lskel/bpf2lskel/examples/agent/report"
)

// event is struct event of agent.bpf.c.
type event struct {
	Kind   uint32
	Pid    uint32
	UID    uint32
	Family uint16
	Port   uint16
	Addr   [16]uint8
	Comm   [16]byte
	Path   [128]byte
}

// objects is a struct like those that bpf2go generates.
type objects struct {
	ProcessStarted *ebpf.Program  `ebpf:"process_started"`
	ConnectionMade *ebpf.Program  `ebpf:"connection_made"`
	Events         *ebpf.Map      `ebpf:"events"`
	Dropped        *ebpf.Variable `ebpf:"dropped"`
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("agent: ")
	listen := flag.String("listen", "localhost:9435", "`address` to serve /metrics at")
	uid := flag.Uint64("uid", 1<<32-1, "only events of the user with this `UID`")
	object := flag.String("object", "", "the object `file`, which bpf2go would embed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *listen, uint32(*uid), *object); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, listen string, uid uint32, object string) error {
	elf, err := os.ReadFile(object)
	if err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(elf))
	if err != nil {
		return err
	}
	if err := spec.Variables["only_uid"].Set(uid); err != nil {
		return err
	}
	var objs objects
	if err := spec.LoadAndAssign(&objs, nil); err != nil {
		return err
	}
	r, err := ringbuf.NewReader(objs.Events)
	if err != nil {
		return err
	}
	defer r.Close()
	for name, p := range map[string]*ebpf.Program{"sched_process_exec": objs.ProcessStarted, "inet_sock_set_state": objs.ConnectionMade} {
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: name, Program: p})
		if err != nil {
			return err
		}
		defer l.Close()
	}
	rep := report.New(nil)
	rep.Watch(func(k report.Kind) uint64 {
		var dropped [3]uint64
		_ = objs.Dropped.Get(&dropped)
		return dropped[k]
	}, r.AvailableBytes)
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	go func() {
		if err := rep.Serve(ctx, l); err != nil {
			log.Print(err)
		}
	}()
	fmt.Fprintln(os.Stderr, "ready:", l.Addr())
	go func() {
		<-ctx.Done()
		r.Close()
	}()
	var rec ringbuf.Record
	for {
		if err := r.ReadInto(&rec); errors.Is(err, os.ErrClosed) {
			return nil
		} else if err != nil {
			return err
		}
		e := (*event)(unsafe.Pointer(&rec.RawSample[0]))
		addr := netip.AddrFrom16(e.Addr)
		if e.Family == 2 {
			addr = netip.AddrFrom4([4]byte(e.Addr[:4]))
		}
		rep.Event(&report.Event{
			Kind: report.Kind(e.Kind), PID: e.Pid, UID: e.UID, Comm: e.Comm[:], Path: e.Path[:],
			Peer: netip.AddrPortFrom(addr, e.Port),
		})
	}
}
