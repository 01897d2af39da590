package main

import (
	"go/build/constraint"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	for in, want := range map[string][]string{
		"":                      nil,
		" -O2  -g ":             {"-O2", "-g"},
		`-DA="x y" -DB='"'`:     {"-DA=x y", `-DB="`},
		`foo\ bar \"`:           {"foo bar", `"`},
		`""`:                    {""},
		"-I a\t-I b":            {"-I", "a", "-I", "b"},
		`-DNAME=\"counter\" -g`: {`-DNAME="counter"`, "-g"},
	} {
		got, err := splitWords(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", in, diff)
		}
	}
	for _, in := range []string{`"a`, `a'`, `a\`} {
		if got, err := splitWords(in); err == nil {
			t.Errorf("%q: no error, but %q", in, got)
		}
	}
}

func TestTargets(t *testing.T) {
	el, err := findTarget("bpfel")
	if err != nil {
		t.Fatal(err)
	}
	eb, err := findTarget("bpfeb")
	if err != nil {
		t.Fatal(err)
	}
	all := append(slices.Clone(el.goarch), eb.goarch...)
	slices.Sort(all)
	if want := slices.Sorted(maps.Keys(arches)); !slices.Equal(all, want) {
		t.Errorf("both byte orders have %v, want %v", all, want)
	}
	for _, name := range targetNames() {
		target, err := findTarget(name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(target.goarch, name) {
			t.Errorf("target %s is for %v, not for itself", name, target.goarch)
		}
		// The go command takes the part after the last underscore for a constraint.
		last := target.suffix()[strings.LastIndex(target.suffix(), "_")+1:]
		if _, ok := arches[last]; ok {
			t.Errorf("target %s: suffix %s ends in a GOARCH", name, target.suffix())
		}
		if diff := cmp.Diff(target.goarch, slices.Sorted(slices.Values(goarchOf(target.suffix())))); diff != "" {
			t.Errorf("target %s: from its suffix:\n%s", name, diff)
		}
	}
	for _, bad := range []string{"", "x86", "bpfel,bpfel", "bpfel,amd64", "mipsle"} {
		if got, err := findTargets(bad); err == nil {
			t.Errorf("%q: no error, but %v", bad, got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("BPF2GO_CC", "gcc")
	t.Setenv("BPF2GO_CFLAGS", `-DA="x y"`)
	c, err := parseConfig([]string{"x.bpf.c"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gcc"}, c.cc); diff != "" {
		t.Error(diff)
	}
	t.Setenv("BPF2LSKEL_CC", "ccache clang-19 -Wall")
	c, err = parseConfig([]string{"-o", "a/b-c", "-tags", "foo,!bar", "-type", "s", "-type", "t", "x.bpf.c", "--", "-Ix"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ccache", "clang-19", "-Wall"}, c.cc); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"-DA=x y", "-Ix"}, c.cflags); diff != "" {
		t.Error(diff)
	}
	if c.pkg != "bc" || c.stem != "x" || c.outDir != "a/b-c" {
		t.Errorf("package %s, stem %s, directory %s", c.pkg, c.stem, c.outDir)
	}
	if diff := cmp.Diff([]string{"s", "t"}, c.types); diff != "" {
		t.Error(diff)
	}
	tags := (&constraint.AndExpr{X: archConstraint([]string{"amd64", "arm64"}), Y: c.tags}).String()
	if want := "(amd64 || arm64) && foo && !bar"; tags != want {
		t.Errorf("constraint %s, want %s", tags, want)
	}
}

func TestDepFile(t *testing.T) {
	got, err := adjustDeps([]byte("/tmp/x.o: /w/src/x.bpf.c \\\n  /w/include/a.h\n\n/w/include/a.h:\n"), "/w", "/w/skel/x_bpfel.go")
	if err != nil {
		t.Fatal(err)
	}
	want := "skel/x_bpfel.go: \\\n src/x.bpf.c \\\n include/a.h\n\ninclude/a.h:\n\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}
