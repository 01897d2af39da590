package main

import (
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// checkDir returns an error if a package in this directory could not be imported, or would not be
// part of ./... .
func checkDir(outDir string) error {
	dir, err := filepath.Abs(outDir)
	if err != nil {
		return err
	}
	inModule := filepath.Base(dir) // outside a module only the last element matters
	if goMod := findGoMod(dir); goMod != "" {
		if inModule, err = filepath.Rel(filepath.Dir(goMod), dir); err != nil {
			return err
		}
	}
	if inModule == "." || inModule == string(filepath.Separator) {
		return nil
	}
	inModule = filepath.ToSlash(inModule)
	for elem := range strings.SplitSeq(inModule, "/") {
		switch {
		case elem == "testdata", strings.HasPrefix(elem, "_"), strings.HasPrefix(elem, "."):
			return fmt.Errorf("%s: Go ignores directories named %s: choose another directory with -o", outDir, elem)
		case elem == "vendor":
			return fmt.Errorf("%s: Go reserves directories named vendor for packages of other modules: choose another directory with -o", outDir)
		}
	}
	if err := module.CheckImportPath(inModule); err != nil {
		return fmt.Errorf("%s: a package there cannot be imported: %w: choose another directory with -o", outDir, err)
	}
	return nil
}

// neighbour is a Go file in the directory that bpf2lskel did not write, and its package's name.
type neighbour struct{ file, pkg string }

// findNeighbour returns a Go file that go build would compile together with the package, if any.
func findNeighbour(dir string) (neighbour, bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return neighbour{}, false
	}
	for _, e := range entries {
		name := e.Name()
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		if ok, err := build.Default.MatchFile(dir, name); err != nil || !ok {
			continue
		}
		path := filepath.Join(dir, name)
		raw, err := os.ReadFile(path)
		if err != nil || strings.HasPrefix(string(raw), codegen.Header) {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, raw, parser.PackageClauseOnly)
		if err != nil {
			continue
		}
		return neighbour{path, file.Name.Name}, true
	}
	return neighbour{}, false
}
