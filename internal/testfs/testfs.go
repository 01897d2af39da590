// Package testfs gives tests kernel file systems, such as bpf and cgroup2, wherever the machine has
// them mounted, if at all.
//
// No mount is visible to others. A file system is either attached to no directory, and reached
// through a file descriptor, or mounted in a mount namespace that belongs to the test.
package testfs

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// BPF returns the directory of a new, empty BPF file system.
func BPF(t testing.TB) string { return detached(t, "bpf") }

// Cgroup2 returns the root directory of the control groups, version 2.
func Cgroup2(t testing.TB) string { return detached(t, "cgroup2") }

// Trace returns the root directory of tracefs, which is usually mounted at /sys/kernel/tracing. It
// skips the test on a kernel without tracefs.
func Trace(t testing.TB) string { return detached(t, "tracefs") }

// Security returns the root directory of securityfs, which is usually mounted at
// /sys/kernel/security. It skips the test on a kernel without securityfs.
func Security(t testing.TB) string { return detached(t, "securityfs") }

// detached creates a mount that is attached to no directory. It vanishes when the test ends or its
// process dies. Other threads and child processes may use its path, too.
func detached(t testing.TB, fsType string) string {
	t.Helper()
	mount, err := newMount(fsType)
	switch {
	case errors.Is(err, unix.ENODEV):
		guest.NotHere(t, "no file system %s", fsType)
	case errors.Is(err, unix.EPERM) && os.Getuid() != 0:
		t.Skip("needs root")
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Close(mount); err != nil {
			t.Error(err)
		}
	})
	return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), mount)
}

// newMount calls fsopen, fsconfig and fsmount, which are new in Linux 5.2.
func newMount(fsType string) (fd int, err error) {
	fs, err := unix.Fsopen(fsType, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open file system %s: %w", fsType, err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("create file system %s: %w", fsType, err)
	}
	if fd, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("mount file system %s: %w", fsType, err)
	}
	return fd, nil
}

// At mounts a file system at a path where code looks for it, such as /sys/kernel/tracing. Only the
// calling goroutine sees the mount: its thread gets its own mount namespace, and ends with the
// test. Other goroutines, subtests included, do not see it.
func At(t testing.TB, fsType, path string) {
	t.Helper()
	runtime.LockOSThread() // and never unlocked
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		if errors.Is(err, unix.EPERM) && os.Getuid() != 0 {
			t.Skip("needs root")
		}
		t.Fatalf("create mount namespace: %v", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatalf("keep mounts from others: %v", err)
	}
	switch err := unix.Mount(fsType, path, fsType, 0, ""); {
	case errors.Is(err, unix.EBUSY): // already mounted there: a machine has only one tracefs
	case errors.Is(err, unix.ENODEV):
		guest.NotHere(t, "no file system %s", fsType)
	case err != nil:
		t.Fatalf("mount file system %s at %s: %v", fsType, path, err)
	}
}
