package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
)

// build builds the agent as it is deployed.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// with returns a command that has only these capabilities, as the unit and the DaemonSet grant
// them.
func with(caps, bin string, args ...string) *exec.Cmd {
	return exec.Command("setpriv", append([]string{
		"--bounding-set=-all" + caps, "--inh-caps=-all" + caps, "--no-new-privs", bin,
	}, args...)...)
}

const least = ",+bpf,+perfmon"

// running is an agent that is ready.
type running struct {
	cmd     *exec.Cmd
	lines   bytes.Buffer
	metrics string // URL
	stopped chan error
}

func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{cmd: cmd, stopped: make(chan error, 1)}
	cmd.Stdout = &r.lines
	notes, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	said := bufio.NewReader(notes)
	line, _ := said.ReadString('\n')
	addr, ok := strings.CutPrefix(line, "ready: ")
	if !ok {
		rest, _ := io.ReadAll(said)
		t.Fatalf("the agent printed %s%s", line, rest)
	}
	r.metrics = "http://" + strings.TrimSpace(addr) + "/metrics"
	go func() {
		_, _ = io.Copy(io.Discard, said)
		r.stopped <- cmd.Wait()
	}()
	return r
}

// stop stops the agent and returns its lines.
func (r *running) stop(t *testing.T) (lines []map[string]any) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-r.stopped:
		if err != nil {
			t.Errorf("the agent failed: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the agent did not stop")
	}
	for line := range bytes.Lines(r.lines.Bytes()) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, fields)
	}
	return lines
}

// metric scrapes a metric and returns its value.
func (r *running) metric(t *testing.T, name string) float64 {
	t.Helper()
	resp, err := http.Get(r.metrics)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in\n%s", name, text)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// With the least capabilities that work, the agent reports what the test does.
func TestReportsEvents(t *testing.T) {
	bin := build(t)
	testfs.At(t, "tracefs", "/sys/kernel/tracing")
	agent := start(t, with(least, bin, "-listen", "127.0.0.1:0"))

	const processes, files, connections = 5, 7, 3
	dir := t.TempDir()
	truth, err := exec.LookPath("true")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "agent-started")
	data, err := os.ReadFile(truth)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o755); err != nil {
		t.Fatal(err)
	}
	pids := map[float64]bool{}
	for range processes {
		cmd := exec.Command(program)
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		pids[float64(cmd.Process.Pid)] = true
	}
	file := filepath.Join(dir, "not-there")
	for range files {
		if _, err := os.Open(file); !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range connections {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}

	// Each scrape is a connection, too.
	for range 100 {
		if agent.metric(t, `agent_events_total{kind="connection"}`) >= connections &&
			agent.metric(t, `agent_events_total{kind="file"}`) >= files &&
			agent.metric(t, `agent_events_total{kind="process"}`) >= processes {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, kind := range []string{"process", "file", "connection"} {
		if n := agent.metric(t, `agent_dropped_total{kind="`+kind+`"}`); n != 0 {
			t.Errorf("%v events of kind %s dropped", n, kind)
		}
	}
	agent.metric(t, "agent_backlog_bytes")

	got := map[string]int{}
	for _, e := range agent.stop(t) {
		switch {
		case e["msg"] == "process" && e["path"] == program && pids[e["pid"].(float64)] && e["comm"] == "agent-started",
			e["msg"] == "file" && e["path"] == file && e["pid"] == float64(os.Getpid()),
			e["msg"] == "connection" && e["peer"] == l.Addr().String() && e["pid"] == float64(os.Getpid()):
			if e["uid"] != float64(os.Getuid()) {
				t.Errorf("of user %v: %v", e["uid"], e)
			}
			got[e["msg"].(string)]++
		}
	}
	for kind, want := range map[string]int{"process": processes, "file": files, "connection": connections} {
		if got[kind] != want {
			t.Errorf("kind %s: %d of the test's events, want %d", kind, got[kind], want)
		}
	}
}

// A filter that is set at start leaves out all other events.
func TestFilters(t *testing.T) {
	bin := build(t)
	agent := start(t, with(least, bin, "-listen", "127.0.0.1:0", "-events", "processes,connections", "-uid", "54321"))
	if err := exec.Command("true").Run(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("setpriv", "--reuid=54321", "--clear-groups", "true") // one event: setpriv itself runs as root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for range 100 {
		if agent.metric(t, `agent_events_total{kind="process"}`) > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	lines := agent.stop(t)
	if len(lines) != 1 || lines[0]["uid"] != float64(54321) || lines[0]["msg"] != "process" {
		t.Errorf("%v", lines)
	}
}

// Without one of its capabilities, or with a bad flag, the agent fails and names the cause.
func TestStartErrors(t *testing.T) {
	bin := build(t)
	for _, caps := range []string{"", ",+bpf", ",+perfmon"} {
		out, err := with(caps, bin, "-listen", "127.0.0.1:0", "-events", "processes").CombinedOutput()
		if err == nil || !strings.Contains(string(out), "CAP_") {
			t.Errorf("with %q: %v, %s", caps, err, out)
		}
	}
	for _, args := range [][]string{{"-events", "all"}, {"-uid", "4294967296"}} {
		if out, err := exec.Command(bin, args...).CombinedOutput(); err == nil || !strings.Contains(string(out), args[0]) {
			t.Errorf("%q: %v, %s", args, err, out)
		}
	}
}
