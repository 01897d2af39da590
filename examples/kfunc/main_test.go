//vmtest:all

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
)

// The tracker knows all packets of a flow but the first, which it sees only after the BPF program.
func TestTracksFlows(t *testing.T) {
	out := watch(t)
	if row := regexp.MustCompile(`17 +10\.9\.8\.2:\d+ +10\.9\.8\.1:9 +5 +4 +0x[0-9a-f]*[89a-f]\n`); !row.MatchString(out) {
		t.Errorf("no flow of 5 packets, 4 of them tracked, with IPS_CONFIRMED:\n%s", out)
	}
	for _, line := range []string{
		"bpf_xdp_ct_lookup: in module nf_conntrack",
		"bpf_ct_release: in module nf_conntrack",
		"bpf_kmod_add: not in any loaded module",
		" 0 packets went through bpf_kmod_add",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
}

// With this project's module loaded, the same program finds the weak kfunc and calls it.
func TestCallsWeakKfunc(t *testing.T) {
	guest.Module(t, "bpf2lskel_kmod")
	out := watch(t)
	if !strings.Contains(out, "bpf_kmod_add: in module bpf2lskel_kmod") {
		t.Errorf("the kfunc was not found:\n%s", out)
	}
	if m := regexp.MustCompile(`(\d+) bytes; (\d+) packets went through bpf_kmod_add`).FindStringSubmatch(out); m == nil || m[1] == "0" || m[2] == "0" {
		t.Errorf("the kfunc was not called:\n%s", out)
	}
}

// Without their module, strong kfuncs fail the load with an error that names them.
func TestMissingModule(t *testing.T) {
	guest.Only(t)
	if guest.Loaded("nf_conntrack") {
		t.Fatal("nf_conntrack is loaded")
	}
	err := run("lo", io.Discard, nil)
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "bpf_xdp_ct_lookup") {
		t.Errorf("error %v, want one that names bpf_xdp_ct_lookup", err)
	}
}

// watch runs the example on a host, sends five datagrams to it, and returns the output.
func watch(t *testing.T) string {
	t.Helper()
	for _, module := range []string{"nf_conntrack", "nf_tables", "nft_ct"} {
		guest.Module(t, module)
	}
	receiver, sender, err := netlab.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	defer sender.Close()
	if err := receiver.Do(netlab.TrackConnections); err != nil {
		t.Fatal(err)
	}

	var (
		stop = make(chan os.Signal, 1)
		r, w = io.Pipe()
		out  bytes.Buffer
	)
	go func() {
		w.CloseWithError(receiver.Do(func() error { return run(receiver.Interface, w, stop) }))
	}()
	buf := make([]byte, 4096)
	for !strings.Contains(out.String(), "watching") {
		n, err := r.Read(buf)
		if errors.Is(err, unix.Errno(524)) { // ENOTSUPP: kfuncs need a JIT compiler
			guest.NotHere(t, "%v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		out.Write(buf[:n])
	}
	if err := sender.SendUDP(receiver, "9", 5, 100); err != nil {
		t.Fatal(err)
	}
	stop <- os.Interrupt
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
