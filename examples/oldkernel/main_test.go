//vmtest:5.10,6.1,7.x,6.12-s390x

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
)

// One binary loads, attaches and delivers events on all kernels: it shows the process that the test
// runs, the file that it opens and the connection that it makes.
func TestSeesWhatProcessesDo(t *testing.T) {
	guest.Only(t) // it attaches kprobes
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	r, w := io.Pipe()
	go func() { w.CloseWithError(run(ctx, 0, w)) }()
	lines := bufio.NewScanner(r)
	read := func() string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the output ended: %v", lines.Err())
		}
		return lines.Text()
	}

	how := "loaded by a loader program"
	if guest.Key() == "5.10" {
		how = "loaded without a loader program"
	}
	if first := read(); !strings.HasPrefix(first, how) {
		t.Errorf("%q, want %q", first, how)
	}

	pid := os.Getpid()
	file := filepath.Join(t.TempDir(), "opened-by-a-test")
	done := make(chan error, 1)
	go func() { done <- act(file) }()
	wanted := map[string]string{
		"a file":       fmt.Sprintf("%d (%s) opens opened-by-a-test", pid, comm(t)),
		"a connection": fmt.Sprintf("%d (%s) connects to 10.9.8.2:", pid, comm(t)),
		"a program":    fmt.Sprintf("a child of %d, executes ", pid),
		"an exit":      fmt.Sprintf("exits, a child of %d", pid),
	}
	for len(wanted) > 0 && ctx.Err() == nil {
		line := read()
		for what, text := range wanted {
			if strings.Contains(line, text) {
				t.Logf("%s: %s", what, line)
				delete(wanted, what)
			}
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	stop()
	for lines.Scan() {
		if strings.Contains(lines.Text(), "events lost") {
			t.Log(lines.Text())
			return
		}
	}
	t.Error("the output has no summary")
}

// act runs a process, opens a file and makes a connection.
func act(file string) error {
	here, there, err := netlab.Pair()
	if err != nil {
		return err
	}
	defer here.Close()
	defer there.Close()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		return err
	}
	if err := exec.Command("/proc/self/exe", "-test.run=^$").Run(); err != nil {
		return err
	}
	return here.Do(func() error {
		c, err := net.DialTimeout("tcp4", "10.9.8.2:9", time.Second)
		if err == nil {
			c.Close()
		}
		return nil // nobody listens
	})
}

func comm(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}
