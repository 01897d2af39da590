package testobj

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Run is a claim that an object's source makes about one of its programs: run by BPF_PROG_TEST_RUN,
// it leaves these values in these global variables. The head comment of the source says so, one
// line a run:
//
//   - run: sum_all retval=0 total=55 calls=3
//
// Runs of one object are made in the order in which they stand, on one and the same load.
type Run struct {
	// Program is the name of the program to run.
	Program string
	// Retval is what the program must return, where the claim says so.
	Retval *uint32
	// Globals are the values, zero-extended to 64 bits, that these variables must have afterwards.
	Globals map[string]uint64
}

// Runs reads what an object's source claims about running it. Most objects claim nothing.
func Runs(t testing.TB, name string) []Run {
	t.Helper()
	runs, err := readRuns(name)
	if err != nil {
		t.Fatalf("claims of test object: %v", err)
	}
	return runs
}

func readRuns(name string) ([]Run, error) {
	lines, err := directives(name, "run")
	if err != nil {
		return nil, err
	}
	var runs []Run
	for _, line := range lines {
		r, err := parseRun(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", name, line, err)
		}
		runs = append(runs, r)
	}
	return runs, nil
}

func parseRun(line string) (Run, error) {
	words := strings.Fields(line)
	r := Run{Program: words[0], Globals: map[string]uint64{}}
	for _, w := range words[1:] {
		key, text, ok := strings.Cut(w, "=")
		if !ok {
			return Run{}, fmt.Errorf("%q is not NAME=VALUE", w)
		}
		v, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			return Run{}, err
		}
		if key == "retval" {
			retval := uint32(v)
			r.Retval = &retval
			continue
		}
		r.Globals[key] = v
	}
	return r, nil
}
