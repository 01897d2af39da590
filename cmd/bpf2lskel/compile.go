package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// compile compiles the source for a target and returns the path of the object, in a new directory
// below tmp. The compiler's output goes to stderr.
func (c *config) compile(t target, tmp string, stderr io.Writer) (object string, err error) {
	if _, err := os.Stat(c.input); err != nil {
		return "", err
	}
	dir := filepath.Join(tmp, t.suffix())
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	object = filepath.Join(dir, c.stem+".bpf.o")
	args, err := c.compilerArgs(t, object)
	if err != nil {
		return "", err
	}
	if err := command(stderr, "-cc", c.cc[0], args...); err != nil {
		return "", fmt.Errorf("%s: %w", c.input, err)
	}
	if c.strip != "" {
		if err := command(stderr, "-strip", c.strip, "-g", object); err != nil {
			return "", fmt.Errorf("%s: %w", c.input, err)
		}
	}
	return object, nil
}

// compilerArgs returns the compiler's arguments: first the defaults, which the user's flags
// override, then the mandatory ones.
func (c *config) compilerArgs(t target, object string) ([]string, error) {
	source, err := filepath.Abs(c.input)
	if err != nil {
		return nil, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	// A relative path makes messages shorter, and debug info the same on every machine.
	relative, err := filepath.Rel(cwd, source)
	if err != nil { // on another drive, on Windows
		relative = source
	}
	if strings.HasPrefix(relative, "-") {
		relative = "./" + relative
	}
	args := append([]string{}, c.cc[1:]...)
	args = append(args,
		"-O2", // the verifier rejects most unoptimized code
		// Every kernel that can run a loader (5.14) supports version 3 of the instruction set
		// (5.1), which makes programs shorter and has all atomics.
		"-mcpu=v3",
	)
	args = append(args, c.cflags...)
	if t.linux != "" {
		args = append(args, "-D__TARGET_ARCH_"+t.linux)
	}
	for _, dir := range asmDirs(t) {
		args = append(args, "-idirafter", dir)
	}
	if c.makeBase != "" {
		// -MP adds a rule for each header, so that make does not fail when one is deleted.
		args = append(args, "-MD", "-MP", "-MF", depFile(object))
	}
	return append(args,
		"-g", // also emits BTF
		"-target", t.clang,
		"-c", relative,
		"-o", object,
		// The output must not depend on the machine or on the version of clang.
		"-fno-ident",
		"-fdebug-prefix-map="+cwd+"=.",
		"-fdebug-prefix-map="+filepath.Dir(source)+"="+filepath.Dir(relative),
		"-fdebug-compilation-dir", ".",
		// bpf_tracing.h reports this where it needs the target architecture.
		`-D__BPF_TARGET_MISSING="GCC error \"this source uses macros that depend on the architecture: set -target to a GOARCH\""`,
	), nil
}

// compilerVersion returns the compiler's name and version, or "" if unknown.
func (c *config) compilerVersion() string {
	out, err := exec.Command(c.cc[0], append(c.cc[1:len(c.cc):len(c.cc)], "--version")...).Output()
	if err != nil {
		return "" // compiling reports the reason
	}
	m := regexp.MustCompile(`(clang|gcc)\b.*?\b(\d+\.\d+\.\d+)`).FindSubmatch(out)
	if m == nil {
		return ""
	}
	return string(m[1]) + " " + string(m[2])
}

// asmDirs returns the directories that hold asm/types.h if the compiler does not find it by itself:
// Debian has one for each architecture, and clang does not search them for BPF.
func asmDirs(t target) []string {
	const include = "/usr/include"
	if exists(filepath.Join(include, "asm", "types.h")) {
		return nil
	}
	var dirs []string
	for _, goarch := range append(t.goarch[:len(t.goarch):len(t.goarch)], runtime.GOARCH) {
		if a := arches[goarch]; goarch == runtime.GOARCH || t.linux != "" && a.linux == t.linux {
			if dir := filepath.Join(include, a.multi); exists(filepath.Join(dir, "asm", "types.h")) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func depFile(object string) string { return object + ".d" }

// command runs a program that was selected with a flag. Its output goes to stderr.
func command(stderr io.Writer, flag, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s not found: install it, or select another with %s", name, flag)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
