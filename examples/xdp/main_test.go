//vmtest:all

package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
)

// The example counts the packets that were sent.
func TestCountsTraffic(t *testing.T) {
	receiver, sender, err := netlab.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Close)
	t.Cleanup(sender.Close)

	stop, table := start(t, receiver)
	if err := sender.Ping(receiver, 3, 56); err != nil {
		t.Fatal(err)
	}
	if err := sender.SendUDP(receiver, "9", 4, 100); err != nil {
		t.Fatal(err)
	}
	stop <- os.Interrupt
	got := <-table
	for _, row := range []string{`veth0 +ICMP +3 +294`, `veth0 +UDP +4 +568`} {
		if !regexp.MustCompile(row).MatchString(got) {
			t.Errorf("no row %q in\n%s", row, got)
		}
	}
}

// start runs the example on a host. It returns once the example counts; the table arrives when the
// example has ended.
func start(t *testing.T, host *netlab.Host) (stop chan<- os.Signal, table <-chan string) {
	t.Helper()
	var (
		signals = make(chan os.Signal, 1)
		printed = make(chan string, 1)
		r, w    = io.Pipe()
	)
	go func() {
		err := host.Do(func() error { return run([]string{host.Interface}, 0, w, signals) })
		w.CloseWithError(err)
	}()
	if _, err := io.ReadFull(r, make([]byte, len("counting; interrupt to see the table\n"))); err != nil {
		t.Fatal(err)
	}
	go func() {
		var buf bytes.Buffer
		if _, err := io.Copy(&buf, r); err != nil {
			t.Error(err)
		}
		printed <- buf.String()
	}()
	return signals, printed
}
