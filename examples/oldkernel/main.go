// Command oldkernel shows what processes execute, open and connect to. The same binary runs on the
// newest kernels and on Linux 5.10, which supports neither loader programs nor CO-RE: it only has
// to import runtime/oldkernel.
//
//	oldkernel [PID]
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/oldkernel/skel"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	_ "github.com/bpf2lskel/bpf2lskel/runtime/oldkernel"
)

//go:generate go tool bpf2lskel -o skel watch.bpf.c

func main() {
	log.SetFlags(0)
	pid := 0
	if len(os.Args) > 1 {
		var err error
		if pid, err = strconv.Atoi(os.Args[1]); err != nil || len(os.Args) > 2 {
			log.Fatal("usage: oldkernel [PID]")
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if err := run(ctx, uint32(pid), os.Stdout); err != nil {
		log.Fatal("oldkernel: ", err)
	}
}

// run watches a process, or all processes if pid is 0, until ctx is done.
func run(ctx context.Context, pid uint32, out io.Writer) error {
	s, err := skel.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	s.Rodata.OnlyPid = pid
	if err := s.Load(); err != nil {
		return err
	}
	events, err := s.Maps.Events.Reader()
	if err != nil {
		return err
	}
	defer events.Close()
	exits, err := s.Maps.Exits.Reader(runtime.PerfOptions{})
	if err != nil {
		return err
	}
	defer exits.Close()
	if _, err := s.Attach(); err != nil {
		return err
	}
	how := "by a loader program"
	if s.Core().Interpreted() {
		how = "without a loader program"
	}
	fmt.Fprintf(out, "loaded %s; interrupt to stop\n", how)

	both, err := runtime.NewPoller(events, exits)
	if err != nil {
		return err
	}
	defer both.Close()
	for err = both.Wait(ctx); err == nil; err = both.Wait(ctx) {
		there := events.Consume()
		for e := range there.All() {
			fmt.Fprintln(out, describe(&e))
		}
		if err := there.Err(); err != nil {
			return err
		}
		ended := exits.Consume()
		for e := range ended.All() {
			if pid == 0 || e.Value.Pid == pid || e.Value.Parent == pid {
				fmt.Fprintf(out, "%d exits, a child of %d\n", e.Value.Pid, e.Value.Parent)
			}
		}
		if err := ended.Err(); err != nil {
			return err
		}
	}
	if !errors.Is(err, context.Canceled) {
		return err
	}
	fmt.Fprintf(out, "%d executed, %d exited, %d events lost\n",
		atomic.LoadUint64(&s.Bss.Executed), atomic.LoadUint64(&s.Bss.Exited), atomic.LoadUint64(&s.Bss.Lost))
	return nil
}

func describe(e *skel.Event) string {
	command := unix.ByteSliceToString(e.Command[:])
	switch e.Kind {
	case skel.KindEXECUTED:
		return fmt.Sprintf("%d, a child of %d, executes %s", e.Pid, e.Parent, command)
	case skel.KindOPENED:
		return fmt.Sprintf("%d (%s) opens %s", e.Pid, command, unix.ByteSliceToString(e.Name[:]))
	case skel.KindCONNECTED:
		var address [4]byte
		binary.NativeEndian.PutUint32(address[:], e.Address)
		return fmt.Sprintf("%d (%s) connects to %v", e.Pid, command, netip.AddrPortFrom(netip.AddrFrom4(address), e.Port))
	}
	return fmt.Sprintf("event %d of %d", e.Kind, e.Pid)
}
