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
