package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMarkedTests(t *testing.T) {
	const tests = `
import "testing"

func TestMain(m *testing.M) {}
func TestOne(t *testing.T) {}
func helper() {}
func (x) TestMethod() {}
func TestTwo(t *testing.T) {}
`
	both := func(keys ...string) []markedTest { return []markedTest{{"TestOne", keys}, {"TestTwo", keys}} }
	for _, c := range []struct {
		name, head string
		want       []markedTest
	}{
		{"all", "//vmtest:all\n\npackage x\n", both()},
		{"bare", "//vmtest\n\npackage x\n", both()},
		{"bare, as formatted by gofumpt", "// Package x.\n// vmtest\npackage x\n", both()},
		{"after a build constraint", "//go:build linux\n\n//vmtest:all\n\npackage x\n", both()},
		{"all, and a key", "//vmtest:all,5.10\n\npackage x\n", both("all", "5.10")},
		{"keys", "//vmtest:5.10,7.x-arm64\n\npackage x\n", both("5.10", "7.x-arm64")},
		{"none", "package x\n", nil},
		{"prose", "// vmtest runs this\npackage x\n", nil},
		{"too late", "package x\n//vmtest:all\n", nil},
	} {
		got, err := markedTests("x_test.go", []byte(c.head+tests))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	if _, err := markedTests("x_test.go", []byte("//vmtest:4.19\n\npackage x\n")); err == nil || !strings.Contains(err.Error(), "x_test.go") {
		t.Errorf("a kernel outside of the matrix: %v", err)
	}
}

func TestRunPattern(t *testing.T) {
	p := &testPackage{Path: "runtime", Tests: []markedTest{{"TestLoad", nil}, {"TestLoadTwice", nil}, {"TestRefused", []string{"5.10"}}}}
	byKey := func(key string) *kernel {
		chosen, err := choose(matrix, key)
		if err != nil {
			t.Fatal(err)
		}
		return chosen[0]
	}
	for _, c := range []struct{ key, pattern, want string }{
		{"6.12", "", "^(TestLoad|TestLoadTwice)$"},
		{"6.12", "Twice", "^(TestLoadTwice)$"},
		{"6.12", "TestLoad$/arm", "^(TestLoad)$/arm"},
		{"6.12", "Refused", ""},
		{"5.10", "", "^(TestRefused)$"},
		{"5.10", "Load", ""},
	} {
		got, err := p.runPattern(byKey(c.key), c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got != c.want {
			t.Errorf("%s -run %q: %q, want %q", c.key, c.pattern, got, c.want)
		}
	}
}
