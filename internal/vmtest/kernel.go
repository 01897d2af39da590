package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// image is a kernel on disk.
type image struct {
	Release string // as in uname -r
	Vmlinuz string
	Modules modules
	Config  string // its configuration file, which Debian installs as /boot/config-RELEASE
	Note    string // a remark for the report
}

// fetchKernel finds the newest kernel that matches the entry and returns it, from the cache if it
// was fetched before.
func fetchKernel(ctx context.Context, c *cache, k *kernel) (*image, error) {
	kind := filepath.Join("kernels", k.Key)
	dir, note, err := c.current(kind, func() (string, error) {
		ar, err := openArchive(ctx, c, k.Suite, k.Arch)
		if err != nil {
			return "", err
		}
		found, err := lookUpKernels(ctx, ar, k)
		if err != nil {
			return "", fmt.Errorf("look up: %w", err)
		}
		// A mirror may list a version that it does not have yet, beside the previous one.
		var failed []error
		for _, packages := range found {
			dir, err := c.put(kind, packages[0].Version, func(dir string) error {
				if err := ar.unpack(ctx, dir, names(packages)...); err != nil {
					return fmt.Errorf("fetch: %w", err)
				}
				return os.RemoveAll(filepath.Join(dir, "usr", "share"))
			})
			if err == nil {
				return dir, nil
			}
			failed = append(failed, err)
		}
		return "", errors.Join(failed...)
	})
	if err != nil {
		return nil, err
	}
	img, err := openImage(dir)
	if err != nil {
		return nil, err
	}
	img.Note = note
	if img.Config == "" {
		img.Config, err = fetchConfig(ctx, c, k, img.Release)
	}
	return img, err
}

// fetchConfig returns the configuration file of a kernel whose package does not include it, as
// since Debian's 7.0.
func fetchConfig(ctx context.Context, c *cache, k *kernel, release string) (string, error) {
	dir, err := c.put(filepath.Join("configs", k.Key), release, func(dir string) error {
		ar, err := openArchive(ctx, c, k.Suite, k.Arch)
		if err != nil {
			return err
		}
		return ar.unpack(ctx, dir, "linux-base-"+release)
	})
	if err != nil {
		return "", fmt.Errorf("configuration: %w", err)
	}
	for _, name := range configNames(dir, release) {
		if exists(name) {
			return name, nil
		}
	}
	return "", fmt.Errorf("%s: no configuration", dir)
}

// configNames returns the files of an unpacked package that may hold a kernel's configuration.
func configNames(dir, release string) []string {
	return []string{
		filepath.Join(dir, "boot", "config-"+release),
		filepath.Join(dir, "usr", "lib", "modules", release, "config"),
	}
}

func names(packages []pkg) []string {
	var all []string
	for _, p := range packages {
		all = append(all, p.Name)
	}
	return all
}

// lookUpKernels returns the packages that make up each kernel of the entry, the newest kernel
// first.
func lookUpKernels(ctx context.Context, ar *archive, k *kernel) ([][]pkg, error) {
	stem := "linux-image-"
	if k.Split {
		stem = "linux-binary-"
	}
	// After the version follows Debian's suffix or ABI number: 6.12.95+deb12, 6.1.0-50. No other
	// flavour matches.
	name := "^" + stem + regexp.QuoteMeta(k.Version) + `[0-9.+a-z]*(-[0-9]+)?-` + k.Flavour + "$"
	found, err := ar.search(ctx, name)
	if err != nil {
		return nil, err
	}
	if k.OwnModules {
		// A kernel without its headers is useless, and backports keep headers only for the newest
		// one.
		found, err = withHeaders(ctx, ar, found)
		if err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no package that matches %s", k.Suite, name)
	}
	slices.SortFunc(found, func(a, b pkg) int {
		return -cmp.Or(compareVersions(a.Version, b.Version), compareVersions(a.release(), b.release()))
	})
	var kernels [][]pkg
	for _, p := range found {
		packages := []pkg{p}
		if k.Split {
			packages = append(packages, pkg{Name: "linux-modules-" + p.release()})
		}
		kernels = append(kernels, packages)
	}
	return kernels, nil
}

// release returns what uname -r prints under this package's kernel.
func (p pkg) release() string {
	for _, stem := range []string{"linux-image-", "linux-binary-", "linux-headers-"} {
		if release, ok := strings.CutPrefix(p.Name, stem); ok {
			return release
		}
	}
	return p.Name
}

// withHeaders keeps the kernels whose headers the archive has in the same version.
func withHeaders(ctx context.Context, ar *archive, kernels []pkg) ([]pkg, error) {
	headers, err := ar.search(ctx, "^linux-headers-")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(kernels, func(k pkg) bool {
		return !slices.ContainsFunc(headers, func(h pkg) bool {
			return h.release() == k.release() && h.Version == k.Version
		})
	}), nil
}

// openImage finds the kernel and its modules in an unpacked package: in /boot and /lib/modules, or
// all in /usr/lib/modules.
func openImage(dir string) (*image, error) {
	var trees []string
	for _, pattern := range []string{"lib/modules/*", "usr/lib/modules/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		trees = append(trees, found...)
	}
	if len(trees) != 1 {
		return nil, fmt.Errorf("%s: %d directories of modules, expected one", dir, len(trees))
	}
	release := filepath.Base(trees[0])
	for _, vmlinuz := range []string{filepath.Join(trees[0], "vmlinuz"), filepath.Join(dir, "boot", "vmlinuz-"+release)} {
		if exists(vmlinuz) {
			modules, err := indexModules(trees[0])
			if err != nil {
				return nil, err
			}
			img := &image{Release: release, Vmlinuz: vmlinuz, Modules: modules}
			for _, name := range configNames(dir, release) {
				if exists(name) {
					img.Config = name
				}
			}
			return img, nil
		}
	}
	return nil, fmt.Errorf("%s: no vmlinuz", dir)
}
