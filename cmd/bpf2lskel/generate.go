package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"go/build/constraint"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// generate writes a package, or compares it with what is there.
func generate(args []string, stdout, stderr io.Writer) error {
	c, err := parseConfig(args, stderr)
	if err != nil {
		return err
	}
	out, err := openOutput(c.outDir, c.stem)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "bpf2lskel-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	// The go command and the compilers take their time: all at once.
	module := make(chan error, 1)
	go func() { module <- checkModule(c.outDir) }()
	files, err := c.build(tmp, stderr)
	if err != nil {
		return err
	}
	if err := <-module; err != nil {
		return err
	}
	keepSignatures(c.outDir, files)
	if c.check {
		return out.compare(files, stdout)
	}
	return out.write(files)
}

// build makes the files for all targets, in memory.
func (c *config) build(tmp string, stderr io.Writer) ([]codegen.File, error) {
	show := newProgress(stderr)
	defer show.done()
	if c.isObject {
		obj, err := object.Read(c.input)
		if err != nil {
			return nil, err
		}
		t, err := c.objectTarget(obj)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.input, err)
		}
		return c.emit(obj, t)
	}

	perTarget := make([][]codegen.File, len(c.targets))
	messages := make([]bytes.Buffer, len(c.targets))
	group, ctx := errgroup.WithContext(context.Background())
	show.say("compiling %s for %s", c.input, plural(len(c.targets), "target"))
	for i, t := range c.targets {
		group.Go(func() error {
			path, err := c.compile(ctx, t, tmp, &messages[i])
			if err != nil {
				return err
			}
			obj, err := object.Read(path)
			if err != nil {
				return c.renamed(err, path)
			}
			if perTarget[i], err = c.emit(obj, t); err != nil {
				return err
			}
			return c.addDeps(&perTarget[i], path)
		})
	}
	err := group.Wait()
	show.done()
	said := map[string]bool{} // the same source mostly gets the same messages for each target
	for i := range messages {
		if text := messages[i].String(); !said[text] {
			said[text] = true
			_, _ = io.WriteString(stderr, text)
		}
	}
	if err != nil {
		return nil, err
	}
	var files []codegen.File
	for _, f := range perTarget {
		files = append(files, f...)
	}
	return files, nil
}

// renamed makes an error speak of the source, not of a temporary object.
func (c *config) renamed(err error, object string) error {
	return fmt.Errorf("%s: %s", c.input, strings.TrimPrefix(err.Error(), object+": "))
}

// objectTarget is the target of an object that is compiled already.
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
	return target{}, fmt.Errorf("the object is %s, which -target does not have", name)
}

// emit makes the files for one target.
func (c *config) emit(obj *object.Object, t target) ([]codegen.File, error) {
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

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
