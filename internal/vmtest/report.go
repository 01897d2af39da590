package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is the outcome for one kernel.
type report struct {
	Kernel   *kernel
	Release  string
	Note     string
	Results  []result
	Console  []byte
	Err      error         // a failure of the guest, not of a test
	Prepared time.Duration // fetching and building
	Ran      time.Duration // in QEMU
	CPU      time.Duration // CPU time of QEMU: what Ran would be on an idle machine
}

// read reads the results from the console. Every run must have ended.
func (r *report) read(ctx context.Context, run []testRun) error {
	s, err := parseConsole(r.Console)
	if err != nil {
		return err
	}
	var problems []error
	for _, what := range s.Broken {
		problems = append(problems, errors.New(what))
	}
	if s.Release != "" && s.Release != r.Release {
		problems = append(problems, fmt.Errorf("booted %s instead of %s", s.Release, r.Release))
	}
	for _, section := range s.Sections {
		events, err := testEvents(ctx, section)
		if err != nil {
			return err
		}
		results, err := readResults(section, events)
		if err != nil {
			return err
		}
		r.Results = append(r.Results, results...)
	}
	if len(s.Sections) != len(run) && r.Err == nil {
		problems = append(problems, fmt.Errorf("%d of %d test binaries ran", len(s.Sections), len(run)))
	}
	return errors.Join(problems...)
}

func (r *report) counts() counts { return count(r.Results) }

func (r *report) ok() bool { return r.Err == nil && r.counts().failed == 0 }

// name returns the kernel's key and its exact release.
func (r *report) name() string {
	if r.Release == "" {
		return r.Kernel.Key
	}
	return r.Kernel.Key + " (" + r.Release + ")"
}

// print writes the outcome as lines, and the console if something failed.
func (r *report) print(w io.Writer, console bool) {
	c := r.counts()
	if r.ok() && c.total() == 0 {
		return // nothing was to run
	}
	verdict := "ok"
	if !r.ok() {
		verdict = "FAIL"
	}
	if (console || !r.ok()) && len(r.Console) > 0 {
		fmt.Fprintf(w, "--- console of %s\n", r.name())
		for line := range strings.Lines(string(escapes.ReplaceAll(r.Console, nil))) {
			// The markers for test2json are not for humans.
			line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\x16", "")
			if !strings.HasPrefix(line, "=== NAME") {
				fmt.Fprintln(w, "| "+line)
			}
		}
		fmt.Fprintf(w, "--- end of console of %s\n", r.name())
	}
	fmt.Fprintf(w, "%-4s %s: %d passed, %d failed, %d skipped; prepared in %.0f s, ran in %.0f s\n", verdict, r.name(),
		c.passed, c.failed, c.skipped, r.Prepared.Seconds(), r.Ran.Seconds())
	if r.Note != "" {
		fmt.Fprintf(w, "     %s\n", r.Note)
	}
	if r.Err != nil {
		fmt.Fprintf(w, "     %s\n", strings.ReplaceAll(r.Err.Error(), "\n", "\n     "))
	}
	for _, t := range r.Results {
		if t.Reason != "" {
			fmt.Fprintf(w, "     %s %s: %s\n", t.Package, t.Name, t.Reason)
		}
	}
}

// printTable writes a line for each kernel.
func printTable(w io.Writer, reports []*report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nkernel\trelease\tpackages\tpassed\tfailed\tskipped\tseconds\tof CPU\t")
	for _, r := range reports {
		c := r.counts()
		end := "ok"
		switch {
		case !r.ok():
			end = "FAIL"
		case c.total() == 0:
			end = "nothing to run"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%.0f\t%.0f\t%s\n", r.Kernel.Key, r.Release, len(packagesOf(r.Results)),
			c.passed, c.failed, c.skipped, r.Ran.Seconds(), r.CPU.Seconds(), end)
	}
	t.Flush()
}
