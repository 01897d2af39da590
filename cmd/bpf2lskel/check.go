package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"github.com/bpf2lskel/bpf2lskel/codegen"
	"github.com/bpf2lskel/bpf2lskel/internal/plural"
)

// compare prints how the directory differs from what would be written, and returns an error if it
// does.
func (o *output) compare(files []codegen.File, stdout io.Writer) error {
	stale := 0
	compiler, oldCompiler := "", ""
	for _, f := range files {
		path := filepath.Join(o.dir, f.Name)
		old, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if strings.HasSuffix(f.Name, ".go") && err == nil {
			compiler, oldCompiler = codegen.CompiledBy(f.Data).Compiler, codegen.CompiledBy(old).Compiler
		}
		if err == nil && bytes.Equal(codegen.WithoutCompiledBy(old), codegen.WithoutCompiledBy(f.Data)) {
			continue
		}
		stale++
		switch {
		case err != nil:
			fmt.Fprintf(stdout, "%s: missing\n", path)
		case strings.HasSuffix(f.Name, ".go"), strings.HasSuffix(f.Name, ".d"):
			fmt.Fprint(stdout, udiff.Unified(path, path+" (now)", string(old), string(f.Data)))
		case len(f.Data) == len(old):
			fmt.Fprintf(stdout, "%s: differs (same size)\n", path)
		default:
			fmt.Fprintf(stdout, "%s: differs (%s instead of %d)\n", path, plural.Of(len(f.Data), "byte", "bytes"), len(old))
		}
	}
	for _, name := range o.obsolete(files) {
		stale++
		fmt.Fprintf(stdout, "%s: obsolete\n", filepath.Join(o.dir, name))
	}
	if stale == 0 {
		return nil
	}
	if compiler != "" && oldCompiler != "" && compiler != oldCompiler {
		return fmt.Errorf("%s: %s not up to date (possibly only because they were compiled by %s, and now by %s): select the compiler with -cc, or generate again",
			o.dir, plural.Of(stale, "file", "files"), oldCompiler, compiler)
	}
	return fmt.Errorf("%s: %s not up to date: generate again", o.dir, plural.Of(stale, "file", "files"))
}
