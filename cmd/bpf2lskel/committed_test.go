package main

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The committed generated packages are what the tool would write now: for each go:generate line of
// the module that calls it, it is run with -check.
func TestCommittedPackagesAreUpToDate(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	tool := filepath.Join(t.TempDir(), "bpf2lskel")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	n := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		for _, args := range generateLines(t, path) {
			n++
			cmd := exec.Command(tool, append([]string{"-check"}, args...)...)
			cmd.Dir = filepath.Dir(path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: bpf2lskel -check %s: %v\n%s", path, strings.Join(args, " "), err, out)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 2 {
		t.Errorf("found %d go:generate lines, want at least those of two examples", n)
	}
}

var (
	generateLine = regexp.MustCompile(`^//go:generate go (?:tool |run \S*/cmd/)bpf2lskel (.*)`)
	argument     = regexp.MustCompile(`"[^"]*"|\S+`)
)

// generateLines returns the arguments of each go:generate line of a file that calls bpf2lskel.
func generateLines(t *testing.T, path string) (lines [][]string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		m := generateLine.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		args := argument.FindAllString(m[1], -1)
		for i := range args {
			args[i] = strings.Trim(args[i], `"`)
		}
		lines = append(lines, args)
	}
	return lines
}
