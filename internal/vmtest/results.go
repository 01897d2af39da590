package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// result is the outcome of a test or subtest.
type result struct {
	Package string
	Name    string
	Action  string // "pass", "fail", "skip"
	Output  string
	Reason  string // why it counts as failed
}

// legalSkip is the required prefix of a skip's message in a guest.
const legalSkip = "not on this kernel:"

// testEvents converts the output of a test binary that ran with -test.v=test2json to events, with
// Go's own tool.
func testEvents(ctx context.Context, s section) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "test2json", "-p", s.Package)
	cmd.Stdin = bytes.NewReader(s.Output)
	return output(cmd)
}

// readResults collects a test binary's events into one result for each of its tests, in the order
// in which they began.
func readResults(s section, events []byte) ([]result, error) {
	byName := map[string]*result{}
	var order []string
	lines := bufio.NewScanner(bytes.NewReader(events))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("%s: test2json: %w", s.Package, err)
		}
		if e.Test == "" {
			continue
		}
		r := byName[e.Test]
		if r == nil {
			r = &result{Package: s.Package, Name: e.Test}
			byName[e.Test] = r
			order = append(order, e.Test)
		}
		switch e.Action {
		case "output":
			r.Output += e.Output
		case "pass", "fail", "skip":
			r.Action = e.Action
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}

	var results []result
	failed := false
	for _, name := range order {
		r := byName[name]
		r.judge()
		failed = failed || r.Reason != ""
		results = append(results, *r)
	}
	// Failures of the binary as a whole belong to no test.
	switch whole := (result{Package: s.Package, Name: "(test binary)", Action: "fail"}); {
	case failed:
	case !s.Ended:
		whole.Reason = "did not end"
		results = append(results, whole)
	case s.Status != 0:
		whole.Reason = fmt.Sprintf("exit status %d", s.Status)
		results = append(results, whole)
	case len(results) == 0:
		whole.Reason = "ran no tests"
		results = append(results, whole)
	}
	return results, nil
}

// logLine matches a line of a test's log, which includes the message of a skip.
var logLine = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)$`)

// judge sets Reason if the test failed or its skip is illegal.
func (r *result) judge() {
	switch r.Action {
	case "pass":
	case "fail":
		r.Reason = "failed"
	case "skip":
		var message string
		for line := range strings.Lines(r.Output) {
			if m := logLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
				message = m[1]
			}
		}
		if !strings.HasPrefix(message, legalSkip) {
			r.Reason = fmt.Sprintf("skipped with message %q: want the prefix %q", message, legalSkip)
		}
	default:
		r.Action = "fail"
		r.Reason = "did not end"
	}
}

// counts are the numbers of tests and subtests by outcome.
type counts struct{ passed, failed, skipped int }

func (c counts) total() int { return c.passed + c.failed + c.skipped }

func count(results []result) counts {
	var c counts
	for _, r := range results {
		switch {
		case r.Reason != "":
			c.failed++
		case r.Action == "skip":
			c.skipped++
		default:
			c.passed++
		}
	}
	return c
}

// packagesOf returns the packages that have results.
func packagesOf(results []result) []string {
	var names []string
	for _, r := range results {
		if !slices.Contains(names, r.Package) {
			names = append(names, r.Package)
		}
	}
	return names
}
