package testobj

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// Run is a claim in an object's source about one of its programs: run by BPF_PROG_TEST_RUN, it
// returns this value and leaves these values in global variables. The head comment of the source
// has one line per run:
//
//   - run: sum_all retval=0 total=55 calls=3
//
// The runs of an object are made in order on a single load.
type Run struct {
	// Program is the name of the program to run.
	Program string
	// Retval is the expected return value, if the claim has one.
	Retval *uint32
	// Globals are the expected values of variables afterwards, zero-extended to 64 bits.
	Globals map[string]uint64
}

// Runs returns the claims in an object's source about running it. Most objects have none.
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
