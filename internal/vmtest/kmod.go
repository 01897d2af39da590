package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
)

// ownModules are the directories of the project's own modules, relative to the module root.
var ownModules = []string{"examples/kfunc/kmod", "internal/vmtest/manykmod", "internal/vmtest/opskmod"}

// buildOwnModules builds the project's own modules for a kernel. It returns their files by module
// name.
func buildOwnModules(ctx context.Context, c *cache, root string, k *kernel, img *image) (map[string]string, error) {
	sources, err := hashDirs(root, ownModules)
	if err != nil {
		return nil, err
	}
	dir, err := c.put("ownmodules", img.Release+"-"+sources, func(dir string) error {
		headers, err := fetchHeaders(ctx, c, k, img)
		if err != nil {
			return err
		}
		for _, directory := range ownModules {
			build := filepath.Join(dir, "build", filepath.Base(directory))
			if err := os.CopyFS(build, os.DirFS(filepath.Join(root, directory))); err != nil {
				return err
			}
			// Without -j: two guests are prepared at the same time.
			make := exec.CommandContext(ctx, "make", "-C", headers, "M="+build, "modules")
			if _, err := output(make); err != nil {
				return fmt.Errorf("build %s: %w", directory, err)
			}
			built, err := filepath.Glob(filepath.Join(build, "*.ko"))
			if err != nil {
				return err
			}
			for _, ko := range built {
				if err := os.Rename(ko, filepath.Join(dir, filepath.Base(ko))); err != nil {
					return err
				}
			}
		}
		return os.RemoveAll(filepath.Join(dir, "build"))
	})
	if err != nil {
		return nil, err
	}
	built, err := filepath.Glob(filepath.Join(dir, "*.ko"))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, ko := range built {
		files[moduleName(ko)] = ko
	}
	return files, nil
}

// hashDirs returns a name that depends on the directories' contents.
func hashDirs(root string, directories []string) (string, error) {
	h := sha256.New()
	for _, directory := range directories {
		err := filepath.WalkDir(filepath.Join(root, directory), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(h, "%s %d\n%s", d.Name(), len(text), text)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8]), nil
}

// fetchHeaders returns the directory to build a kernel's modules in.
func fetchHeaders(ctx context.Context, c *cache, k *kernel, img *image) (string, error) {
	dir, err := c.put("headers", img.Release, func(dir string) error {
		ar, err := openArchive(ctx, c, k.Suite, k.Arch)
		if err != nil {
			return err
		}
		found, err := ar.show(ctx, "linux-headers-"+img.Release)
		if err != nil {
			return err
		}
		if len(found) != 1 {
			return fmt.Errorf("%s has no linux-headers-%s", k.Suite, img.Release)
		}
		packages := append(headerDepends(found[0].Depends), found[0].Name)
		if err := ar.unpack(ctx, dir, packages...); err != nil {
			return err
		}
		return prepareHeaders(ctx, c, k, img, dir)
	})
	if err != nil {
		return "", fmt.Errorf("headers: %w", err)
	}
	headers := headersDir(dir, img)
	// The packages contain absolute paths below /usr/src.
	return headers, absolutePaths(dir, headers)
}

func headersDir(dir string, img *image) string {
	return filepath.Join(dir, "usr", "src", "linux-headers-"+img.Release)
}

var headerDependency = regexp.MustCompile(`\blinux-(?:headers-[^ ,]+-common|kbuild-[^ ,]+)`)

// headerDepends returns the dependencies of a headers package that a build needs.
func headerDepends(depends string) []string {
	return slices.Compact(headerDependency.FindAllString(depends, -1))
}

// prepareHeaders adds what the packages lack for a module's BTF.
func prepareHeaders(ctx context.Context, c *cache, k *kernel, img *image, dir string) error {
	vmlinux := filepath.Join(headersDir(dir, img), "vmlinux")
	if !exists(vmlinux) { // 6.12's headers include one that has only BTF
		if err := extractVmlinux(img.Vmlinuz, vmlinux); err != nil {
			return fmt.Errorf("extract vmlinux: %w", err)
		}
	}
	kbuild, err := filepath.Glob(filepath.Join(dir, "usr", "lib", "linux-kbuild-*"))
	if err != nil {
		return err
	}
	if len(kbuild) != 1 {
		return fmt.Errorf("%d directories usr/lib/linux-kbuild-*, expected one", len(kbuild))
	}
	resolver := filepath.Join(kbuild[0], "tools", "bpf", "resolve_btfids", "resolve_btfids")
	if exists(resolver) {
		return nil
	}
	// 6.1's packages lack this tool. The one from 6.12 works.
	return borrowResolver(ctx, c, k, resolver)
}

// borrowResolver takes resolve_btfids from 6.12's packages.
func borrowResolver(ctx context.Context, c *cache, k *kernel, resolver string) error {
	const suite = "bookworm-backports"
	ar, err := openArchive(ctx, c, suite, k.Arch)
	if err != nil {
		return err
	}
	found, err := ar.search(ctx, `^linux-kbuild-6\.12`)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("%s has no linux-kbuild-6.12", suite)
	}
	newest := slices.MaxFunc(found, func(a, b pkg) int { return compareVersions(a.Version, b.Version) })
	tmp, err := os.MkdirTemp(ar.dir, "kbuild-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := ar.unpack(ctx, tmp, newest.Name); err != nil {
		return err
	}
	there, err := filepath.Glob(filepath.Join(tmp, "usr/lib/linux-kbuild-*/tools/bpf/resolve_btfids/resolve_btfids"))
	if err != nil {
		return err
	}
	if len(there) != 1 {
		return fmt.Errorf("%s has no resolve_btfids", newest.Name)
	}
	if err := os.MkdirAll(filepath.Dir(resolver), 0o755); err != nil {
		return err
	}
	return os.Rename(there[0], resolver)
}

// absolutePaths makes the headers' Makefile refer to the directory that the packages were unpacked
// into.
func absolutePaths(dir, headers string) error {
	path := filepath.Join(headers, "Makefile")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, includeSource.ReplaceAll(text, []byte("${1}"+dir+"/usr/src/linux-headers-")), 0o644)
}

var includeSource = regexp.MustCompile(`(?m)^(include ).*/usr/src/linux-headers-`)
