package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/build/constraint"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/plural"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// generate writes a package, or compares it with the existing files.
func generate(args []string, stdout, stderr io.Writer) error {
	c, err := parseConfig(args, stdout)
	if errors.Is(err, errVersion) {
		return nil
	}
	if err != nil {
		return err
	}
	out, err := openOutput(c.outDir, c.stem, c.targets)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bpf2lskel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	// The go command and the compilers are slow, so run them concurrently.
	var note string
	var module errgroup.Group
	module.Go(func() (err error) {
		note, err = checkModule(c.outDir)
		return err
	})
	files, err := c.build(tmp, stderr)
	if err != nil {
		return err
	}
	if err := module.Wait(); err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintf(stderr, "bpf2lskel: note: %s\n", printable(note))
	}
	keepSignatures(c.outDir, files)
	if c.check {
		return out.compare(files, stdout)
	}
	return out.write(files)
}

// build generates the files for all targets in memory.
func (c *config) build(tmp string, stderr io.Writer) ([]codegen.File, error) {
	show := newProgress(stderr)
	defer show.done()
	if c.isObject {
		obj, err := object.Read(c.input)
		if err != nil {
			return nil, err
		}
		warn(stderr, c.input, obj)
		if err := c.compareKernel(stderr, obj); err != nil {
			return nil, fmt.Errorf("%s: %w", c.input, err)
		}
		t, err := c.objectTarget(obj)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.input, err)
		}
		return c.emit(obj, t, codegen.Compiled{})
	}

	perTarget := make([][]codegen.File, len(c.targets))
	messages := make([]bytes.Buffer, len(c.targets))
	errs := make([]error, len(c.targets))
	show.say("compiling %s for %s", c.input, plural.Of(len(c.targets), "target", "targets"))
	compiler := sync.OnceValue(c.compilerVersion)
	var all sync.WaitGroup
	all.Go(func() { compiler() })
	for i, t := range c.targets {
		all.Go(func() {
			// The compilers' messages are collected, so that their lines do not mix.
			perTarget[i], errs[i] = c.buildTarget(t, compiler, tmp, &messages[i])
		})
	}
	all.Wait()
	show.done()
	said := map[string]bool{} // most messages are the same for each target
	for i := range messages {
		if text := messages[i].String(); !said[text] {
			said[text] = true
			_, _ = io.WriteString(stderr, text)
		}
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	var files []codegen.File
	for _, f := range perTarget {
		files = append(files, f...)
	}
	return files, nil
}

// buildTarget compiles the source for a target and generates its files.
func (c *config) buildTarget(t target, compiler func() string, tmp string, stderr io.Writer) ([]codegen.File, error) {
	path, err := c.compile(t, tmp, stderr)
	if err != nil {
		return nil, err
	}
	obj, err := object.Read(path)
	if err != nil {
		return nil, c.renamed(err, path)
	}
	warn(stderr, c.input, obj)
	if err := c.compareKernel(stderr, obj); err != nil {
		return nil, fmt.Errorf("%s: %w", c.input, err)
	}
	compiled := codegen.Compiled{Compiler: compiler()}
	for _, t := range c.targets {
		compiled.Targets = append(compiled.Targets, t.suffix())
	}
	files, err := c.emit(obj, t, compiled)
	if err != nil {
		return nil, err
	}
	err = c.addDeps(&files, path)
	return files, err
}

// warn prints warnings about what loads, but behaves differently than in C.
func warn(w io.Writer, file string, obj *object.Object) {
	for _, text := range obj.Warnings {
		fmt.Fprintf(w, "bpf2lskel: warning: %s: %s\n", file, text)
	}
}

// renamed replaces the name of a temporary object in an error by that of the source.
func (c *config) renamed(err error, object string) error {
	return fmt.Errorf("%s: %s", c.input, strings.TrimPrefix(err.Error(), object+": "))
}

// objectTarget returns the target of an object that is already compiled.
func (c *config) objectTarget(obj *object.Object) (target, error) {
	name := "bpfel"
	if obj.ByteOrder == binary.BigEndian {
		name = "bpfeb"
	}
	for _, t := range c.targets {
		if t.clang == name {
			return t, nil
		}
	}
	return target{}, fmt.Errorf("compiled for %s, which -target does not include", name)
}

// emit generates the files for one target.
func (c *config) emit(obj *object.Object, t target, compiled codegen.Compiled) ([]codegen.File, error) {
	spec, err := loader.Generate(obj, loader.Options{StripLineInfo: c.stripLines, Signed: c.signing.wanted()})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.input, err)
	}
	if err := c.signing.signSpec(spec); err != nil {
		return nil, fmt.Errorf("%s: %w", c.input, err)
	}
	expr := archConstraint(t.goarch)
	if c.tags != nil {
		expr = &constraint.AndExpr{X: expr, Y: c.tags}
	}
	files, err := codegen.Generate(obj, spec, codegen.Options{
		Package:    c.pkg,
		Stem:       c.stem,
		Suffix:     t.suffix(),
		GOARCH:     t.goarch,
		Constraint: expr.String(),
		Source:     filepath.Base(c.input),
		Types:      c.types,
		Records:    c.records,
		Compiled:   compiled,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.input, err)
	}
	return files, nil
}

func archConstraint(goarch []string) constraint.Expr {
	var expr constraint.Expr
	for _, name := range goarch {
		tag := &constraint.TagExpr{Tag: name}
		if expr == nil {
			expr = tag
		} else {
			expr = &constraint.OrExpr{X: expr, Y: tag}
		}
	}
	return expr
}
