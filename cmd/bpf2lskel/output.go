package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// output is the folder that a package goes into.
type output struct {
	dir  string
	stem string
	old  []string // the files that are there, all written by this command
	// leftovers are temporary files of a run that was killed.
	leftovers []string
}

const temporary = ".bpf2lskel-"

// openOutput looks at the folder, which need not exist. It refuses one that has
// files which this command did not write: they would become part of the
// package, or get lost.
func openOutput(dir, stem string) (*output, error) {
	o := &output{dir: dir, stem: stem}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, temporary) {
			o.leftovers = append(o.leftovers, name)
			continue
		}
		if !e.Type().IsRegular() || !o.wrote(name) {
			return nil, fmt.Errorf("%s: holds %s, which bpf2lskel did not write: a package needs a folder of its own", dir, name)
		}
		if !strings.HasPrefix(name, stem+"_") {
			return nil, fmt.Errorf("%s: holds %s of another object: each needs a folder of its own", dir, name)
		}
		o.old = append(o.old, name)
	}
	return o, nil
}

// wrote tells whether this command wrote a file: a Go file says so in its first line, other
// files are beside one that does.
func (o *output) wrote(name string) bool {
	goFile := name
	for _, ext := range append(signedExtensions(), ".blob", ".loader") {
		if stem, ok := strings.CutSuffix(name, ext); ok {
			goFile = stem + ".go"
		}
	}
	goFile = strings.TrimSuffix(goFile, ".d")
	if filepath.Ext(goFile) != ".go" {
		return false
	}
	f, err := os.Open(filepath.Join(o.dir, goFile))
	if err != nil {
		return false
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString('\n')
	return strings.TrimSpace(line) == codegen.Header
}

// suffixOf is the target's part of a file name.
func (o *output) suffixOf(name string) string {
	suffix, _, _ := strings.Cut(strings.TrimPrefix(name, o.stem+"_"), ".")
	return suffix
}

// obsolete lists the files of earlier runs whose target shares a GOARCH with one of the new
// files: both would be compiled.
func (o *output) obsolete(files []codegen.File) []string {
	fresh := map[string]bool{}
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name] = true
		for _, goarch := range goarchOf(o.suffixOf(f.Name)) {
			fresh[goarch] = true
		}
	}
	var gone []string
	for _, name := range o.old {
		shares := slices.ContainsFunc(goarchOf(o.suffixOf(name)), func(goarch string) bool { return fresh[goarch] })
		if !names[name] && shares {
			gone = append(gone, name)
		}
	}
	return gone
}

// goarchOf is the GOARCHs that files with a suffix are for.
func goarchOf(suffix string) []string {
	linux, clang, ok := strings.Cut(suffix, "_")
	if !ok {
		linux, clang = "", suffix
	}
	var list []string
	for goarch, a := range arches {
		if a.clang == clang && (linux == "" || a.linux == linux) {
			list = append(list, goarch)
		}
	}
	return list
}

// write puts all files into the folder: first under temporary names, so that nothing
// is half-written if one cannot be.
func (o *output) write(files []codegen.File) (err error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	var made []string
	defer func() {
		for _, path := range made {
			_ = os.Remove(path)
		}
		if err != nil {
			_ = os.Remove(o.dir) // if it is empty
		}
	}()
	renames := map[string]string{}
	for _, f := range files {
		path := filepath.Join(o.dir, f.Name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, f.Data) {
			continue // so that make and go see that nothing changed
		}
		tmp, err := os.CreateTemp(o.dir, temporary+"*")
		if err != nil {
			return err
		}
		made = append(made, tmp.Name())
		renames[tmp.Name()] = path
		_, err = tmp.Write(f.Data)
		if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
			return err
		}
	}
	for _, path := range made {
		if err := os.Rename(path, renames[path]); err != nil {
			return err
		}
	}
	for _, name := range append(o.obsolete(files), o.leftovers...) {
		if err := os.Remove(filepath.Join(o.dir, name)); err != nil {
			return err
		}
	}
	return nil
}
