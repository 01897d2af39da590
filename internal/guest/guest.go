// Package guest supports tests that run in the virtual machines of vmtest. It tells them which
// kernel they run on, and inserts and removes kernel modules.
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

// Key returns the kernel's key in the matrix ("6.12", "7.x-arm64"), or "" outside of guests.
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

// NotHere skips the test because this kernel lacks something. Its message begins with the only
// prefix that vmtest accepts for a skip.
func NotHere(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Skipf("not on this kernel: "+format, args...)
}

// modulesDir holds a guest's modules. Each line of its file order ends in a module's name, after
// the modules that it needs.
const modulesDir = "/modules"

// Module inserts a kernel module and the modules that it needs, unless they are loaded. When the
// test ends it removes what it inserted, and fails if that is still in use. If vmtest has no such
// module for this kernel, the test is skipped.
func Module(t testing.TB, name string) {
	t.Helper()
	Only(t)
	needed, err := order(name)
	if err != nil {
		t.Fatal(err)
	}
	if needed == nil {
		NotHere(t, "no module %s", name)
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
				return // the test removed it
			}
			if err := Remove(module); err != nil {
				t.Error(err)
			}
		})
	}
}

// order returns the modules to insert for name, name last, or nil if this guest does not have it.
func order(name string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(modulesDir, "order"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		// A module that another one needs has no line: what precedes it in that line is enough.
		names := strings.Fields(line)
		if i := slices.Index(names, name); i >= 0 {
			return names[:i+1], nil
		}
	}
	return nil, nil
}

// Insert inserts one module, without its dependencies.
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

// removePatience is how long a module may remain in use when it is removed. The kernel frees a
// program, and drops its references, only some time after its last user is gone.
const removePatience = 3 * time.Second

// Remove removes a module. The error is EAGAIN if the module remains in use.
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

// Loaded reports whether a module is inserted or built into the kernel.
func Loaded(name string) bool {
	state, err := os.ReadFile(filepath.Join("/sys/module", name, "initstate"))
	if errors.Is(err, fs.ErrNotExist) {
		// A built-in module has a directory only if it has parameters or a version.
		_, err := os.Stat(filepath.Join("/sys/module", name))
		return err == nil
	}
	return err == nil && string(bytes.TrimSpace(state)) == "live"
}

// JIT reports whether the kernel compiles BPF programs. Without a JIT compiler, as on Debian's
// s390x, it refuses kfunc calls, trampolines, callbacks and arenas.
func JIT() bool {
	enabled, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	return err == nil && string(bytes.TrimSpace(enabled)) != "0"
}
