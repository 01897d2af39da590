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

// compile compiles the source for a target and returns the object's path, in a new
// folder below tmp. What the compiler has to say goes to stderr as it is.
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

// compilerArgs are the compiler's arguments: defaults first, which the user's flags
// override, then what must be so.
func (c *config) compilerArgs(t target, object string) ([]string, error) {
	source, err := filepath.Abs(c.input)
	if err != nil {
		return nil, err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	// Relative, for messages and for debug info that is the same on each machine.
	relative, err := filepath.Rel(cwd, source)
	if err != nil { // on another drive of Windows
		relative = source
	}
	if strings.HasPrefix(relative, "-") {
		relative = "./" + relative
	}
	args := append([]string{}, c.cc[1:]...)
	args = append(args,
		"-O2", // the verifier understands little that is not optimized
		// Every kernel that can run a loader (5.14) knows the third version of
		// the instruction set (5.1): shorter programs, and all atomics.
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
		// With a rule for each header, so that make goes on when one is gone.
		args = append(args, "-MD", "-MP", "-MF", depFile(object))
	}
	return append(args,
		"-g", // BTF comes with it
		"-target", t.clang,
		"-c", relative,
		"-o", object,
		// The output must be the same wherever and by whichever clang it is made.
		"-fno-ident",
		"-fdebug-prefix-map="+cwd+"=.",
		"-fdebug-prefix-map="+filepath.Dir(source)+"="+filepath.Dir(relative),
		"-fdebug-compilation-dir", ".",
		// What bpf_tracing.h says where it needs a -target that names a machine.
		`-D__BPF_TARGET_MISSING="GCC error \"this source uses macros that need a machine: use -target with a GOARCH\""`,
	), nil
}

// compilerVersion is the compiler's name and version, "" if it does not say.
func (c *config) compilerVersion() string {
	out, err := exec.Command(c.cc[0], append(c.cc[1:len(c.cc):len(c.cc)], "--version")...).Output()
	if err != nil {
		return "" // compiling says why
	}
	m := regexp.MustCompile(`(clang|gcc)\b.*?\b(\d+\.\d+\.\d+)`).FindSubmatch(out)
	if m == nil {
		return ""
	}
	return string(m[1]) + " " + string(m[2])
}

// asmDirs are the folders that have asm/types.h where the compiler does not find it by itself:
// Debian keeps it apart for each machine, and clang does not look there for BPF.
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

// command runs a program that a flag names. Its messages go to stderr.
func command(stderr io.Writer, flag, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed: install it, or name another with %s", name, flag)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
