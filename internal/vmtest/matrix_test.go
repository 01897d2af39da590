package main

import (
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
		t.Errorf("a kernel that is not in the matrix: %v", err)
	}
}
