package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// emulator is a QEMU binary and how to run it.
type emulator struct {
	Path string
	Args []string // to pass always
	Env  []string
}

// findQEMU returns the QEMU for an architecture: the machine's own, or one that is fetched from
// Debian.
func findQEMU(ctx context.Context, c *cache, a *arch) (emulator, error) {
	if a.QEMUSuite != "" {
		e, err := fetchQEMU(ctx, c, a)
		if err != nil {
			return e, fmt.Errorf("%s: %w", a.QEMU[0], err)
		}
		return e, nil
	}
	path, err := exec.LookPath(a.QEMU[0])
	if err != nil {
		return emulator{}, fmt.Errorf("%s is not installed: Debian's package %s has it", a.QEMU[0], a.Package)
	}
	return emulator{Path: path, Args: a.QEMU[1:]}, nil
}

// fetchQEMU fetches a newer QEMU than the machine has. It uses the libraries of the machine's own
// QEMU.
func fetchQEMU(ctx context.Context, c *cache, a *arch) (emulator, error) {
	host, err := hostArch()
	if err != nil {
		return emulator{}, err
	}
	root, _, err := c.current(filepath.Join("qemu", a.Debian), func() (string, error) {
		ar, err := openArchive(ctx, c, a.QEMUSuite, host)
		if err != nil {
			return "", err
		}
		packages := []string{a.Package, "qemu-system-data"}
		found, err := ar.show(ctx, packages...)
		if err != nil {
			return "", err
		}
		if len(found) != len(packages) {
			return "", fmt.Errorf("%s lacks one of %s", a.QEMUSuite, strings.Join(packages, " "))
		}
		_, version, _ := strings.Cut(found[0].Version, ":")
		return c.put(filepath.Join("qemu", a.Debian), version, func(dir string) error {
			return ar.unpack(ctx, dir, packages...)
		})
	})
	if err != nil {
		return emulator{}, err
	}
	return emulator{
		Path: filepath.Join(root, "usr", "bin", a.QEMU[0]),
		Args: slices.Concat([]string{"-L", filepath.Join(root, "usr", "share", "qemu")}, a.QEMU[1:]),
		// Hide the modules of the machine's own QEMU, which do not fit. None is needed.
		Env: []string{"QEMU_MODULE_DIR=" + root},
	}, nil
}

// hostArch is the architecture of this machine.
func hostArch() (*arch, error) {
	for _, a := range []*arch{amd64, arm64, s390x} {
		if a.GOARCH == runtime.GOARCH {
			return a, nil
		}
	}
	return nil, fmt.Errorf("cannot fetch QEMU for machines of architecture %s", runtime.GOARCH)
}
