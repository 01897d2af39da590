package kindtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// afterLinux510 are ways to attach that Linux 5.10 does not have.
var afterLinux510 = map[string]string{
	"AttachKprobeMulti": "5.18", "AttachKretprobeMulti": "5.18",
	"AttachNetfilter": "6.4",
	"AttachTCX":       "6.6", "AttachUprobeMulti": "6.6", "AttachUretprobeMulti": "6.6",
	"AttachMulti": "6.6", "AttachReturnMulti": "6.6", // uprobes of many places in a file
	"AttachNetkit":       "6.7",
	"AttachTracingMulti": "7.2",
}

// elsewhere are ways to attach that are not called by name in a test for Linux 5.10, and why.
var elsewhere = map[string]string{
	"AttachStructOps":   "StructOpsMap.Attach calls it: TestCongestionControl",
	"AttachSections":    "the generated Attach calls it",
	"AttachUSDT":        "TestOldUSDT, by a function of another file",
	"AttachSectionUSDT": "the generated Attach calls it",
	"AttachLirc":        "no kernel of the matrix has CONFIG_BPF_LIRC_MODE2",
}

// Each way to attach is in a test that Linux 5.10 runs, or came later and is known to.
func TestAttachOnOldKernels(t *testing.T) {
	called := map[string]bool{}
	for _, directory := range []string{".", "../../runtime", "../../runtime/uprobe", "../../runtime/legacy"} {
		tests, err := filepath.Glob(filepath.Join(directory, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range tests {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := strings.Cut(string(text), "\n")
			if !strings.HasPrefix(first, "//vmtest:") || !strings.Contains(first, "5.10") {
				continue
			}
			for _, call := range regexp.MustCompile(`\.(Attach[A-Za-z]*)\b`).FindAllStringSubmatch(string(text), -1) {
				called[call[1]] = true
			}
		}
	}
	ways := map[string]bool{}
	for _, directory := range []string{"../../runtime", "../../runtime/uprobe", "../../runtime/legacy"} {
		files, err := filepath.Glob(filepath.Join(directory, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range parsed.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Attach") {
					ways[f.Name.Name] = true
				}
			}
		}
	}
	for way := range ways {
		if !called[way] && afterLinux510[way] == "" && elsewhere[way] == "" {
			t.Errorf("%s: no test for Linux 5.10 calls it, and it is not known to be newer", way)
		}
	}
	for way := range afterLinux510 {
		if !ways[way] {
			t.Errorf("%s is not a way to attach", way)
		}
	}
	if len(ways) < 20 {
		t.Errorf("%d ways to attach", len(ways))
	}
}
