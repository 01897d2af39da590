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

// Deadlines of a guest, and how often one that never reached init is booted. A test that failed is not tried again.
const (
	bootDeadline = 90 * time.Second
	testDeadline = 360 * time.Second // for all tests together, counted from init, unless -deadline says otherwise
	offDeadline  = 10 * time.Second
	bootAttempts = 3
)

// errNoBoot says that a guest never came to run init.
var errNoBoot = errors.New("no boot")

// machine is a guest to be booted. It has one CPU: emulated ones only take turns where there are as many guests as processors,
// and guests with two were seen to crash more often.
type machine struct {
	emulator
	kernel   *kernel
	vmlinuz  string
	initrd   string
	deadline time.Duration

	attempts int           // at booting, the one that succeeded included
	cpu      time.Duration // that QEMU used in the last of them
}

// boot runs the guest until it is done, and returns its console.
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
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the console tells, the status does not
		close(ended)
	}()
	// stop ends QEMU, if it has not, and waits until all it said is on the screen.
	stop := func() []byte {
		kill()
		<-ended
		m.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		return screen.text()
	}

	begun := time.Now()
	if !screen.wait(ended, markBoot, bootDeadline) {
		waited := time.Since(begun).Round(time.Second)
		return stop(), fmt.Errorf("%w: init did not come to run in %v", errNoBoot, waited)
	}
	begun = time.Now()
	if screen.wait(ended, "\n"+markDone, m.deadline) {
		select {
		case <-ended:
		case <-time.After(offDeadline): // not every machine can be switched off by its guest
		}
		return stop(), nil
	}
	if err := context.Cause(ctx); err != nil {
		return stop(), err
	}
	if time.Since(begun) < m.deadline {
		return stop(), errors.New("the guest died")
	}
	return stop(), fmt.Errorf("killed: its tests were not done after %v", m.deadline)
}

// args is QEMU's command line.
func (m *machine) args() []string {
	return slices.Concat(m.Args, []string{
		"-accel", "tcg", "-smp", "1", "-m", "2048",
		"-nographic", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot",
		"-kernel", m.vmlinuz, "-initrd", m.initrd,
		// An oops ends the guest at once: nothing after it can be trusted.
		"-append", "console=" + m.kernel.Arch.Console + " quiet oops=panic panic=-1 " + m.kernel.Append,
	})
}

// screen gathers what a guest prints.
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

// wait waits for a text to appear. It gives up after a while, and when the guest has ended.
func (s *screen) wait(ended <-chan struct{}, text string, limit time.Duration) bool {
	deadline := time.After(limit)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-ended:
			return strings.Contains(string(s.text()), text)
		case <-deadline:
			return false
		case <-poll.C:
			if bytes.Contains(s.text(), []byte(text)) {
				return true
			}
		}
	}
}
