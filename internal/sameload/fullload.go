package sameload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// loadall loads an object in a mount namespace in which /sys/fs/bpf is the directory $1, since maps
// that are pinned by name must not appear in the machine's own. They are pinned at its root, and
// libbpf does not pin a map twice, so all maps are pinned there.
const loadall = `mount --bind "$1" /sys/fs/bpf &&
exec bpftool prog loadall "$2" /sys/fs/bpf/` + progsDir + ` pinmaps /sys/fs/bpf`

// progsDir is where programs are pinned, beside the maps, so its name must not be a map's.
const progsDir = "0-programs"

// ErrNoBpftool is part of a [Refusal] on a machine without bpftool: what libbpf would have done is
// unknown.
var ErrNoBpftool = errors.New("bpftool is not installed")

// fullLoad loads an object with libbpf, without its loader, and returns the file descriptors of
// everything that it created.
func fullLoad(ctx context.Context, obj string) (mapFDs, progFDs map[string]int, err error) {
	if _, err := exec.LookPath("bpftool"); err != nil {
		return nil, nil, &saidNo{ErrNoBpftool}
	}
	obj, err = filepath.Abs(obj)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "sameload-")
	if err != nil {
		return nil, nil, err
	}
	defer os.Remove(dir)
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		return nil, nil, fmt.Errorf("mount bpf file system: %w", err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)

	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "unshare", "-m", "sh", "-c", loadall, "sh", dir, obj)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if exit := new(exec.ExitError); errors.As(err, &exit) {
			// Maps may be pinned nevertheless. They vanish with the file system.
			return nil, nil, refusalOf(stderr.String())
		}
		return nil, nil, err
	}
	if mapFDs, err = openPins(dir); err != nil {
		return nil, nil, err
	}
	progFDs, err = openPins(filepath.Join(dir, progsDir))
	return mapFDs, progFDs, err
}

var kernelRefusal = regexp.MustCompile(`(?m)^libbpf: .*(?:failed to load: -(\d+)|\(-(\d+)\)|: -(\d+))$`)

// refusalOf finds the errno in libbpf's messages. Without one, libbpf itself refused.
func refusalOf(said string) error {
	if m := kernelRefusal.FindStringSubmatch(said); m != nil {
		for _, text := range m[1:] {
			// libbpf's own errors start at 4000.
			if n, err := strconv.Atoi(text); err == nil && n < 4000 {
				return &saidNo{unix.Errno(n)}
			}
		}
	}
	return &saidNo{errors.New(reason(said))}
}

// saidNo is a refusal by libbpf or, if it wraps an errno, by the kernel.
type saidNo struct{ err error }

func (e *saidNo) Error() string { return "libbpf: " + e.err.Error() }
func (e *saidNo) Unwrap() error { return e.err }

// openPins opens the pins in a directory, by name.
func openPins(dir string) (map[string]int, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // an object without programs: nothing was pinned
	}
	if err != nil {
		return nil, err
	}
	fds := map[string]int{}
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), ".debug") {
			continue // progsDir, and what the kernel adds to a BPF file system: maps.debug, progs.debug
		}
		fd, errno := sys.ObjGet(filepath.Join(dir, e.Name()))
		if errno != 0 {
			closeAll(fds)
			return nil, fmt.Errorf("open pin %s: %w", e.Name(), errno)
		}
		fds[e.Name()] = fd
	}
	return fds, nil
}
