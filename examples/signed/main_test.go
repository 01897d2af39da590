//vmtest:6.18,7.2,7.x

package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// While the policy is attached, an unsigned package fails to load and a signed one loads.
func TestPolicy(t *testing.T) {
	guest.Only(t)
	var out bytes.Buffer
	err := run(&out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"policy: attached, verified\nunsigned package: load counter: ",
		"operation not permitted",
		"signed package: loads; runs so far: 1\n",
		"policy: detached\nunsigned package: loads\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("%q is missing", line)
		}
	}
}
