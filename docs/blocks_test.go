package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// files are all documents of the project.
func files(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil || len(found) == 0 {
		t.Fatal("no documents", err)
	}
	return append(found, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md", "../.github/pull_request_template.md")
}

// A block is code in a document, between fences.
type block struct {
	file  string
	line  int
	lang  string // go, c, sh, asm, yaml, text
	about string // the comment right before it, as in "skel: examples/xdp/skel"
	made  bool   // a test writes it, with the part of the document that it is in
	text  string
}

func (b *block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// isGenerate reports whether a block of Go consists only of go:generate lines.
func (b *block) isGenerate() bool {
	return b.lang == "go" && !slices.ContainsFunc(strings.Split(strings.TrimSpace(b.text), "\n"), func(line string) bool {
		return !strings.HasPrefix(line, "//go:generate ")
	})
}

// blocks returns the blocks of a document. Indented code without a fence is an error: readers and
// tests would not know its language.
func blocks(t *testing.T, file string) []*block {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []*block
	var in *block // a fence that is open
	var indent, about string
	made, inList := false, false
	n := 0
	for line := range strings.Lines(string(raw)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		trimmed := strings.TrimSpace(line)
		lang, fence := strings.CutPrefix(trimmed, "```")
		switch {
		case fence && in == nil:
			indent, _, _ = strings.Cut(line, "```")
			in = &block{file: file, line: n, lang: lang, about: about, made: made}
		case fence:
			list, in, about = append(list, in), nil, ""
		case in != nil:
			in.text += strings.TrimPrefix(line, indent) + "\n"
		case strings.HasPrefix(trimmed, "<!--"):
			about = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(trimmed, "<!--"), "-->"))
			made = made && about != "end" || strings.HasPrefix(about, "made by a test: ")
		case trimmed != "":
			about = ""
			if strings.HasPrefix(line, "    ") && !inList {
				t.Errorf("%s:%d: indented code: use fences with the language", file, n)
			}
			// A list continues until a line without indentation.
			isItem := strings.HasPrefix(trimmed, "- ") || len(trimmed) > 2 && trimmed[0] >= '1' && trimmed[0] <= '9' && trimmed[1] == '.'
			inList = isItem || inList && strings.HasPrefix(line, " ")
		}
	}
	if in != nil {
		t.Errorf("%v: unterminated", in)
	}
	return list
}

// Each block of each document is compiled, run or compared by the test that is named here. A block
// of a new kind fails until it has a test.
func TestEveryBlockIsChecked(t *testing.T) {
	tests := map[string]int{}
	for _, file := range files(t) {
		for _, b := range blocks(t, file) {
			kind, _, _ := strings.Cut(b.about, ":")
			test := ""
			switch {
			case b.made:
				test = "docpart.Check"
			case b.file == "errors.md": // written by a test of internal/explain
				test = "TestErrorsShown"
			case b.file == "start.md" && (b.lang == "sh" || kind == "file" || kind == "output"):
				test = "TestStart"
			case b.isGenerate():
				if scenarios[b.file] != nil {
					test = "TestShell"
				}
			case b.lang == "go":
				test = "TestGo"
			case b.lang == "c":
				test = "TestC"
			case b.lang == "sh" && scenarios[b.file] != nil:
				test = "TestShell"
			case b.lang == "asm" && kind == "inspect":
				test = "TestListings"
			case b.lang == "yaml" && b.file == "ci.md":
				test = "TestWorkflow"
			case b.lang == "text" && kind == "output" && outputs[strings.TrimPrefix(b.about, "output: ")] != nil:
				test = "TestOutputs"
			}
			if test == "" {
				t.Errorf("%v: no test checks this block of %q, about %q", b, b.lang, b.about)
			}
			tests[test]++
		}
	}
	t.Log(tests)
}
