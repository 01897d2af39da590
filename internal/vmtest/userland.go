package main

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// userlandSuite provides the guests' programs. It is older than any suite whose kernels are tested,
// so the reference loader (bpftool) is the same everywhere.
const userlandSuite = "bookworm"

// userlandPackages contain the programs that guests have beside the tests.
var userlandPackages = []string{"busybox-static", "bpftool", "iproute2", "iputils-ping", "python3.11-minimal"}

// userlandPrograms are taken from those packages, with the libraries that they need. Python has
// USDT probes.
var userlandPrograms = []string{"bin/busybox", "usr/sbin/bpftool", "bin/ip", "sbin/tc", "bin/ping", "usr/bin/python3.11"}

// userlandFiles are what Python needs to start.
var userlandFiles = []string{
	"usr/lib/python3.11/encodings/__init__.py", "usr/lib/python3.11/encodings/aliases.py", "usr/lib/python3.11/encodings/utf_8.py",
}

// fetchUserland returns a root directory that has these programs for an architecture, and the paths
// in it to give to guests.
func fetchUserland(ctx context.Context, c *cache, a *arch) (root string, paths []string, err error) {
	kind := filepath.Join("userland", a.Debian)
	root, note, err := c.current(kind, func() (string, error) {
		ar, err := openArchive(ctx, c, userlandSuite, a)
		if err != nil {
			return "", err
		}
		packages, version, err := lookUpUserland(ctx, ar)
		if err != nil {
			return "", fmt.Errorf("look up: %w", err)
		}
		return c.put(kind, version, func(dir string) error { return ar.unpack(ctx, dir, packages...) })
	})
	if err != nil {
		return "", nil, fmt.Errorf("userland for %s: %w", a.Debian, err)
	}
	if note != "" {
		fmt.Fprintf(os.Stderr, "vmtest: userland for %s: %s\n", a.Debian, note)
	}
	paths, err = withLibraries(root, userlandPrograms)
	if err != nil {
		return "", nil, fmt.Errorf("userland for %s: %w", a.Debian, err)
	}
	return root, append(paths, userlandFiles...), nil
}

// lookUpUserland returns the packages to fetch, and one version for all of them.
func lookUpUserland(ctx context.Context, ar *archive) (packages []string, version string, err error) {
	all, err := ar.closure(ctx, userlandPackages...)
	if err != nil {
		return nil, "", err
	}
	// Their other dependencies are for installation.
	packages = slices.DeleteFunc(all, func(name string) bool {
		return !strings.Contains(name, "lib") && !slices.Contains(userlandPackages, name)
	})
	infos, err := ar.show(ctx, packages...)
	if err != nil {
		return nil, "", err
	}
	h := sha256.New()
	busybox := ""
	for _, p := range infos {
		fmt.Fprintln(h, p.Name, p.Version)
		if p.Name == "busybox-static" {
			_, busybox, _ = strings.Cut(p.Version, ":")
		}
	}
	if busybox == "" {
		return nil, "", errors.New("no busybox-static")
	}
	return packages, fmt.Sprintf("%s+%x", busybox, h.Sum(nil)[:6]), nil
}

// withLibraries returns the paths in root of the programs, their interpreters and libraries, and
// the targets of links among them.
func withLibraries(root string, programs []string) ([]string, error) {
	byName := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(root, path)
			byName[d.Name()] = path
		}
		return err
	})
	if err != nil {
		return nil, err
	}

	var paths []string
	var add func(path string) error
	add = func(path string) error {
		if slices.Contains(paths, path) {
			return nil
		}
		paths = append(paths, path)
		if target, err := os.Readlink(filepath.Join(root, path)); err == nil {
			if filepath.IsAbs(target) {
				return add(strings.TrimPrefix(target, "/"))
			}
			return add(filepath.Join(filepath.Dir(path), target))
		}
		interpreter, libraries, err := needs(filepath.Join(root, path))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		var needed []string
		if interpreter != "" {
			needed = append(needed, strings.TrimPrefix(interpreter, "/"))
		}
		for _, library := range libraries {
			found, ok := byName[library]
			if !ok {
				return fmt.Errorf("%s needs %s, which is in none of the packages", path, library)
			}
			needed = append(needed, found)
		}
		for _, n := range needed {
			if err := add(n); err != nil {
				return err
			}
		}
		return nil
	}
	for _, program := range programs {
		if err := add(program); err != nil {
			return nil, err
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// needs returns the interpreter of an ELF file, if any, and the libraries that it names.
func needs(file string) (interpreter string, libraries []string, err error) {
	f, err := elf.Open(file)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if interp := f.Section(".interp"); interp != nil {
		name, err := interp.Data()
		if err != nil {
			return "", nil, err
		}
		interpreter = strings.TrimRight(string(name), "\x00")
	}
	libraries, err = f.ImportedLibraries()
	return interpreter, libraries, err
}
