package testobj

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const sourceSuffix = ".bpf.c"

// Names lists the objects of one directory of testdata, sorted: "" for the corpus proper, "extern",
// "peer" or "bad".
func Names(dir string) ([]string, error) {
	base, err := sourceDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(base, dir))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), sourceSuffix); ok {
			names = append(names, filepath.ToSlash(filepath.Join(dir, name)))
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no *%s in %s", sourceSuffix, filepath.Join(base, dir))
	}
	slices.Sort(names)
	return names, nil
}

// All lists the objects of the corpus proper.
func All(t testing.TB) []string { return mustNames(t, "") }

// Externs lists the objects that need kernel symbols.
func Externs(t testing.TB) []string { return mustNames(t, "extern") }

// StructOps lists the objects with structs of operations.
func StructOps(t testing.TB) []string { return mustNames(t, "structops") }

// Peer lists the objects that cilium/ebpf loads, or libbpf, and not the other.
func Peer(t testing.TB) []string { return mustNames(t, "peer") }

// Bad lists the objects that the tool must refuse. Some of them do not even compile.
func Bad(t testing.TB) []string { return mustNames(t, "bad") }

func mustNames(t testing.TB, dir string) []string {
	t.Helper()
	names, err := Names(dir)
	if err != nil {
		t.Fatalf("list test objects: %v", err)
	}
	return names
}

// Source is the path of an object's C source.
func Source(name string) (string, error) {
	base, err := sourceDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, filepath.FromSlash(name)+sourceSuffix), nil
}
