package main

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
)

// tree is a checkout.
type tree struct{ root string }

const (
	changelog   = "CHANGELOG.md"
	versionFile = "codegen/generate.go"
	unreleased  = "## Unreleased\n"
)

// versionLine is the line with the tool's version.
var versionLine = regexp.MustCompile(`(?m)^const Version = "(.*)"$`)

func (t tree) path(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

// command runs a command in a directory of the checkout and returns its output.
func (t tree) command(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = t.path(dir)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// edit changes a file's contents with a function.
func (t tree) edit(name string, change func(text string) (string, error)) error {
	old, err := os.ReadFile(t.path(name))
	if err != nil {
		return err
	}
	text, err := change(string(old))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(t.path(name), []byte(text), 0o644)
}

// prepare writes the version to the files that contain it.
func (t tree) prepare(version string) error {
	err := t.edit(versionFile, func(text string) (string, error) {
		if !versionLine.MatchString(text) {
			return "", fmt.Errorf("has no line %q", versionLine)
		}
		return versionLine.ReplaceAllString(text, fmt.Sprintf("const Version = %q", version)), nil
	})
	if err != nil {
		return err
	}
	err = t.edit(changelog, func(text string) (string, error) {
		before, after, ok := strings.Cut(text, unreleased)
		if !ok || strings.TrimSpace(strings.SplitN(after, "\n## ", 2)[0]) == "" {
			return "", fmt.Errorf("is empty under %q", strings.TrimSpace(unreleased))
		}
		return before + fmt.Sprintf("## %s, %s\n", version, time.Now().UTC().Format(time.DateOnly)) + after, nil
	})
	if err != nil {
		return err
	}
	main, err := t.module(".")
	if err != nil {
		return err
	}
	for _, dir := range modules[1:] {
		err := t.edit(path.Join(dir, "go.mod"), func(text string) (string, error) {
			f, err := modfile.Parse("go.mod", []byte(text), nil)
			if err != nil {
				return "", err
			}
			for _, r := range f.Require {
				if r.Mod.Path != main {
					continue
				}
				if err := f.AddRequire(main, version); err != nil {
					return "", err
				}
			}
			out, err := f.Format()
			return string(out), err
		})
		if err != nil {
			return err
		}
	}
	fmt.Println("now: make generate golden, and commit")
	return nil
}

// module returns the import path of a module.
func (t tree) module(dir string) (string, error) {
	text, err := os.ReadFile(t.path(path.Join(dir, "go.mod")))
	if err != nil {
		return "", err
	}
	return modfile.ModulePath(text), nil
}

// check reports what HEAD lacks for this version.
func (t tree) check(version string) error {
	dirty, err := t.command(".", "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	if dirty != "" {
		return fmt.Errorf("uncommitted changes:\n%s", dirty)
	}
	text, err := os.ReadFile(t.path(versionFile))
	if err != nil {
		return err
	}
	if m := versionLine.FindSubmatch(text); m == nil || string(m[1]) != version {
		return fmt.Errorf("%s does not state %s: run release prepare %s", versionFile, version, version)
	}
	if _, err := t.notes(version); err != nil {
		return err
	}
	main, err := t.module(".")
	if err != nil {
		return err
	}
	for _, dir := range modules[1:] {
		name := path.Join(dir, "go.mod")
		text, err := os.ReadFile(t.path(name))
		if err != nil {
			return err
		}
		f, err := modfile.Parse(name, text, nil)
		if err != nil {
			return err
		}
		for _, r := range f.Require {
			if r.Mod.Path == main && r.Mod.Version != version {
				return fmt.Errorf("%s requires %s %s: run release prepare %s", name, main, r.Mod.Version, version)
			}
		}
	}
	return nil
}

// notes returns the changelog's section for a version.
func (t tree) notes(version string) (string, error) {
	text, err := os.ReadFile(t.path(changelog))
	if err != nil {
		return "", err
	}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, notes, _ := strings.Cut(section, "\n")
		if strings.HasPrefix(title, version+", ") {
			return strings.TrimSpace(notes) + "\n", nil
		}
	}
	return "", fmt.Errorf("%s has no section for %s: run release prepare %s", changelog, version, version)
}

// tag tags all modules for users: the tag of a module in a directory begins with that directory.
func (t tree) tag(version string) error {
	if err := t.check(version); err != nil {
		return err
	}
	for _, dir := range modules {
		name := path.Join(dir, version)
		if _, err := t.command(".", "git", "tag", "-a", "-m", "bpf2lskel "+version, name); err != nil {
			return err
		}
		fmt.Println(name)
	}
	return nil
}
