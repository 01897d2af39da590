package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// archive is one Debian suite for one architecture, read by apt from separate directories. The
// machine's own apt is neither used nor changed, except that its mirror is read.
type archive struct {
	dir  string
	args []string // make apt use dir
}

// pkg is a package in an archive.
type pkg struct {
	Name    string
	Version string
	Depends string
}

// listsMaxAge is how long package lists count as current.
const listsMaxAge = 24 * time.Hour

// openArchive prepares the archive and updates its lists. If that fails, it uses the older ones.
func openArchive(ctx context.Context, c *cache, suite string, a *arch) (*archive, error) {
	name := suite + "-" + a.Debian
	unlock, err := c.lock("archive-" + name)
	if err != nil {
		return nil, err
	}
	defer unlock()

	dir := filepath.Join(c.dir, "archives", name)
	for _, sub := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, err
		}
	}
	sources, err := suiteSources("/etc/apt", suite, a)
	if err != nil {
		return nil, err
	}
	sourcesFile := filepath.Join(dir, "suite.sources")
	if err := os.WriteFile(sourcesFile, []byte(sources), 0o644); err != nil {
		return nil, err
	}
	ar := &archive{dir: dir, args: []string{
		"-o", "Dir::Etc::sourcelist=" + sourcesFile,
		"-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::State::Lists=" + filepath.Join(dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(dir, "cache"),
		// The architecture is foreign, and nothing counts as installed, so dependencies are listed
		// in full.
		"-o", "Dir::State::status=/dev/null",
		"-o", "APT::Architecture=" + a.Debian,
		"-o", "APT::Architectures=" + a.Debian,
		// apt's own user may not write to the cache of the user who runs this.
		"-o", "APT::Sandbox::User=root",
		"-o", "Acquire::Languages=none",
		"-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
		"-o", "Acquire::Retries=3",
	}}

	stamp := filepath.Join(dir, "refreshed")
	if info, err := os.Stat(stamp); err == nil && time.Since(info.ModTime()) < listsMaxAge {
		return ar, nil
	}
	// By default, an update that gets no list at all succeeds if only the network failed.
	_, err = ar.apt(ctx, "", "apt-get", "-qq", "-o", "APT::Update::Error-Mode=any", "update")
	if err != nil {
		if exists(stamp) {
			fmt.Fprintf(os.Stderr, "vmtest: %s: %v: going on with older package lists\n", name, err)
			return ar, nil
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := os.WriteFile(stamp, nil, 0o644); err != nil {
		return nil, err
	}
	now := time.Now()
	return ar, os.Chtimes(stamp, now, now)
}

// suiteSources returns the machine's first mirror entry, changed to another suite and architecture.
// apt is the directory /etc/apt.
func suiteSources(apt, suite string, a *arch) (string, error) {
	var out strings.Builder
	switch text, err := os.ReadFile(filepath.Join(apt, "sources.list.d", "debian.sources")); {
	case err == nil:
		begun := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "#"):
				continue
			case strings.TrimSpace(line) == "":
				if begun {
					return out.String(), nil
				}
				continue
			case strings.HasPrefix(line, "Suites:"):
				line = "Suites: " + suite + "\nArchitectures: " + a.Debian
			case strings.HasPrefix(line, "Architectures:"):
				continue
			}
			begun = true
			out.WriteString(line + "\n")
		}
		if begun {
			return out.String(), nil
		}
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}

	// The older format has one entry per line: deb [options] URI suite component...
	text, err := os.ReadFile(filepath.Join(apt, "sources.list"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if open := strings.Index(line, "["); open >= 0 {
			if end := strings.Index(line, "]"); end > open {
				line = line[:open] + line[end+1:]
			}
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] != "deb" || strings.HasPrefix(fields[1], "cdrom:") {
			continue
		}
		return fmt.Sprintf("Types: deb\nURIs: %s\nSuites: %s\nArchitectures: %s\nComponents: main\nSigned-By: %s\n",
			fields[1], suite, a.Debian, "/usr/share/keyrings/debian-archive-keyring.gpg"), nil
	}
	return "", fmt.Errorf("no Debian mirror in %s: neither sources.list.d/debian.sources nor sources.list names one", apt)
}

// apt runs an apt command on this archive and returns its output.
func (ar *archive) apt(ctx context.Context, dir, command string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, command, slices.Concat(ar.args, args)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	return output(cmd)
}

// search returns the packages whose names match the regular expression.
func (ar *archive) search(ctx context.Context, name string) ([]pkg, error) {
	out, err := ar.apt(ctx, "", "apt-cache", "search", "-n", name)
	if err != nil {
		return nil, err
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return ar.show(ctx, names...)
}

// show returns the newest version of each of the packages.
func (ar *archive) show(ctx context.Context, names ...string) ([]pkg, error) {
	if len(names) == 0 {
		return nil, nil
	}
	out, err := ar.apt(ctx, "", "apt-cache", slices.Concat([]string{"show", "--no-all-versions"}, names)...)
	if err != nil {
		return nil, err
	}
	return parsePackages(bytes.NewReader(out))
}

// parsePackages reads the stanzas that apt-cache show prints.
func parsePackages(r io.Reader) ([]pkg, error) {
	var all []pkg
	var p pkg
	flush := func() {
		if p.Name != "" {
			all = append(all, p)
		}
		p = pkg{}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" {
			flush()
			continue
		}
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "Package":
			p.Name = value
		case "Version":
			p.Version = value
		case "Depends":
			p.Depends = value
		}
	}
	flush()
	return all, lines.Err()
}

// closure returns the names of the packages and all their dependencies.
func (ar *archive) closure(ctx context.Context, names ...string) ([]string, error) {
	// The relevant lines of a simulation read: Inst libelf1 (0.188-2.1 Debian:12/stable [s390x])
	out, err := ar.apt(ctx, "", "apt-get", slices.Concat([]string{"install", "--simulate", "--no-install-recommends", "-y"}, names)...)
	if err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Inst" {
			all = append(all, f[1])
		}
	}
	return all, nil
}

// unpack fetches packages and unpacks them into dir, as if that were the root directory.
func (ar *archive) unpack(ctx context.Context, dir string, packages ...string) error {
	debs, err := os.MkdirTemp(ar.dir, "debs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(debs)
	if _, err := ar.apt(ctx, debs, "apt-get", slices.Concat([]string{"-qq", "download"}, packages)...); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(debs, "*.deb"))
	if err != nil {
		return err
	}
	if len(files) != len(packages) {
		return fmt.Errorf("asked for %d packages, got %d: %s", len(packages), len(files), strings.Join(packages, " "))
	}
	for _, deb := range files {
		if _, err := output(exec.CommandContext(ctx, "dpkg-deb", "--extract", deb, dir)); err != nil {
			return err
		}
	}
	return nil
}

// output runs a command and returns its output. The error contains its stderr in one line.
func output(cmd *exec.Cmd) ([]byte, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	said := strings.Join(strings.Fields(stderr.String()), " ")
	if len(said) > 1000 {
		said = "... " + said[len(said)-1000:]
	}
	if said == "" {
		return out, fmt.Errorf("%s: %w", filepath.Base(cmd.Path), err)
	}
	return out, fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, said)
}
