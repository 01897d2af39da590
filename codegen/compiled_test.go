package codegen

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A file's line about its compiler can be read back and removed.
func TestCompiled(t *testing.T) {
	generate := func(c Compiled) string {
		t.Helper()
		files, err := Generate(&object.Object{Name: "made"}, &runtime.Spec{}, Options{
			Package: "skel", Stem: "made", Suffix: "bpfel", GOARCH: []string{"amd64"}, Compiled: c,
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(files[0].Data)
	}
	without := generate(Compiled{})
	for _, test := range []struct {
		compiled Compiled
		line     string
	}{
		{Compiled{"clang 14.0.6", []string{"bpfel", "bpfeb"}}, "// Compiled by clang 14.0.6 for bpfel, bpfeb.\n"},
		{Compiled{"", []string{"x86_bpfel"}}, "// Compiled for x86_bpfel.\n"},
		{Compiled{"a for b", []string{"x86_bpfel"}}, "// Compiled by a for b for x86_bpfel.\n"},
	} {
		got := generate(test.compiled)
		if !strings.HasPrefix(got, Header+"\n// bpf2lskel "+Version+", ABI 1\n"+test.line+"//\n//go:build amd64\n") {
			t.Errorf("%+v: begins with\n%.200s", test.compiled, got)
		}
		if diff := cmp.Diff(test.compiled, CompiledBy([]byte(got))); diff != "" {
			t.Errorf("read back:\n%s", diff)
		}
		if diff := cmp.Diff(without, string(WithoutCompiledBy([]byte(got)))); diff != "" {
			t.Errorf("removed:\n%s", diff)
		}
	}
	if got := CompiledBy([]byte(without)); got.Compiler != "" || got.Targets != nil {
		t.Errorf("got %+v from a file without the line", got)
	}
	if got := string(WithoutCompiledBy([]byte(without))); got != without {
		t.Errorf("removed something else")
	}
}
