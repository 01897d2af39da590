package docs

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// Go comments are at most 100 columns wide, with a tab width of four.
func TestCommentWidth(t *testing.T) {
	const limit = 100
	list, err := exec.Command("git", "-C", "..", "ls-files", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.FieldsSeq(string(list)) {
		f, err := os.Open(filepath.Join("..", file))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 16<<20)
		for n := 1; lines.Scan(); n++ {
			line := lines.Text()
			if strings.HasPrefix(line, "// Code generated ") {
				break
			}
			comment := strings.TrimLeft(line, "\t ")
			if !strings.HasPrefix(comment, "// ") && !strings.HasPrefix(comment, "//\t") {
				continue // code, or a directive
			}
			width := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    "))
			if width > limit {
				t.Errorf("%s:%d: comment of %d columns, want at most %d", file, n, width, limit)
			}
		}
		if err := lines.Err(); err != nil {
			t.Error(file, err)
		}
		f.Close()
	}
}

// Prose in documents is at most 100 columns wide. Tables, code and pictures are as wide as they
// are, and benchmarks.md is written by make bench.
func TestProseWidth(t *testing.T) {
	const limit = 100
	for _, file := range files(t) {
		if file == "benchmarks.md" {
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		code := false
		n := 0
		for line := range strings.Lines(string(raw)) {
			n++
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				code = !code
			}
			if code || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "![") {
				continue
			}
			if width := utf8.RuneCountInString(line); width > limit {
				t.Errorf("%s:%d: %d columns, want at most %d", file, n, width, limit)
			}
		}
	}
}
