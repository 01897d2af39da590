package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
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
