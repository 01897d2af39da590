package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// output is the directory of a package. It only touches files that have this command's names and
// header, so the directory may have others.
type output struct {
	dir  string
	stem string
	old  []string // existing files of this object, all written by this command
	// leftovers lists temporary files of a run that was killed.
	leftovers []string
}

const temporary = ".bpf2lskel-"

// openOutput reads the directory, which need not exist. It returns an error if a file that this
// command did not write has a name that it needs, or if the directory has the package of another
// object, since each declares a Skeleton.
func openOutput(dir, stem string, targets []target) (*output, error) {
	o := &output{dir: dir, stem: stem}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return o, nil
	}
	if err != nil {
		return nil, err
	}
	wanted := func(suffix string) bool {
		return slices.ContainsFunc(targets, func(t target) bool { return t.suffix() == suffix })
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, temporary) && e.Type().IsRegular() {
			o.leftovers = append(o.leftovers, name)
			continue
		}
		goFile, ok := goFileOf(name)
		if !ok {
			continue
		}
		suffix, own := o.suffixOf(goFile)
		if !own && goFile != name { // the data of another object, if anything
			continue
		}
		wrote, err := o.wrote(goFile)
		switch {
		case errors.Is(err, fs.ErrNotExist): // data without its Go file is overwritten
		case err != nil:
			return nil, fmt.Errorf("check for bpf2lskel's header: %w", err)
		case own && wrote:
			o.old = append(o.old, name)
		case own && wanted(suffix):
			return nil, fmt.Errorf("%s: exists, and was not written by bpf2lskel: rename it, or choose another directory with -o", filepath.Join(dir, goFile))
		case wrote:
			return nil, fmt.Errorf("%s: already has %s of another object: choose another directory with -o", dir, name)
		}
	}
	return o, nil
}

// goFileOf returns the Go file that a file of a package belongs to, judged by its name.
func goFileOf(name string) (string, bool) {
	for _, ext := range append(signedExtensions(), ".blob", ".loader", ".go.d", ".go") {
		base, ok := strings.CutSuffix(name, ext)
		endsIn := func(suffix string) bool { return strings.HasSuffix(base, "_"+suffix) }
		if ok && slices.ContainsFunc(suffixes(), endsIn) {
			return base + ".go", true
		}
	}
	return "", false
}

// wrote reports whether this command wrote a Go file, judged by its first line.
func (o *output) wrote(name string) (bool, error) {
	f, err := os.Open(filepath.Join(o.dir, name))
	if err != nil {
		return false, err
	}
	defer f.Close()
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return strings.TrimSpace(line) == codegen.Header, nil
}

// suffixOf returns the target's part of a file name. own reports whether the file is one of this
// object.
func (o *output) suffixOf(name string) (suffix string, own bool) {
	rest, ok := strings.CutPrefix(name, o.stem+"_")
	suffix, _, _ = strings.Cut(rest, ".")
	return suffix, ok && slices.Contains(suffixes(), suffix)
}

// obsolete lists the files of earlier runs that this run removes: those whose target shares a
// GOARCH with a new file, since both would be compiled, and those that were written by the same run
// as an earlier version of a new file. Files that separate runs wrote for other targets stay.
func (o *output) obsolete(files []codegen.File) []string {
	fresh := map[string]bool{}
	names := map[string]bool{}
	for _, f := range files {
		names[f.Name] = true
		suffix, _ := o.suffixOf(f.Name)
		fresh[suffix] = true
		for _, goarch := range goarchOf(suffix) {
			fresh[goarch] = true
		}
	}
	isFresh := func(name string) bool { return fresh[name] }
	var gone []string
	for _, name := range o.old {
		suffix, _ := o.suffixOf(name)
		shares := slices.ContainsFunc(goarchOf(suffix), isFresh) || slices.ContainsFunc(o.madeFor(name), isFresh)
		if !names[name] && shares {
			gone = append(gone, name)
		}
	}
	return gone
}

// madeFor lists the targets of the run that wrote a file.
func (o *output) madeFor(name string) []string {
	goFile, _ := goFileOf(name)
	raw, err := os.ReadFile(filepath.Join(o.dir, goFile))
	if err != nil {
		return nil
	}
	return codegen.CompiledBy(raw).Targets
}

// goarchOf returns the GOARCHs that files with a suffix are built for.
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

// same reports whether a file need not be written again, which is also so if another compiler
// produced the same code.
func same(f codegen.File, old []byte) bool {
	if bytes.Equal(old, f.Data) {
		return true
	}
	before, now := codegen.CompiledBy(old), codegen.CompiledBy(f.Data)
	return slices.Equal(before.Targets, now.Targets) && bytes.Equal(codegen.WithoutCompiledBy(old), codegen.WithoutCompiledBy(f.Data))
}

// write writes all files to the directory, first under temporary names, so that a failure leaves no
// partial output.
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
		if old, err := os.ReadFile(path); err == nil && same(f, old) {
			continue // so that make and go see no change
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
