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

// Names returns the objects in a directory of testdata, sorted: "" is the corpus proper, others are
// "extern", "peer" or "bad".
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

// All returns the objects of the corpus proper.
func All(t testing.TB) []string { return mustNames(t, "") }

// Externs returns the objects that need kernel symbols.
func Externs(t testing.TB) []string { return mustNames(t, "extern") }

// StructOps returns the objects with struct_ops.
func StructOps(t testing.TB) []string { return mustNames(t, "structops") }

// Peer returns the objects that only one of cilium/ebpf and libbpf loads.
func Peer(t testing.TB) []string { return mustNames(t, "peer") }

// Bad returns the objects that the tool must refuse. Some of them do not even compile.
func Bad(t testing.TB) []string { return mustNames(t, "bad") }

func mustNames(t testing.TB, dir string) []string {
	t.Helper()
	names, err := Names(dir)
	if err != nil {
		t.Fatalf("list test objects: %v", err)
	}
	return names
}

// Source returns the path of an object's C source.
func Source(name string) (string, error) {
	base, err := sourceDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, filepath.FromSlash(name)+sourceSuffix), nil
}
