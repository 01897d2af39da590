package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A complete agent: examples/agent, beside the same agent with cilium/ebpf (package agent).
// Measured are the time from the start of the process until the agent is ready, and its memory at
// that point.

// agentResult is the measurement of one peer's agent.
type agentResult struct {
	ID    string
	Ready []float64 // ns
	Peak  []float64 // KiB, VmHWM
	Size  float64   // bytes of the binary
}

// agents measures both agents.
func (p plan) agents(ctx context.Context, b *builder) ([]agentResult, error) {
	example := filepath.Join(b.root, "examples", "agent")
	bin := b.path("go-bin") + "/"
	flags := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"}
	if _, err := b.runIn(example, "go", append(flags, bin+"agent_ours", ".")...); err != nil {
		return nil, err
	}
	if _, err := b.runIn(b.path(".."), "go", append(flags, bin+"agent_cilium", "./agent")...); err != nil {
		return nil, err
	}
	object := b.path("agent.bpf.o")
	if _, err := b.runIn(example, "clang", "-O2", "-g", "-target", "bpf", "-idirafter", "/usr/include/"+machineTriple(), "-c", "agent.bpf.c", "-o", object); err != nil {
		return nil, err
	}
	if _, err := b.run("llvm-strip", "-g", object); err != nil { // as bpf2go does
		return nil, err
	}
	commands := map[string][]string{
		ours:   {bin + "agent_ours", "-quiet", "-events", "processes,connections"},
		cilium: {bin + "agent_cilium", "-object", object},
	}
	all := map[string]*agentResult{}
	for id, args := range commands {
		info, err := os.Stat(args[0])
		if err != nil {
			return nil, err
		}
		all[id] = &agentResult{ID: id, Size: float64(info.Size())}
	}
	err := p.uses.rounds([]string{ours, cilium}, func(ids []string) error {
		for _, id := range ids {
			ready, peak, err := startAgent(ctx, commands[id])
			if err != nil {
				return err
			}
			all[id].Ready, all[id].Peak = append(all[id].Ready, ready), append(all[id].Peak, peak)
		}
		return nil
	})
	return []agentResult{*all[ours], *all[cilium]}, err
}

// machineTriple is Debian's name for the directory of this machine's headers.
func machineTriple() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64-linux-gnu"
	}
	return "x86_64-linux-gnu"
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// startAgent starts an agent, waits until it is ready, and stops it.
func startAgent(ctx context.Context, args []string) (ready, peak float64, err error) {
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], "-listen", "127.0.0.1:0", "-uid", "4294967294")...)
	notes, err := cmd.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	line, err := bufio.NewReader(notes).ReadString('\n')
	ready = float64(time.Since(begin).Nanoseconds())
	if err != nil || !strings.HasPrefix(line, "ready: ") {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return 0, 0, fmt.Errorf("%s: says %q: %w", filepath.Base(args[0]), line, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	if m := highWater.FindSubmatch(status); m != nil {
		peak, _ = strconv.ParseFloat(string(m[1]), 64)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return 0, 0, err
	}
	return ready, peak, cmd.Wait()
}

// markdownAgents writes the table of agents.
func (r *results) markdownAgents(w io.Writer) {
	if len(r.Agents) == 0 {
		return
	}
	io.WriteString(w, "\n## An agent\n\n"+
		"examples/agent, and the same with cilium/ebpf as a program on bpf2go has it: from the start of the process until it is attached and serves its metrics, "+
		"and the peak of its memory until then. Medians and quartiles.\n\n")
	row(w, "", "ready, ms", "peak memory, MiB", "binary, MiB", "rounds")
	rule(w, 5)
	for _, a := range r.Agents {
		row(w, title(a.ID), fmt.Sprintf("%s (%s-%s)", number(median(a.Ready)/1e6), number(quantile(a.Ready, 0.25)/1e6), number(quantile(a.Ready, 0.75)/1e6)),
			number(median(a.Peak)/1024), number(a.Size/1024/1024), fmt.Sprint(len(a.Ready)))
	}
	v := ratio(r.Agents[0].Ready, r.Agents[1].Ready)
	fmt.Fprintf(w, "\nTime relative to the other's: %s (%s-%s).\n", number(v.Value), number(v.Low), number(v.High))
}

// tableAgents prints the table for a terminal.
func (r *results) tableAgents(w io.Writer) {
	if len(r.Agents) == 0 {
		return
	}
	fmt.Fprint(w, "\nagent\tready, ms\tpeak, MiB\tbinary, MiB\t\n")
	for _, a := range r.Agents {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t\n", title(a.ID), number(median(a.Ready)/1e6), number(median(a.Peak)/1024), number(a.Size/1024/1024))
	}
}
