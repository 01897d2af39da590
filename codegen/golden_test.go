package codegen

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

var update = flag.Bool("update", false, "write testdata/*.golden")

// TestGolden shows what a change does to generated code. The Spec is left out: it changes with
// whatever changes in a loader.
func TestGolden(t *testing.T) {
	for _, test := range []struct {
		name string
		obj  *object.Object
	}{
		{"names", readOwn(t, "names", "bpfel")},
		{"globals_sections", readObject(t, "globals_sections", "bpfel")},
		{"map_percpu_lru", readObject(t, "map_percpu_lru", "bpfel")},
		{"map_in_map", readObject(t, "map_in_map", "bpfel")},
		{"sec_fentry", readObject(t, "sec_fentry", "bpfel")},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, _ := bytes.Cut(generateFor(t, test.obj, Options{}), []byte("//go:embed"))
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

// TestSameBytes generates twice: maps of Go are in another order each time.
func TestSameBytes(t *testing.T) {
	obj := readOwn(t, "torture", "bpfel")
	first := generateFor(t, obj, Options{})
	for range 5 {
		if !bytes.Equal(first, generateFor(t, readOwn(t, "torture", "bpfel"), Options{})) {
			t.Fatal("the same object gave other code")
		}
	}
}
