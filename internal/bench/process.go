package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// sample is the cost of one load.
type sample struct {
	Wall   float64 // ns
	CPU    float64 // ns, all threads
	Faults float64 // minor page faults
	Peak   float64 // KiB, the process's highest so far
}

// process is a running binary of a peer that loads on request.
type process struct {
	cmd   *exec.Cmd
	name  string
	in    io.WriteCloser
	lines *bufio.Reader
	said  strings.Builder
}

// start starts a binary and waits until it is ready.
func start(ctx context.Context, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, path, args...), name: filepath.Base(path)}
	p.cmd.Stderr = &p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.lines = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if line, err := p.lines.ReadString('\n'); err != nil || line != "ready\n" {
		p.stop()
		return nil, fmt.Errorf("%s: not ready: %w\n%s", p.name, err, p.said.String())
	}
	return p, nil
}

// ask sends a line and returns the numbers in the answer.
func (p *process) ask(line string, n int) ([]float64, error) {
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", p.name, err, p.said.String())
	}
	answer, err := p.lines.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s: no answer: %w\n%s", p.name, err, p.said.String())
	}
	if text, isError := strings.CutPrefix(answer, "error: "); isError {
		return nil, fmt.Errorf("%s: %s\n%s", p.name, strings.TrimSpace(text), p.said.String())
	}
	var numbers []float64
	for field := range strings.FieldsSeq(answer) {
		v, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: unexpected answer %q", p.name, answer)
		}
		numbers = append(numbers, v)
	}
	if len(numbers) != n {
		return nil, fmt.Errorf("%s: unexpected answer %q", p.name, answer)
	}
	return numbers, nil
}

// load makes the process load once.
func (p *process) load() (sample, error) {
	v, err := p.ask("load", 4)
	if err != nil {
		return sample{}, err
	}
	return sample{v[0], v[1], v[2], v[3]}, nil
}

// allocs makes the process load once and count allocations and their bytes.
func (p *process) allocs() (count, bytes float64, err error) {
	v, err := p.ask("allocs", 2)
	if err != nil {
		return 0, 0, err
	}
	return v[0], v[1], nil
}

func (p *process) stop() error {
	p.in.Close()
	err := p.cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return fmt.Errorf("%s: %w\n%s", p.name, err, p.said.String())
	}
	return err
}
