package runtime

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write docs/errors.md anew")

const errorsDoc = "../docs/errors.md"

// docs/errors.md is made from the hints that the code gives.
func TestErrorsDoc(t *testing.T) {
	var b strings.Builder
	b.WriteString(errorsDocHead)
	b.WriteString("| cause | the kernel says | hint |\n|---|---|---|\n")
	for _, h := range hints {
		b.WriteString("| " + h.cause + " | " + h.says + " | " + h.text + " |\n")
	}
	b.WriteString("\nAfter the load, a `*runtime.AttachError` or `*runtime.MapError` says more for:\n\n")
	b.WriteString("| cause | operation | the kernel says | hint |\n|---|---|---|---|\n")
	for _, h := range operationHints {
		b.WriteString("| " + h.cause + " | " + strings.TrimSpace(h.op) + " | `" + unix.ErrnoName(h.errno) + "` | " + h.text + " |\n")
	}
	want := b.String()
	if *update {
		if err := os.WriteFile(errorsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(errorsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("stale, run go test ./runtime -run ErrorsDoc -update (-want +file):\n%s", diff)
	}
}

const errorsDocHead = `# Errors of a load

Made from the code that gives the hints (runtime/hints.go): change them there.

A load that fails gives a ` + "`*runtime.LoadError`" + `. Its one line says what was being done and on what, the
kernel's answer, what it means or the decisive lines of the verifier's log, and a hint:

    load counter: load program count: invalid argument: this kernel has no field owner of struct mm_struct
    load counter: create the loader's map: operation not permitted (the process lacks CAP_BPF and CAP_PERFMON)

- ` + "`errors.Is(err, unix.EPERM)`" + ` asks for the kernel's answer, ` + "`errors.As`" + ` into a ` + "`*runtime.LoadError`" + ` gives the parts.
- ` + "`fmt.Printf(\"%+v\", err)`" + ` prints the whole log of the verifier as well. It is fetched after the failure: the load is run
  again with a buffer for the log of the step that has failed. A load that succeeds pays nothing for it.
- ` + "`LoadError.Step`" + ` is the step's index in what ` + "`bpf2lskel inspect`" + ` lists.
- After a failure the process has the files, mappings and locked memory that it had before, and the load can be tried again.

The hints, in the order in which they are tried; words in braces are filled in:

`
