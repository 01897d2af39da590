package legacy

import (
	"fmt"
	goruntime "runtime"

	"golang.org/x/sys/unix"
)

// currentNetNS opens the network namespace of the calling thread.
func currentNetNS() (int, error) {
	num, err := unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open the network namespace: %w", err)
	}
	return num, nil
}

// inNetNS calls do on a thread in the given network namespace.
func inNetNS(num int, do func() error) error {
	done := make(chan error)
	go func() {
		goruntime.LockOSThread() // never unlocked, so the thread ends with the goroutine
		err := unix.Setns(num, unix.CLONE_NEWNET)
		if err == nil {
			err = do()
		}
		done <- err
	}()
	return <-done
}
