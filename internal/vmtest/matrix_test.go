package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChooseKernels(t *testing.T) {
	matrix := []*kernel{{Key: "7.x-arm64"}, {Key: "6.1"}, {Key: "6.12"}, {Key: "7.x"}}
	for _, c := range []struct{ keys, want string }{
		{"", "7.x-arm64 6.1 6.12 7.x"},
		{"6.12", "6.12"},
		{" 7.x,6.1 ", "6.1 7.x"},
	} {
		chosen, err := choose(matrix, c.keys)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, k := range chosen {
			keys = append(keys, k.Key)
		}
		if diff := cmp.Diff(c.want, strings.Join(keys, " ")); diff != "" {
			t.Errorf("%q: %s", c.keys, diff)
		}
	}
	if _, err := choose(matrix, "6.12,4.19"); err == nil || !strings.Contains(err.Error(), `"4.19"`) {
		t.Errorf("a kernel outside of the matrix: %v", err)
	}
}

// ci.yml runs the same guests as make vmtest.
func TestWorkflowHasTheMatrix(t *testing.T) {
	text, err := os.ReadFile("../../.github/workflows/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^ *kernel: \[(.*)\]$`).FindSubmatch(text)
	if m == nil {
		t.Fatal("ci.yml has no list of kernels")
	}
	var want []string
	for _, k := range matrix {
		want = append(want, k.Key)
	}
	got := strings.Split(strings.ReplaceAll(string(m[1]), `"`, ""), ", ")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kernels of ci.yml: %s", diff)
	}
}
