//vmtest:6.12,6.18,7.2,7.x,7.x-arm64,6.12-s390x

package ciliumexamples

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples/tcx"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// The example counts as many incoming and outgoing packets as the interface.
func TestTCX(t *testing.T) {
	a, b := hosts(t)
	s := loaded(t, tcx.Load)
	in, out := packets(t, b)
	do(t, b, func(iface *net.Interface) error {
		l, err := s.Progs.IngressProgFunc.AttachTCX(iface.Index, runtime.Ingress, nil)
		attached(t, l, err)
		l, err = s.Progs.EgressProgFunc.AttachTCX(iface.Index, runtime.Egress, nil)
		attached(t, l, err)
		return nil
	})
	if err := a.Ping(b, 5, 100); err != nil {
		t.Fatal(err)
	}
	if err := b.SendUDP(a, "9999", 3, 100); err != nil {
		t.Fatal(err)
	}
	soon(t, "programs and interface count the same", func() bool {
		nowIn, nowOut := packets(t, b)
		gotIn, gotOut := atomic.LoadUint64(&s.Bss.IngressPktCount), atomic.LoadUint64(&s.Bss.EgressPktCount)
		return gotIn == nowIn-in && gotOut == nowOut-out && gotIn >= 5 && gotOut >= 8
	})
}

// packets returns the numbers of packets that a host's interface has received and sent.
func packets(t *testing.T, h *netlab.Host) (in, out uint64) {
	t.Helper()
	do(t, h, func(*net.Interface) error {
		devices, err := os.ReadFile("/proc/thread-self/net/dev")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(devices)) {
			if numbers, ok := strings.CutPrefix(strings.TrimSpace(line), h.Interface+":"); ok {
				var skip uint64
				_, err := fmt.Sscan(numbers, &skip, &in, &skip, &skip, &skip, &skip, &skip, &skip, &skip, &out)
				return err
			}
		}
		return fmt.Errorf("no interface %s in\n%s", h.Interface, devices)
	})
	return in, out
}
