package codegen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// CheckStem accepts a name if a package with such files builds and can embed them, and refuses it
// otherwise.
func TestCheckStem(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("go.mod", "module example.com/p\n\ngo 1.25.0\n")
	for _, test := range []struct{ stem, refused string }{
		{"counter", ""},
		{"my counter", ""},
		{"a[b]", ""},
		{"größe", ""},
		{"数", ""},
		{"a-b+c@d#e~1", ""},
		{"con", ""},
		{"1st", ""},
		{"_x", `Go ignores files whose names begin with '_'`},
		{".x", `Go ignores files whose names begin with '.'`},
		{"-x", `Go does not compile files whose names begin with '-'`},
		{"#x", `Go does not compile files whose names begin with '#'`},
		{" x", `Go does not compile files whose names begin with ' '`},
		{"it's", "Go cannot embed such files"},
		{`a"b`, "Go cannot embed such files"},
		{"a`b", "Go cannot embed such files"},
		{"a*b", "Go cannot embed such files"},
		{"a:b", "Go cannot embed such files"},
		{`a\b`, "Go cannot embed such files"},
		{"a\u202eb", "Go cannot embed such files"},
		{"a\nb", "Go cannot embed such files"},
		{"a\xffb", "Go cannot embed such files"},
		{"", "no name"},
	} {
		err := CheckStem(test.stem)
		if test.refused != "" {
			if err == nil || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%q: got %v, want %q", test.stem, err, test.refused)
			}
		} else if err != nil {
			t.Errorf("%q: %v", test.stem, err)
		}
		// Compare with what the go command says.
		g := &generator{opts: Options{Stem: test.stem, Suffix: "bpfel"}}
		put(g.fileName("blob"), "data")
		put(g.fileName("go"), "package p\n\nimport _ \"embed\"\n\n"+g.embed("blob")+"\nvar blob string\n\nvar _ = blob\n")
		out, err := exec.Command("go", "build", "-C", dir, ".").CombinedOutput()
		if ok := err == nil; ok != (test.refused == "") {
			t.Errorf("%q: go build: %v\n%s", test.stem, err, out)
		}
		for _, ext := range []string{"blob", "go"} {
			if err := os.Remove(filepath.Join(dir, g.fileName(ext))); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Names that would change what a terminal or a reader sees are escaped.
func TestNamesInComments(t *testing.T) {
	const name = "a\u202eb\x1bc\u2066\xff"
	source := handMade(t, &btf.Struct{Name: name, Size: 4, Members: []btf.Member{
		{Name: name, Type: &btf.Union{Name: name, Size: 4, Members: []btf.Member{{Name: name, Type: &btf.Int{Name: name, Size: 4}}}}},
	}})
	for _, r := range string(source) {
		if r < ' ' && r != '\n' && r != '\t' || strings.ContainsRune("\u202e\u2066\ufffd", r) {
			t.Fatalf("%q is in the code:\n%q", r, source)
		}
	}
	if !strings.Contains(string(source), `a\u202eb\x1bc\u2066`) {
		t.Errorf("the name is not in the code:\n%s", source)
	}
	obj := &object.Object{Name: "made"}
	files, err := Generate(obj, &runtime.Spec{}, Options{Package: "skel", Stem: "made", Suffix: "bpfel", Source: "x\u202e\n*/.c"})
	if err != nil {
		t.Fatal(err)
	}
	if want := `compiled from x\u202e */.c, and`; !strings.Contains(strings.ReplaceAll(string(files[0].Data), "\n// ", " "), want) {
		t.Errorf("no %q in\n%s", want, files[0].Data)
	}
}
