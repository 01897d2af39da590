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

// checkFolder makes sure that a package in this folder can be imported, and is part of ./... .
func checkFolder(outDir string) error {
	dir, err := filepath.Abs(outDir)
	if err != nil {
		return err
	}
	inModule := filepath.Base(dir) // of what is in no module, only that much matters
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
			return fmt.Errorf("%s: Go ignores folders named %s: choose another with -o", outDir, elem)
		case elem == "vendor":
			return fmt.Errorf("%s: Go takes what is in a folder named vendor for other modules' packages: choose another with -o", outDir)
		}
	}
	if err := module.CheckImportPath(inModule); err != nil {
		return fmt.Errorf("%s: no package can be imported from there: %w: choose another folder with -o", outDir, err)
	}
	return nil
}

// neighbour is a Go file of somebody else in the folder, and its package's name.
type neighbour struct{ file, pkg string }

// findNeighbour returns one of the Go files that go build compiles together with the package, if
// there is any.
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
