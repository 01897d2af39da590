package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeGuest returns a machine whose QEMU is a shell script. $attempts names a file for counting its
// runs.
func fakeGuest(t *testing.T, script string) *machine {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "qemu")
	text := "#!/bin/sh\nattempts=" + dir + "/attempts\necho >>$attempts\nattempt=$(wc -l <$attempts)\n" + script
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return &machine{emulator: emulator{Path: path}, kernel: &kernel{Arch: amd64}, deadline: time.Minute}
}

func TestBoot(t *testing.T) {
	for _, tt := range []struct {
		name     string
		script   string
		deadline time.Duration // a minute if 0
		attempts int
		want     string // in the error
		console  string
	}{
		{
			name:   "well",
			script: "echo vmtest-boot 6.1\necho vmtest-done\n", attempts: 1, console: "vmtest-done",
		},
		{
			name:   "boots at the second attempt",
			script: "[ $attempt = 2 ] || exit 1\necho vmtest-boot 6.1\necho vmtest-done\n", attempts: 2, console: "vmtest-done",
		},
		{
			name:   "never boots",
			script: "echo panic\nexit 1\n", attempts: bootAttempts, want: errNoBoot.Error(), console: "panic",
		},
		{
			name:   "dies after boot, and is not tried again",
			script: "echo vmtest-boot 6.1\necho vmtest-begin runtime\nexit 1\n", attempts: 1, want: "the guest died", console: "vmtest-begin",
		},
		{
			name:     "hangs, and says where when asked",
			script:   "echo vmtest-boot 6.1\nread -r line\necho asked: $line\necho vmtest-done\n",
			deadline: time.Second, attempts: 1, want: "not done after 1s", console: "asked: " + typeExpired,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := fakeGuest(t, tt.script)
			if tt.deadline != 0 {
				m.deadline = tt.deadline
			}
			console, err := m.boot(t.Context())
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if errors.Is(err, errNoBoot) != (tt.want == errNoBoot.Error()) {
				t.Errorf("error %v", err)
			}
			if m.attempts != tt.attempts {
				t.Errorf("%d attempts, want %d", m.attempts, tt.attempts)
			}
			if !strings.Contains(string(console), tt.console) {
				t.Errorf("console %q, want %q in it", console, tt.console)
			}
		})
	}
}

// Time spent waiting for a processor does not count, up to a limit.
func TestClock(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct{ wall, waited, want time.Duration }{
		{10 * time.Minute, 0, 10 * time.Minute},
		{10 * time.Minute, 4 * time.Minute, 6 * time.Minute},
		{10 * time.Minute, 9 * time.Minute, 10 * time.Minute / maxStretch},
	} {
		c := &clock{pid: -1, begun: now.Add(-tt.wall), waited: tt.waited}
		if got := c.elapsed().Round(time.Minute / 2); got != tt.want.Round(time.Minute/2) {
			t.Errorf("%v, %v of them waiting: %v, want %v", tt.wall, tt.waited, got, tt.want)
		}
	}
}
