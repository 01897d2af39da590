// Command overlay generates the packages of ciliumexamples from the unchanged C sources of
// cilium/ebpf's examples, and writes an overlay with which `go build` uses them instead of the
// committed ones:
//
//	go run ./internal/ciliumexamples/overlay -o DIR
//	go test -overlay DIR/overlay.json ./internal/ciliumexamples
//
// The sources are in the module cache. bpf2lskel is called with the same arguments as bpf2go there.
// vmtest runs the command before it compiles the tests of a directory that has one.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	out := flag.String("o", "", "directory to fill")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(*out); err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
		os.Exit(1)
	}
}

// write fills the output directory.
func write(out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	home, err := goList("-f", "{{.Dir}}", "github.com/bpf2lskel/bpf2lskel/internal/ciliumexamples")
	if err != nil {
		return err
	}
	module, err := goList("-m", "-f", "{{.Dir}}\t{{.Version}}", "github.com/cilium/ebpf")
	if err != nil {
		return err
	}
	dir, version, _ := strings.Cut(module, "\t")
	tool := filepath.Join(out, "bpf2lskel")
	if err := command("", "go", "build", "-o", tool, "github.com/bpf2lskel/bpf2lskel/cmd/bpf2lskel"); err != nil {
		return err
	}

	examples, err := filepath.Glob(filepath.Join(dir, "examples", "*", "main.go"))
	if err != nil {
		return err
	}
	if len(examples) == 0 {
		return fmt.Errorf("%s has no examples", dir)
	}
	replace := map[string]string{}
	for _, main := range examples {
		name := filepath.Base(filepath.Dir(main))
		args, err := bpf2goArgs(main)
		if err != nil {
			return err
		}
		if args == nil {
			continue
		}
		generated, committed := filepath.Join(out, name), filepath.Join(home, name)
		if err := command(filepath.Dir(main), tool, append([]string{"-o", generated}, args...)...); err != nil {
			return fmt.Errorf("example %s: %w", name, err)
		}
		if err := overlay(replace, committed, generated); err != nil {
			return err
		}
	}

	origin := filepath.Join(out, "origin.go")
	text := fmt.Sprintf("package ciliumexamples\n\nconst (\n\tOrigin = %q\n\tOwn    = \"this project\"\n)\n", "github.com/cilium/ebpf "+version)
	if err := os.WriteFile(origin, []byte(text), 0o644); err != nil {
		return err
	}
	replace[filepath.Join(home, "origin.go")] = origin
	list, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "overlay.json"), list, 0o644)
}

// overlay replaces the files of one directory with those of another.
func overlay(replace map[string]string, committed, generated string) error {
	old, err := os.ReadDir(committed)
	if err != nil {
		return err
	}
	for _, file := range old {
		replace[filepath.Join(committed, file.Name())] = "" // removed
	}
	files, err := os.ReadDir(generated)
	if err != nil {
		return err
	}
	for _, file := range files {
		replace[filepath.Join(committed, file.Name())] = filepath.Join(generated, file.Name())
	}
	return nil
}

var goGenerate = regexp.MustCompile(`(?m)^//go:generate go tool bpf2go (.*)$`)

// bpf2goArgs returns the arguments of bpf2go for a program, without the name that precedes the C
// source, and without -no-global-types: bpf2lskel accepts all others. It returns nil for a program
// without a C source.
func bpf2goArgs(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	line := goGenerate.FindSubmatch(text)
	if line == nil {
		return nil, nil
	}
	args := strings.Fields(string(bytes.ReplaceAll(line[1], []byte(`"`), nil)))
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "-no-global-types" }) // pointless in a separate package
	for i, arg := range args {
		if strings.HasSuffix(arg, ".c") && i > 0 {
			return slices.Delete(args, i-1, i), nil
		}
	}
	return nil, fmt.Errorf("%s: no C source in %q", file, line[0])
}

func goList(args ...string) (string, error) {
	out, err := exec.Command("go", append([]string{"list"}, args...)...).Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("%w\n%s", err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// command runs a program and includes its output in the error.
func command(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
