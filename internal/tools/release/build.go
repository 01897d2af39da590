package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build builds the command for each platform and writes it, with checksums and notes, to a new
// directory.
func (t tree) build(version, out string, platforms []string) error {
	if err := t.check(version); err != nil {
		return err
	}
	if _, err := os.Lstat(out); err == nil {
		return fmt.Errorf("%s exists: remove it", out)
	}
	notes, err := t.notes(version)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(t.root)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	// The two paths have different lengths; neither may appear in a binary.
	first, second := filepath.Join(work, "a"), filepath.Join(work, "another", "directory")
	for _, clone := range []string{first, second} {
		if _, err := t.command(".", "git", "clone", "-q", "--no-local", root, clone); err != nil {
			return err
		}
	}
	files := map[string][]byte{"NOTES.md": []byte(notes)}
	var sums strings.Builder
	for _, platform := range platforms {
		name, one, err := compile(first, version, platform)
		if err != nil {
			return err
		}
		_, other, err := compile(second, version, platform)
		if err != nil {
			return err
		}
		if !bytes.Equal(one, other) {
			return fmt.Errorf("%s: two clones give different bytes", name)
		}
		files[name] = one
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(one), name)
	}
	files["SHA256SUMS"] = []byte(sums.String())
	// Write everything or nothing.
	partial := filepath.Clean(out) + ".partial"
	if err := os.Mkdir(partial, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(partial)
	for name, data := range files {
		mode := os.FileMode(0o755)
		if name == "NOTES.md" || name == "SHA256SUMS" {
			mode = 0o644
		}
		if err := os.WriteFile(filepath.Join(partial, name), data, mode); err != nil {
			return err
		}
	}
	return os.Rename(partial, out)
}

// compile builds the command in a clone, independently of the clone's location.
func compile(clone, version, platform string) (name string, data []byte, err error) {
	goos, goarch, ok := strings.Cut(platform, "/")
	if !ok {
		return "", nil, fmt.Errorf("platform %q: want GOOS/GOARCH", platform)
	}
	name = fmt.Sprintf("bpf2lskel-%s-%s-%s", version, goos, goarch)
	if goos == "windows" {
		name += ".exe"
	}
	bin := filepath.Join(clone, "bin", name)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", bin, "./cmd/bpf2lskel")
	cmd.Dir = clone
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=", "GOWORK=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("%s: %w\n%s", platform, err, said)
	}
	data, err = os.ReadFile(bin)
	return name, data, err
}
