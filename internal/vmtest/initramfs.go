package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cavaliergopher/cpio"
)

// initramfs writes a guest's root file system as a cpio archive, uncompressed, since unpacking is
// slow under emulation.
type initramfs struct {
	file *os.File
	buf  *bufio.Writer
	cpio *cpio.Writer
	made map[string]bool // directories written so far
}

func createInitramfs(name string) (*initramfs, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriterSize(f, 1<<20)
	return &initramfs{file: f, buf: buf, cpio: cpio.NewWriter(buf), made: map[string]bool{".": true}}, nil
}

func (r *initramfs) Close() error {
	if err := r.cpio.Close(); err != nil {
		r.file.Close()
		return err
	}
	if err := r.buf.Flush(); err != nil {
		r.file.Close()
		return err
	}
	return r.file.Close()
}

// clean returns a path as it appears in the archive: relative to the root.
func clean(name string) string {
	return strings.TrimPrefix(path.Clean("/"+name), "/")
}

// mkdir writes a directory and its parents, each once.
func (r *initramfs) mkdir(name string) error {
	name = clean(name)
	if name == "" || r.made[name] {
		return nil
	}
	if err := r.mkdir(path.Dir("/" + name)); err != nil {
		return err
	}
	r.made[name] = true
	return r.cpio.WriteHeader(&cpio.Header{Name: name, Mode: cpio.TypeDir | 0o755, Links: 2})
}

// write writes a file with these contents.
func (r *initramfs) write(name string, mode os.FileMode, contents []byte) error {
	name = clean(name)
	if err := r.mkdir(path.Dir("/" + name)); err != nil {
		return err
	}
	h := &cpio.Header{Name: name, Mode: cpio.TypeReg | cpio.FileMode(mode.Perm()), Size: int64(len(contents)), Links: 1}
	if err := r.cpio.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err := r.cpio.Write(contents)
	return err
}

// symlink writes a symbolic link.
func (r *initramfs) symlink(name, target string) error {
	name = clean(name)
	if err := r.mkdir(path.Dir("/" + name)); err != nil {
		return err
	}
	h := &cpio.Header{Name: name, Mode: cpio.TypeSymlink | 0o777, Size: int64(len(target)), Links: 1}
	if err := r.cpio.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err := r.cpio.Write([]byte(target)) // a link's contents are its target
	return err
}

// copy adds a file or link of this machine under another name.
func (r *initramfs) copy(name, from string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return r.symlink(name, target)
	}
	contents, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return r.write(name, info.Mode(), contents)
}

// copyTree adds a directory of this machine, if it exists.
func (r *initramfs) copyTree(name, from string) error {
	if !exists(from) {
		return nil
	}
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		to := path.Join(name, filepath.ToSlash(rel))
		if d.IsDir() {
			return r.mkdir(to)
		}
		return r.copy(to, file)
	})
}
