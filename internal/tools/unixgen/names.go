package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// byHand are the names that golang.org/x/sys/unix lacks or defines differently.
var byHand = []string{"BPF", "MadvisePtr", "MremapFixed", "Personality", "Supported"}

// usedNames returns the names of the package that the module's files use, sorted, without those in
// byHand.
func usedNames(root string) ([]string, error) {
	used := map[string]bool{"Errno": true} // written by hand, used by syscall_linux.go
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			other := path != root && (err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"))
			if other || path == filepath.Join(root, directory) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		addNames(file, used)
		return nil
	})
	if err == nil && len(used) == 1 {
		err = errors.New("no file imports " + directory)
	}
	for _, name := range byHand {
		delete(used, name)
	}
	return slices.Sorted(maps.Keys(used)), err
}

// addNames adds the names that a file uses.
func addNames(file *ast.File, used map[string]bool) {
	local := ""
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if strings.HasSuffix(path, "/"+directory) {
			local = "unix"
			if spec.Name != nil {
				local = spec.Name.Name
			}
		}
	}
	if local == "" {
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == local {
				used[sel.Sel.Name] = true
			}
		}
		return true
	})
}
