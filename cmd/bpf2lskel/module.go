package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/go/packages"

	"github.com/bpf2lskel/bpf2lskel/codegen"
)

// checkModule returns an error if the module of the package's directory cannot import what
// generated code imports. If that is unknown, because there is no module yet or no go command, it
// returns a note instead.
func checkModule(outDir string) (note string, err error) {
	dir, err := filepath.Abs(outDir)
	if err != nil {
		return "", err
	}
	goMod := findGoMod(dir)
	if goMod == "" {
		return fmt.Sprintf("%s: not inside a Go module: run go mod init, then go get %s, to build the package", outDir, codegen.RuntimePath), nil
	}
	if requiresRuntime(goMod) {
		return "", nil
	}
	for !exists(dir) { // the go command needs a directory that exists
		dir = filepath.Dir(dir)
	}
	return askGo(outDir, dir)
}

// findGoMod returns the path of the go.mod of a directory's module, or "".
func findGoMod(dir string) string {
	for {
		if file := filepath.Join(dir, "go.mod"); exists(file) {
			return file
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// requiresRuntime reports whether a go.mod requires the runtime, which is the common case. It
// avoids running the go command, which takes longer than generating from an object.
func requiresRuntime(goMod string) bool {
	raw, err := os.ReadFile(goMod)
	if err != nil {
		return false
	}
	mod, err := modfile.ParseLax(goMod, raw, nil)
	if err != nil {
		return false
	}
	ours := path.Dir(codegen.RuntimePath)
	if mod.Module != nil && mod.Module.Mod.Path == ours {
		return true
	}
	for _, r := range mod.Require {
		if r.Mod.Path == ours {
			return true
		}
	}
	return false
}

// askGo lets the go command find the runtime, which may be in a workspace, for example.
func askGo(outDir, dir string) (note string, err error) {
	found, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedModule, // anything more is slow
		Dir:  dir,
	}, codegen.RuntimePath)
	if err != nil {
		return fmt.Sprintf("%s: cannot determine whether its Go module requires %s: %v", outDir, codegen.RuntimePath, err), nil
	}
	for _, pkg := range found {
		if len(pkg.Errors) == 0 {
			continue
		}
		msg := pkg.Errors[0].Msg
		if strings.Contains(msg, "no required module") || strings.Contains(msg, "cannot find module") {
			return "", fmt.Errorf("%s: its Go module does not require the runtime: run go get %s", outDir, codegen.RuntimePath)
		}
		return fmt.Sprintf("%s: %s: %s", outDir, codegen.RuntimePath, msg), nil
	}
	return "", nil
}
