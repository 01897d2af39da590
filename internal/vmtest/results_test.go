package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// printed is what a test binary prints with -test.v=test2json.
func printed(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

func TestResults(t *testing.T) {
	for _, c := range []struct {
		name    string
		section section
		want    map[string]string // reasons of failures, by test
		counts  counts
	}{
		{
			name: "passed, failed and both kinds of skip",
			section: section{Ended: true, Status: 1, Output: printed(
				"\x16=== RUN   TestPass", "\x16--- PASS: TestPass (0.00s)",
				"\x16=== RUN   TestFail", "    x_test.go:1: wrong", "\x16--- FAIL: TestFail (0.00s)",
				"\x16=== RUN   TestSkip", "    x_test.go:2: not on this kernel: no module", "\x16--- SKIP: TestSkip (0.00s)",
				"\x16=== RUN   TestLazy", "    x_test.go:3: needs root", "\x16--- SKIP: TestLazy (0.00s)",
				"\x16FAIL",
			)},
			want: map[string]string{
				"TestFail": "failed",
				"TestLazy": `skipped with message "needs root": want the prefix "not on this kernel:"`,
			},
			counts: counts{passed: 1, failed: 2, skipped: 1},
		},
		{
			name: "illegal skip in a binary that passed",
			section: section{Ended: true, Output: printed(
				"\x16=== RUN   TestSkip", "\x16=== RUN   TestSkip/sub", "    x_test.go:2: no bpftool",
				"\x16--- SKIP: TestSkip/sub (0.00s)", "\x16--- PASS: TestSkip (0.00s)", "\x16PASS",
			)},
			want:   map[string]string{"TestSkip/sub": `skipped with message "no bpftool": want the prefix "not on this kernel:"`},
			counts: counts{passed: 1, failed: 1},
		},
		{
			name:    "guest that died",
			section: section{Output: printed("\x16=== RUN   TestHang")},
			want:    map[string]string{"TestHang": "did not end"},
			counts:  counts{failed: 1},
		},
		{
			name:    "binary that fails by itself",
			section: section{Ended: true, Status: 3, Output: printed("\x16=== RUN   TestPass", "\x16--- PASS: TestPass (0.00s)", "\x16PASS")},
			want:    map[string]string{"(test binary)": "exit status 3"},
			counts:  counts{passed: 1, failed: 1},
		},
		{
			name:    "binary without tests",
			section: section{Ended: true, Output: printed("testing: warning: no tests to run", "\x16PASS")},
			want:    map[string]string{"(test binary)": "ran no tests"},
			counts:  counts{failed: 1},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.section.Package = "runtime"
			events, err := testEvents(t.Context(), c.section)
			if err != nil {
				t.Fatal(err)
			}
			results, err := readResults(c.section, events)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, r := range results {
				if r.Reason != "" {
					got[r.Name] = r.Reason
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if got := count(results); got != c.counts {
				t.Errorf("counts %+v, want %+v", got, c.counts)
			}
		})
	}
}
