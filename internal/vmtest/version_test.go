package main

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVersionsSortAsDpkgDoes(t *testing.T) {
	want := []string{
		"lost+found", "5.10.223-1", "6.1.99-1", "6.1.176-1", "6.12.90-1~bpo12+1", "6.12.90-1", "6.12.90+deb12.1-1", "6.12.107-1", "7.3.4-1~bpo13+1",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, compareVersions)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
