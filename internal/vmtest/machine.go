package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Deadlines of a guest, by its own clock, and how often a guest that does not reach init is booted.
// A failed test is not run again, nor is a guest that dies after init has started.
const (
	bootDeadline = 90 * time.Second
	testDeadline = 600 * time.Second // all tests together, from the start of init; -deadline overrides it
	offDeadline  = 10 * time.Second
	bootAttempts = 3

	// lastWords is how long a guest whose time is up may continue, to show where its tests hang.
	lastWords = 20 * time.Second
)

// errNoBoot means that a guest never ran init.
var errNoBoot = errors.New("no boot")

// machine is a guest to boot. It has one CPU: emulated CPUs only take turns if there are as many
// guests as processors, and guests with two crashed more often.
type machine struct {
	emulator
	kernel   *kernel
	vmlinuz  string
	initrd   string
	deadline time.Duration

	attempts int           // to boot, the successful one included
	cpu      time.Duration // used by QEMU in the last attempt
}

// boot runs the guest until it is done and returns its console.
func (m *machine) boot(ctx context.Context) (console []byte, err error) {
	for {
		m.attempts++
		console, err = m.bootOnce(ctx)
		switch {
		case !errors.Is(err, errNoBoot) || ctx.Err() != nil:
			return console, err
		case m.attempts == bootAttempts:
			return console, fmt.Errorf("%w, the last of %d attempts", err, bootAttempts)
		}
	}
}

func (m *machine) bootOnce(ctx context.Context) ([]byte, error) {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	cmd := exec.CommandContext(ctx, m.Path, m.args()...)
	cmd.Env = append(os.Environ(), m.Env...)
	screen := &screen{}
	cmd.Stdout, cmd.Stderr = screen, screen
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the console decides, not the status
		close(ended)
	}()
	// stop ends QEMU, if it still runs, and waits until all its output is on the screen.
	stop := func() []byte {
		kill()
		<-ended
		m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return screen.text()
	}

	clock := startClock(cmd.Process.Pid)
	if !screen.wait(ended, markBoot, clock, bootDeadline) {
		waited := clock.wall().Round(time.Second)
		return stop(), fmt.Errorf("%w: init did not run within %v", errNoBoot, waited)
	}
	clock = startClock(cmd.Process.Pid)
	if screen.wait(ended, "\n"+markDone, clock, m.deadline) {
		select {
		case <-ended:
		case <-time.After(offDeadline): // some guests cannot power off their machine
		}
		return stop(), nil
	}
	if err := context.Cause(ctx); err != nil {
		return stop(), err
	}
	select {
	case <-ended:
		return stop(), errors.New("the guest died")
	default:
	}
	late := fmt.Errorf("its tests were not done after %v", m.deadline)
	if wall := clock.wall().Round(time.Second); wall >= m.deadline+time.Second {
		late = fmt.Errorf("%w (%v of wall time: the machine was busy)", late, wall)
	}
	// init makes the tests print their goroutines.
	if _, err := fmt.Fprintln(keyboard, typeExpired); err == nil {
		screen.wait(ended, "\n"+markDone, startClock(cmd.Process.Pid), lastWords)
	}
	return stop(), late
}

// args returns QEMU's command line.
func (m *machine) args() []string {
	return slices.Concat(m.Args, []string{
		"-accel", "tcg", "-smp", "1", "-m", "2048",
		"-nographic", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot",
		"-kernel", m.vmlinuz, "-initrd", m.initrd,
		// An oops ends the guest at once: nothing after it can be trusted.
		"-append", "console=" + m.kernel.Arch.Console + " quiet oops=panic panic=-1 " + m.kernel.Append,
	})
}

// screen collects a guest's output.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *screen) text() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.buf.Bytes())
}

// wait waits for a text to appear. It gives up when the clock reaches limit or the guest has ended.
func (s *screen) wait(ended <-chan struct{}, text string, clock *clock, limit time.Duration) bool {
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-ended:
			return strings.Contains(string(s.text()), text)
		case <-poll.C:
			if bytes.Contains(s.text(), []byte(text)) {
				return true
			}
			if clock.elapsed() >= limit {
				return false
			}
		}
	}
}
