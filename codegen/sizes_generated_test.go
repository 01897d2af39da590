package codegen

import (
	"regexp"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/loader"
)

// The Go types of a generated map determine its sizes: a wrong size must be fixed in the source,
// and an unknown size is set before the load.
func TestGeneratedMapSizes(t *testing.T) {
	obj := readObject(t, "never/map_array_key", "bpfel")
	s, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Generate(obj, s, Options{Package: "skel", Stem: "x", Suffix: "bpfel", GOARCH: []string{"amd64"}})
	if want := "map counts: keys have 8 bytes: maps of type array require keys of 4"; err == nil || err.Error() != want {
		t.Errorf("\n got %v\nwant %s", err, want)
	}
	obj.Maps[0].KeySize, obj.Maps[0].Key = 0, nil
	if code := string(generateFor(t, obj, Options{})); !regexp.MustCompile(`Counts +\*runtime\.Map\n`).MatchString(code) {
		t.Error("a map without a key size is not a *runtime.Map")
	}
}
