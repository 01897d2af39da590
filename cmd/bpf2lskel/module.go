package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// checkModule makes sure that the module of the package's folder can import what generated
// code imports.
func checkModule(outDir string) error {
	dir, err := filepath.Abs(outDir)
	if err != nil {
		return err
	}
	for !exists(dir) { // the go command has to run somewhere
		dir = filepath.Dir(dir)
	}
	found, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedModule, // no more: the rest is slow
		Dir:  dir,
	}, codegen.RuntimePath)
	if err != nil {
		return fmt.Errorf("%s: look for the Go module: %w", outDir, err)
	}
	for _, pkg := range found {
		if len(pkg.Errors) == 0 {
			continue
		}
		msg := pkg.Errors[0].Msg
		switch {
		case strings.Contains(msg, "go.mod file not found"):
			return fmt.Errorf("%s: it is in no Go module: go mod init, then go get %s", outDir, codegen.RuntimePath)
		case strings.Contains(msg, "no required module"), strings.Contains(msg, "cannot find module"), strings.Contains(msg, "is not in std"):
			return fmt.Errorf("%s: its Go module does not require the runtime that the package needs: go get %s", outDir, codegen.RuntimePath)
		}
		return fmt.Errorf("%s: %s: %s", outDir, codegen.RuntimePath, msg)
	}
	return nil
}
