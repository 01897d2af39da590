package codegen

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

var update = flag.Bool("update", false, "write testdata/*.golden")

// TestGolden shows the effect of a change on generated code. It leaves out the Spec, which changes
// with any change to loaders.
func TestGolden(t *testing.T) {
	for _, test := range []struct {
		name string
		obj  *object.Object
		opts Options
	}{
		{"names", readOwn(t, "names", "bpfel"), Options{}},
		{"records", readOwn(t, "records", "bpfel"), Options{Records: map[string]string{"flagged": "sample"}}},
		{"globals_sections", readObject(t, "globals_sections", "bpfel"), Options{}},
		{"map_percpu_lru", readObject(t, "map_percpu_lru", "bpfel"), Options{}},
		{"map_in_map", readObject(t, "map_in_map", "bpfel"), Options{}},
		{"sec_fentry", readObject(t, "sec_fentry", "bpfel"), Options{}},
		{"arena_globals", read(t, testobj.Compile(t, "arena/globals", testobj.Options{CC: "clang-19", Target: "bpfel"})), Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, _ := bytes.Cut(generateFor(t, test.obj, test.opts), []byte("//go:embed"))
			path := filepath.Join("testdata", test.name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("other code than in %s (-update writes it):\n%s", path, diff)
			}
		})
	}
}

// TestCommitted checks that the package used by other tests is up to date.
func TestCommitted(t *testing.T) {
	opts := Options{Source: "live.bpf.c"}
	want, _, _ := bytes.Cut(generateFor(t, readOwn(t, "live", "bpfel"), opts), []byte("//go:embed"))
	got, err := os.ReadFile("internal/live/skel/live_bpfel.go")
	if err != nil {
		t.Fatal(err)
	}
	got, _, _ = bytes.Cut(got, []byte("//go:embed"))
	// The first lines list architectures; tests generate for some of them only.
	_, want, _ = bytes.Cut(want, []byte("\n\n"))
	_, got, _ = bytes.Cut(got, []byte("\n\n"))
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("not up to date, run go generate ./codegen/...:\n%s", diff)
	}
}

// TestSameBytes generates twice: the order of Go maps differs each time.
func TestSameBytes(t *testing.T) {
	obj := readOwn(t, "torture", "bpfel")
	first := generateFor(t, obj, Options{})
	for range 5 {
		if !bytes.Equal(first, generateFor(t, readOwn(t, "torture", "bpfel"), Options{})) {
			t.Fatal("the same object gives different code")
		}
	}
}

// TestRecords checks the errors of -ringbuf.
func TestRecords(t *testing.T) {
	obj := readOwn(t, "records", "bpfel")
	spec, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		records map[string]string
		want    string
	}{
		{map[string]string{"nowhere": "event"}, "map nowhere: the object has no ring buffer or perf event array of this name"},
		{map[string]string{"flagged": "nothing"}, "map flagged: type nothing: not in the object's BTF: use the type in the source"},
		{map[string]string{"flagged": "union event"}, "map flagged: type union event: not in the object's BTF: use the type in the source"},
	} {
		_, err := Generate(obj, spec, Options{Package: "skel", Stem: "records", Suffix: "bpfel", Records: test.records})
		if err == nil || err.Error() != test.want {
			t.Errorf("%v: got %v, want %s", test.records, err, test.want)
		}
	}
}
