package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// addDeps adds a file with the Go file's dependencies for make, if -makebase is set.
func (c *config) addDeps(files *[]codegen.File, object string) error {
	if c.makeBase == "" {
		return nil
	}
	raw, err := os.ReadFile(depFile(object))
	if err != nil {
		return err
	}
	goFile := (*files)[0].Name
	deps, err := adjustDeps(raw, c.makeBase, filepath.Join(c.outDir, goFile))
	if err != nil {
		return fmt.Errorf("%s: dependencies: %w", c.input, err)
	}
	*files = append(*files, codegen.File{Name: goFile + ".d", Data: deps})
	return nil
}

// adjustDeps rewrites the rules that the compiler wrote: the first is for the Go file instead of
// the object, and all paths are relative to base. Like make, it does not support paths with spaces.
func adjustDeps(raw []byte, base, goFile string) ([]byte, error) {
	relative := func(path string) (string, error) {
		from, err := filepath.Abs(base)
		if err != nil {
			return "", err
		}
		to, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		return filepath.Rel(from, to)
	}

	var out bytes.Buffer
	text := strings.ReplaceAll(string(raw), "\\\n", " ")
	first := true
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		left, right, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("rule without a colon: %s", strings.TrimSpace(line))
		}
		rule := strings.TrimSpace(left)
		if first {
			rule = goFile
			first = false
		}
		rule, err := relative(rule)
		if err != nil {
			return nil, err
		}
		out.WriteString(rule + ":")
		for dep := range strings.FieldsSeq(right) {
			if dep, err = relative(dep); err != nil {
				return nil, err
			}
			out.WriteString(" \\\n " + dep)
		}
		out.WriteString("\n\n")
	}
	return out.Bytes(), nil
}
