package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// stepsAround is the number of steps shown before the one that failed.
const stepsAround = 12

// printFailure prints the steps of a load up to the one that failed, which it marks, and the
// verifier's log. main prints the error itself, with its hint, afterwards.
func printFailure(w io.Writer, planned *spec.Spec, e *runtime.LoadError) {
	if e.Step >= 0 {
		first := max(0, e.Step-stepsAround)
		fmt.Fprintf(w, "steps of %s (%d in total):\n", planned.Name, len(planned.Steps))
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
		fmt.Fprintf(w, "verifier log:\n%s\n", strings.TrimRight(e.Log, "\n"))
	}
}

// hintForCommand returns a hint with the command's flags in the place of fields of LoadOptions.
func hintForCommand(hint string) string {
	switch {
	case strings.Contains(hint, "LoadOptions.Pins.Incompatible"):
		return "remove the pin, or set -pin-path to another directory"
	case strings.Contains(hint, "LoadOptions.Pins"):
		return "mount -t bpf bpf /sys/fs/bpf, or set -pin-path to a directory in a BPF file system"
	}
	return hint
}
