//vmtest:5.10,6.18,7.2,7.x

package kindtest

import (
	"errors"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/qdisc"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
)

// A struct_ops can implement a device's queueing discipline, which everything that the device sends
// passes.
func TestQdisc(t *testing.T) {
	guest.Only(t)
	before(t, "6.16", "queueing disciplines as structs of operations")
	s := loaded(t, qdisc.Open)
	link, err := s.Maps.Fifo.Attach()
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	a, b, err := netlab.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	set := func(kind string) error { return a.Do(func() error { return netlab.Qdisc(a.Interface, kind) }) }
	if err := set("b2l_fifo"); err != nil {
		t.Fatal(err)
	}
	if n := atomic.LoadUint32(&s.Bss.Inits); n != 1 {
		t.Errorf("init was called %d times", n)
	}
	const packets = 20
	if err := a.Ping(b, packets, 1000); err != nil {
		t.Fatal(err)
	}
	enqueued, dequeued := atomic.LoadUint64(&s.Bss.Enqueued), atomic.LoadUint64(&s.Bss.Dequeued)
	if enqueued < packets || dequeued != enqueued || s.Bss.Dropped != 0 {
		t.Errorf("%d packets queued, %d dequeued, %d dropped, of %d that were sent and answered", enqueued, dequeued, s.Bss.Dropped, packets)
	}
	// Another one replaces it, and this one is destroyed.
	if err := set("pfifo"); err != nil {
		t.Fatal(err)
	}
	if n := atomic.LoadUint32(&s.Bss.Destroys); n != 1 {
		t.Errorf("destroy was called %d times", n)
	}
	if err := a.Ping(b, 1, 100); err != nil {
		t.Fatal(err)
	}
	if n := atomic.LoadUint64(&s.Bss.Enqueued); n != enqueued {
		t.Errorf("%d packets were queued after it was replaced", n-enqueued)
	}
	if err := link.Close(); err != nil {
		t.Fatal(err)
	}
	if err := set("b2l_fifo"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("set it after Close: %v", err)
	}
}
