package netlab

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// currentNS opens the network namespace of the calling thread.
func currentNS() (*os.File, error) { return os.Open("/proc/thread-self/ns/net") }

// newNS moves the calling thread to a new network namespace and opens that.
func newNS() (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, fmt.Errorf("create network namespace: %w", err)
	}
	return currentNS()
}

// enter moves the calling thread to a network namespace.
func enter(ns *os.File) error {
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter network namespace: %w", err)
	}
	return nil
}

// inOwnThread runs f on a thread whose network namespace f may change. The thread returns to its
// old namespace, since a namespace lives as long as a thread is in it.
func inOwnThread(f func() error) error {
	done := make(chan error)
	go func() {
		done <- func() error {
			runtime.LockOSThread()
			before, err := currentNS()
			if err != nil {
				return err
			}
			defer before.Close()
			err = f()
			if back := enter(before); back != nil {
				return errors.Join(err, back) // discard the thread
			}
			runtime.UnlockOSThread()
			return err
		}()
	}()
	return <-done
}
