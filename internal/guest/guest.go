// Package guest is for tests that run in the virtual machines of vmtest: what kernel they are on,
// and the kernel modules that are theirs to insert and remove.
package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Key is the kernel's key in the matrix ("6.12", "7.x-arm64"), and empty outside of guests.
func Key() string { return os.Getenv("BPF2LSKEL_VM") }

// In reports whether the process runs in a guest.
func In() bool { return Key() != "" }

// Only skips the test outside of guests.
func Only(t testing.TB) {
	t.Helper()
	if !In() {
		t.Skip("for guests: make vmtest RUN=" + t.Name())
	}
}

// NotHere skips the test because of what this kernel lacks, with the only beginning of a message
// that is legal for a skip in a guest.
func NotHere(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Skipf("not on this kernel: "+format, args...)
}

// modulesDir is where a guest has its modules. order has a line for each, which ends in its name,
// with those that it needs before it.
const modulesDir = "/modules"

// Module inserts a kernel module and those that it needs, unless they are there. Those that it
// inserted it removes when the test ends, which fails if something still holds one. On a kernel
// that vmtest has no such module for, the test is skipped.
func Module(t testing.TB, name string) {
	t.Helper()
	Only(t)
	needed, err := order(name)
	if err != nil {
		t.Fatal(err)
	}
	if needed == nil {
		NotHere(t, "there is no module %s", name)
	}
	for _, module := range needed {
		if Loaded(module) {
			continue
		}
		if err := Insert(module); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if !Loaded(module) {
				return // the test did it
			}
			if err := Remove(module); err != nil {
				t.Error(err)
			}
		})
	}
}

// order returns the modules to insert for name, name last, or nil if it is not among this guest's.
func order(name string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(modulesDir, "order"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		// A module that another one needs has no line of its own: what comes before it in that line
		// is enough.
		names := strings.Fields(line)
		if i := slices.Index(names, name); i >= 0 {
			return names[:i+1], nil
		}
	}
	return nil, nil
}

// Insert inserts one module, without those that it needs.
func Insert(name string) error {
	f, err := os.Open(filepath.Join(modulesDir, name+".ko"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
		return fmt.Errorf("insert module %s: %w", name, err)
	}
	return nil
}

// removePatience is for how long a module may still be in use when it is removed. The kernel frees
// a program, and drops what it holds, only some time after its last user is gone.
const removePatience = 3 * time.Second

// Remove removes a module. The error is EAGAIN if something goes on using it.
func Remove(name string) error {
	for deadline := time.Now().Add(removePatience); ; time.Sleep(20 * time.Millisecond) {
		err := unix.DeleteModule(name, unix.O_NONBLOCK)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EAGAIN) || time.Now().After(deadline) {
			return fmt.Errorf("remove module %s: %w", name, err)
		}
	}
}

// Loaded reports whether a module is in the kernel, inserted or built in.
func Loaded(name string) bool {
	state, err := os.ReadFile(filepath.Join("/sys/module", name, "initstate"))
	if errors.Is(err, fs.ErrNotExist) {
		// What is built in has a folder only if it has parameters or a version.
		_, err := os.Stat(filepath.Join("/sys/module", name))
		return err == nil
	}
	return err == nil && string(bytes.TrimSpace(state)) == "live"
}

// JIT reports whether the kernel compiles BPF programs. If it does not, as on Debian's s390x, it
// refuses kfunc calls, trampolines, callbacks and arenas.
func JIT() bool {
	enabled, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	return err == nil && string(bytes.TrimSpace(enabled)) != "0"
}
