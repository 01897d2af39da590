// Command apidoc records the API of the project's public packages, so that each change of it
// changes a file in docs/api, which is reviewed:
//
//	make golden    writes the files
//	make lint      fails if they are not what the code says
//
// A file has the output of go doc -all without comments, which may be improved at any time. If a
// name is an alias for a type of an internal package, that type is shown too, since it is just as
// public.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// module is the import path of the module with the public packages.
const module = "github.com/bpf2lskel/bpf2lskel"

func main() {
	root := flag.String("root", "../..", "`directory` of the module")
	write := flag.Bool("w", false, "write the files, instead of comparing with them")
	flag.Parse()
	same, err := run(*root, *write)
	if err != nil {
		fmt.Fprintln(os.Stderr, "apidoc:", err)
		os.Exit(1)
	}
	if !same {
		fmt.Fprintln(os.Stderr, "apidoc: the public API has changed; if that is intended, run make golden")
		os.Exit(1)
	}
}

// run compares the files in docs/api with the code, or writes them.
func run(root string, write bool) (same bool, err error) {
	packages, err := publicPackages(root)
	if err != nil {
		return false, err
	}
	dir := filepath.Join(root, "docs", "api")
	stale := map[string]bool{}
	found, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return false, err
	}
	for _, file := range found {
		stale[file] = true
	}
	same = true
	l := &loader{root: root}
	for _, p := range packages {
		text, err := l.describe(p)
		if err != nil {
			return false, fmt.Errorf("%s: %w", p, err)
		}
		file := filepath.Join(dir, strings.ReplaceAll(p, "/", "_")+".txt")
		delete(stale, file)
		ok, err := settle(file, text, write)
		if err != nil {
			return false, err
		}
		same = same && ok
	}
	for file := range stale {
		if !write {
			fmt.Printf("%s is for a package that is no longer public\n", file)
			same = false
		} else if err := os.Remove(file); err != nil {
			return false, err
		}
	}
	return same, nil
}

// settle writes a file, or prints how it differs from text.
func settle(file, text string, write bool) (same bool, err error) {
	old, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	switch {
	case string(old) == text:
		return true, nil
	case !write:
		fmt.Print(udiff.Unified(file, file+" (now)", string(old), text))
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return false, err
	}
	return true, os.WriteFile(file, []byte(text), 0o644)
}

// publicPackages returns the directories of the module's packages that others may import: no
// internal packages, commands, examples or tests.
func publicPackages(root string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || path == root {
			return err
		}
		directory, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case name == "internal", name == "testdata", name[0] == '.', name[0] == '_',
			directory == "cmd", directory == "examples", directory == "docs", directory == "bin":
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
			return fs.SkipDir // another module
		}
		files, err := goFiles(path)
		if err == nil && len(files) > 0 {
			all = append(all, filepath.ToSlash(directory))
		}
		return err
	})
	return all, err
}
