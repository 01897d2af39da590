package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// A load that fails shows its steps with a mark at the one, the log, and the error.
func TestLoadShowsTheFailedStep(t *testing.T) {
	path := testobj.Compile(t, "refused_verifier", testobj.Options{})
	var stdout, stderr bytes.Buffer
	err := load([]string{path}, &stdout, &stderr)
	if err == nil {
		t.Fatal("it loads")
	}
	for _, want := range []string{"steps of refused_verifier", "create map", "->", "  load program unchecked\n", "log of the verifier:", "invalid access to packet"} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("no %q in:\n%s", want, stderr.String())
		}
	}
	if strings.Count("\n"+stderr.String(), "\n->") != 1 {
		t.Errorf("not one mark:\n%s", stderr.String())
	}
	if !strings.Contains(err.Error(), "load program unchecked: permission denied: ") {
		t.Errorf("error %v", err)
	}
	if stdout.Len() > 0 {
		t.Errorf("output %q", &stdout)
	}
}
