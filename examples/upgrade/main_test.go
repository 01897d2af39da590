//vmtest:6.1,6.12,7.x

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/examples/upgrade/v2/skel"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	bpf "github.com/bpf2lskel/bpf2lskel/runtime"
)

const icmp = 1

func hosts(t *testing.T) (receiver, sender *netlab.Host) {
	t.Helper()
	receiver, sender, err := netlab.Pair()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(receiver.Close)
	t.Cleanup(sender.Close)
	return receiver, sender
}

// agent is a version of the agent that runs in a process of its own.
type agent struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// start starts a version on a host. It does not wait until that counts: see mustCount.
func start(t *testing.T, host *netlab.Host, version int, dir string, env ...string) *agent {
	t.Helper()
	a := &agent{cmd: exec.Command("/proc/self/exe", "-test.run=^TestAgent$")}
	a.cmd.Env = append(append(os.Environ(), fmt.Sprintf("UPGRADE_TEST=%d %s %s", version, host.Interface, dir)), env...)
	a.cmd.Stderr = os.Stderr
	var err error
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	a.out = bufio.NewReader(out)
	if err := host.Do(a.cmd.Start); err != nil {
		t.Fatal(err)
	}
	return a
}

// says returns the agent's next line of output, or "" if it has died.
func (a *agent) says(t *testing.T) string {
	t.Helper()
	line, err := a.out.ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (a *agent) mustCount(t *testing.T) {
	t.Helper()
	if got := a.says(t); got != "counting; interrupt to see the table" {
		t.Fatalf("the agent printed %q", got)
	}
}

// kill kills an agent, which gets no chance to clean up.
func (a *agent) kill(t *testing.T) {
	t.Helper()
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = a.cmd.Wait() // "signal: killed"
	a.stdin.Close()
}

// stop interrupts an agent and returns its table.
func (a *agent) stop(t *testing.T) string {
	t.Helper()
	a.stdin.Close()
	table, err := io.ReadAll(a.out)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, table)
	}
	return string(table)
}

// TestAgent is the main function of an agent's process.
func TestAgent(t *testing.T) {
	args := strings.Fields(os.Getenv("UPGRADE_TEST"))
	if len(args) == 0 {
		return // not started by start
	}
	stop := make(chan os.Signal, 1)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop <- os.Interrupt
	}()
	version, err := strconv.Atoi(args[0])
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPGRADE_WATCHED") != "" {
		runtime.LockOSThread()
		fd, err := watch()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("watched by", fd)
	}
	if version == pinning {
		err = pinAll(args[2])
	} else {
		err = run(version, args[1], args[2], os.Stdout, stop)
	}
	if err != nil {
		fmt.Println(err)
	}
	os.Stdout.Close()
	unix.Exit(0)
}

// pinning is the version of an agent that pins its whole skeleton and exits.
const pinning = 0

func pinAll(dir string) error {
	s, err := skel.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.LoadWith(&bpf.LoadOptions{Pins: &bpf.PinOptions{Path: dir}}); err != nil {
		return err
	}
	if err := s.Repin(dir + "/agent"); err != nil {
		return err
	}
	fmt.Println("counting; interrupt to see the table")
	return nil
}

// Versions take turns, killed or stopped while packets arrive: each packet is counted once.
func TestUpgrade(t *testing.T) {
	const rounds = 10
	receiver, sender := hosts(t)
	dir := testfs.BPF(t) + "/upgrade"
	a := start(t, receiver, 1, dir)
	a.mustCount(t)

	var (
		sent  atomic.Uint64
		ended atomic.Bool
		group sync.WaitGroup
	)
	for range 2 {
		group.Go(func() {
			for !ended.Load() {
				if err := sender.Ping(receiver, 10, 56); err != nil {
					t.Error(err)
					return
				}
				sent.Add(10)
			}
		})
	}
	versions := []int{2, 1}
	for i := range rounds {
		before := sent.Load()
		if i%2 == 0 {
			a.kill(t)
		} else {
			a.stop(t)
		}
		a = start(t, receiver, versions[i%2], dir)
		a.mustCount(t)
		for sent.Load() == before && !t.Failed() { // so that each agent has something to count
			runtime.Gosched()
		}
	}
	a.kill(t)
	a = start(t, receiver, 2, dir)
	a.mustCount(t)
	ended.Store(true)
	group.Wait()
	table := a.stop(t)
	want := fmt.Sprintf("protocol %d: %d packets, %d bytes, the last at ", icmp, sent.Load(), sent.Load()*(14+20+8+56))
	if !strings.Contains(table, want) {
		t.Errorf("the table is %q, want %q", table, want)
	}
	t.Logf("%d packets, %d upgrades", sent.Load(), rounds+1)
	wantPins(t, dir)
}

// wantPins checks that the map and the link are pinned, and nothing else.
func wantPins(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "counts link" {
		t.Errorf("pinned: %s, want counts link", got)
	}
}
