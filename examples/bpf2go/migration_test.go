// Package bpf2go tests that the same command, built with bpf2go in before/ and with bpf2lskel in
// after/, behaves the same, and that few of its lines differ.
package bpf2go

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/netlab"
)

// Both commands count the packets that were sent and leave out the small ones.
func TestBothCountTheSame(t *testing.T) {
	tables := map[string]string{}
	for _, name := range []string{"before", "after"} {
		bin := filepath.Join(t.TempDir(), name)
		if out, err := exec.Command("go", "build", "-o", bin, "./"+name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		tables[name] = run(t, bin)
		for _, row := range []string{`veth0 +ICMP +3 +294`, `veth0 +UDP +4 +568`} {
			if !regexp.MustCompile(row).MatchString(tables[name]) {
				t.Errorf("%s: no row %q in\n%s", name, row, tables[name])
			}
		}
		if strings.Contains(tables[name], " 52\n") {
			t.Errorf("%s: the small packet was counted\n%s", name, tables[name])
		}
	}
}

// run runs a command on a host, sends packets to it, and returns the table that it prints.
func run(t *testing.T, bin string) string {
	t.Helper()
	receiver, sender, err := netlab.Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	defer sender.Close()
	var out bytes.Buffer
	cmd := exec.Command(bin, "-min-bytes", "98", receiver.Interface)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.Do(cmd.Start); err != nil { // the child inherits the thread's network namespace
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	watchdog := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer watchdog.Stop()
	line := make([]byte, len("counting; interrupt to see the table\n"))
	if _, err := stdout.Read(line); err != nil {
		t.Fatal(err)
	}
	for _, send := range []func() error{
		func() error { return sender.Ping(receiver, 3, 56) },
		func() error { return sender.SendUDP(receiver, "9", 4, 100) },
		func() error { return sender.SendUDP(receiver, "9", 1, 10) }, // 52 bytes
	} {
		if err := send(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := out.ReadFrom(stdout); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// At most ten lines are new; all others are in before/main.go too.
func TestTenLinesChange(t *testing.T) {
	before := code(t, "before/main.go")
	var changed []string
	for _, line := range code(t, "after/main.go") {
		if !slices.Contains(before, line) {
			changed = append(changed, line)
		}
	}
	if len(changed) > 10 {
		t.Errorf("%d lines differ, want at most 10:\n%s", len(changed), strings.Join(changed, "\n"))
	}
}

// code returns the lines of a Go file that are neither blank nor comments. Directives count as
// code.
func code(t *testing.T, path string) []string {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(source)) {
		line = strings.TrimSpace(line)
		if line != "" && (!strings.HasPrefix(line, "//") || strings.HasPrefix(line, "//go:")) {
			lines = append(lines, line)
		}
	}
	return lines
}
