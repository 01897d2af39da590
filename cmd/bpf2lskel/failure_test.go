package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testfs"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A failed load shows its steps, with a mark at the failed one, the log, and the error.
func TestLoadShowsTheFailedStep(t *testing.T) {
	path := testobj.Compile(t, "refused_verifier", testobj.Options{})
	var stdout, stderr bytes.Buffer
	err := load([]string{path}, &stdout, &stderr)
	if err == nil {
		t.Fatal("the load succeeded")
	}
	for _, want := range []string{"steps of refused_verifier", "create map", "->", "  load program unchecked\n", "verifier log:", "invalid access to packet"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in:\n%s", want, stderr.String())
		}
	}
	if strings.Count("\n"+stderr.String(), "\n->") != 1 {
		t.Errorf("want one mark:\n%s", stderr.String())
	}
	if !strings.Contains(err.Error(), "load program unchecked: permission denied: ") {
		t.Errorf("error %v", err)
	}
	if stdout.Len() > 0 {
		t.Errorf("output %q", &stdout)
	}
}

// An object for the other byte order is refused before the kernel sees it.
func TestLoadOtherByteOrder(t *testing.T) {
	target := "bpfeb"
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		target = "bpfel"
	}
	err := load([]string{testobj.Compile(t, "minimal", testobj.Options{Target: target})}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "Endian, unlike this machine") {
		t.Errorf("error %v", err)
	}
}

// Errors of a directory for pins use the words of the command line.
func TestLoadPins(t *testing.T) {
	plain, bpffs := t.TempDir(), testfs.BPF(t)
	counted := testobj.Compile(t, "map_pinned", testobj.Options{})
	// A different map is pinned there.
	other, err := runtime.CreateMap(&runtime.MapSpec{Name: "other", Type: 1, KeySize: 2, ValueSize: 2, MaxEntries: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Pin(bpffs + "/bpf2lskel_pinned"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-pin-path", plain, counted}, "set -pin-path to a directory in a BPF file system"},
		{[]string{"-pin-path", bpffs, counted}, "set -pin-path to another directory"},
		{[]string{"-pin", plain + "/x", testobj.Compile(t, "minimal", testobj.Options{})}, "mount -t bpf bpf /sys/fs/bpf"},
		{[]string{"-pin", bpffs + "/a.b", testobj.Compile(t, "minimal", testobj.Options{})}, "want a name without dots"},
		{[]string{plain}, plain + ": a directory: want an object file"},
	} {
		err := load(tt.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "LoadOptions") {
			t.Errorf("load %q: %v, want %q", tt.args, err, tt.want)
		}
	}
	if left, err := os.ReadDir(plain); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// What is not loaded because its section is unknown is not left out silently.
func TestLoadWarns(t *testing.T) {
	file := testobj.Compile(t, "peer/unknown_sections", testobj.Options{})
	want := "bpf2lskel: warning: " + file + `: program mistaken is not loaded: unknown program section "cgroup/connect" (did you mean "cgroup/connect4"?)` + "\n"
	for name, verb := range map[string]func([]string, io.Writer, io.Writer) error{"load": load, "preflight": preflightVerb} {
		var stderr strings.Builder
		if err := verb([]string{file}, io.Discard, &stderr); err != nil || stderr.String() != want {
			t.Errorf("%s: %v, got warnings %q, want %q", name, err, stderr.String(), want)
		}
	}
}
