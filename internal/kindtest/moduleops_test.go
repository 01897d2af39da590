//vmtest:5.10,6.12

package kindtest

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/moduleops"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// openFiles returns the process's file descriptors.
func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// A module's struct_ops are found by the module's own BTF. Without the module the error names the
// struct.
func TestModuleStructOps(t *testing.T) {
	guest.Only(t)
	before(t, "6.9", "structs of operations of modules")
	s := opened(t, moduleops.Open)
	before := openFiles(t)
	if err := s.Load(); !errors.Is(err, unix.ENOENT) || !strings.Contains(err.Error(), "struct bpf2lskel_ops") {
		t.Errorf("without the module: %v", err)
	}
	if now := openFiles(t); now != before {
		t.Errorf("%d files are open, %d before", now, before)
	}

	guest.Module(t, "bpf2lskel_ops")
	s.StructOps.Adder.Factor = 100
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	// The map, the program and its variables' map, but nothing that only the load needed.
	if now := openFiles(t); now != before+3 {
		t.Errorf("%d files are open, %d before the load of two maps and a program", now, before)
	}
	info, err := s.Maps.Adder.Info()
	if err != nil || info.Flags&sys.FlagVtypeBtfObjFd == 0 {
		t.Errorf("the map's value is not of the module's BTF: %+v, %v", info, err)
	}
	says := func() string {
		text, err := os.ReadFile("/proc/bpf2lskel_ops")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	if text := says(); text != "none" {
		t.Errorf("before Attach: %s", text)
	}
	if _, err := s.Attach(); err != nil {
		t.Fatal(err)
	}
	if text := says(); text != "adder 4200" || s.Bss.Computed != 1 {
		t.Errorf("registered: %s, called %d times", text, s.Bss.Computed)
	}
	s.Detach()
	if text := says(); text != "none" {
		t.Errorf("after Detach: %s", text)
	}
	// The module cannot be removed while the map exists.
	s.Close()
}
