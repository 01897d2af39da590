package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// stepsAround is how many steps before the one that failed are shown; those behind it say nothing.
const stepsAround = 12

// printFailure shows where in a load something went wrong: the steps up to it, with
// a mark, and all that the verifier said. The error itself, with its hint, comes last, from main.
func printFailure(w io.Writer, planned *spec.Spec, e *runtime.LoadError) {
	if e.Step >= 0 {
		first := max(0, e.Step-stepsAround)
		fmt.Fprintf(w, "steps of %s, %d in all:\n", planned.Name, len(planned.Steps))
		if first > 0 {
			fmt.Fprintln(w, "    ...")
		}
		for i := first; i <= e.Step; i++ {
			mark := "  "
			if i == e.Step {
				mark = "->"
			}
			fmt.Fprintf(w, "%s %5d  %s\n", mark, i, planned.StepName(planned.Steps[i]))
		}
		if e.Step+1 < len(planned.Steps) {
			fmt.Fprintln(w, "    ...")
		}
	}
	if e.Log != "" {
		fmt.Fprintf(w, "log of the verifier:\n%s\n", strings.TrimRight(e.Log, "\n"))
	}
}
