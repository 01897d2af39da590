package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	version "github.com/knqyf263/go-deb-version"
	"golang.org/x/sys/unix"
)

// cache is a directory outside the checkout. All checkouts share it, and concurrent runs may use
// it.
type cache struct{ dir string }

func openCache() (*cache, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		// Neither $XDG_CACHE_HOME nor $HOME is set, as on build machines.
		base = "/var/cache"
	}
	c := &cache{filepath.Join(base, "bpf2lskel", "vmtest")}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return c, nil
}

// lock locks one part of the cache until unlock is called.
func (c *cache) lock(name string) (unlock func(), err error) {
	dir := filepath.Join(c.dir, "locks")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
	}
}

// put makes the directory kind/name if it does not exist. fill is given an empty directory, which
// is renamed only when fill succeeds: everything in the cache is complete.
func (c *cache) put(kind, name string, fill func(dir string) error) (string, error) {
	parent := filepath.Join(c.dir, kind)
	dir := filepath.Join(parent, name)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	unlock, err := c.lock(filepath.Base(kind) + "-" + name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	partial, err := os.MkdirTemp(parent, partialPrefix)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(partial)
	if err := os.Chmod(partial, 0o755); err != nil {
		return "", err
	}
	if err := fill(partial); err != nil {
		return "", err
	}
	return dir, os.Rename(partial, dir)
}

// partialPrefix begins the names of directories that are being filled.
const partialPrefix = ".partial-"

// current returns the directory in kind that fetch brings up to date. If fetch fails, it returns
// the newest cached one and a note about that.
func (c *cache) current(kind string, fetch func() (dir string, err error)) (dir, note string, err error) {
	dir, err = fetch()
	if err == nil {
		return dir, "", nil
	}
	name, ok := c.newest(kind)
	if !ok {
		return "", "", err
	}
	return filepath.Join(c.dir, kind, name), fmt.Sprintf("cached, since fetching the newest failed: %v", err), nil
}

// newest returns the name in kind that is the highest Debian version.
func (c *cache) newest(kind string) (string, bool) {
	entries, err := os.ReadDir(filepath.Join(c.dir, kind))
	if err != nil {
		return "", false
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && version.Valid(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return "", false
	}
	return slices.MaxFunc(names, compareVersions), true
}

// exists reports whether a file of any type exists.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
