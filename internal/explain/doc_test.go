package explain

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "update docs/errors.md")

const errorsDoc = "../../docs/errors.md"

// docs/errors.md is up to date. It is generated from the statements that give hints and the
// comments before them.
func TestErrorsDoc(t *testing.T) {
	want := errorsDocHead + tableHead + hintRows(t, "hints.go") + hintRows(t, "../load/targets.go") + errorsDocOperations + tableHead + hintRows(t, "operations.go")
	if *update {
		if err := os.WriteFile(errorsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(errorsDoc)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("stale, run go test ./internal/explain -run ErrorsDoc -update (-want +file):\n%s", diff)
	}
}

const tableHead = "| cause | the kernel says | hint |\n|---|---|---|\n"

// hintRows returns rows for the hints in a file. A hint without its comments is an error.
func hintRows(t *testing.T, name string) string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	table := ""
	comments := file.Comments
	ast.Inspect(file, func(n ast.Node) bool {
		ret, ok := n.(*ast.ReturnStmt)
		if !ok || len(ret.Results) != 1 {
			return true
		}
		text, inWords := render(ret.Results[0])
		cause, kernel := "", ""
		for len(comments) > 0 && comments[0].Pos() < ret.Pos() {
			var field *string // the field that the previous line belongs to
			for line := range strings.Lines(comments[0].Text()) {
				line = strings.TrimSuffix(line, "\n")
				if after, ok := strings.CutPrefix(line, "Cause: "); ok {
					cause, field = after, &cause
				} else if after, ok := strings.CutPrefix(line, "Kernel: "); ok {
					kernel, field = after, &kernel
				} else if field != nil && line != "" {
					*field += " " + line
				} else {
					field = nil
				}
			}
			comments = comments[1:]
		}
		if (inWords || cause != "") && (cause == "" || kernel == "") {
			t.Errorf("%s: the comment of a hint lacks the cause or the kernel's error", files.Position(ret.Pos()))
		}
		if cause != "" {
			table += "| " + cause + " | " + kernel + " | " + text + " |\n"
		}
		return true
	})
	return table
}

// render returns a string expression as the reader sees it, with {names} for variable parts, and
// reports whether any part of it is constant text.
func render(e ast.Expr) (text string, inWords bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ = strconv.Unquote(e.Value)
		return text, strings.Contains(text, " ")
	case *ast.BinaryExpr:
		left, w1 := render(e.X)
		right, w2 := render(e.Y)
		return left + right, w1 || w2
	case *ast.Ident:
		return "{" + e.Name + "}", false
	}
	return "{?}", false
}

// All variable parts of hints have names for docs/errors.md.
func TestVariablePartsOfHintsHaveNames(t *testing.T) {
	if table := hintRows(t, "hints.go"); strings.Contains(table, "{?}") {
		t.Errorf("use a variable for each part of a hint that is not constant:\n%s", table)
	}
}

const errorsDocHead = `# Errors of a load

All hints that errors give, by cause. [debug.md](debug.md) says how to go about a load that fails.
This page is generated from the code that gives the hints, in internal/explain.

A load that fails returns a ` + "`*runtime.LoadError`" + `. In one line it says what was being
done and on what, the kernel's answer, what the answer means or the decisive lines of the verifier's
log, and a hint:

` + "```text" + `
load refused_core: load program gone: invalid argument: this kernel has no field removed_long_ago of struct task_struct
load refused_func: load program call: permission denied: R1 invalid mem access 'mem_or_null', at: return *p; @ refused_func.bpf.c:6
load refused_map: create map refused: invalid argument (the source does not set its flag BPF_F_NO_PREALLOC: set it there, or call ChangeMap before Load)
` + "```" + `

- ` + "`errors.Is(err, unix.EPERM)`" + ` tests for the kernel's answer. ` + "`errors.As`" + ` into a
  ` + "`*runtime.LoadError`" + ` gives the parts.
- ` + "`fmt.Printf(\"%+v\", err)`" + ` also prints the verifier's whole log. It is fetched after the failure, by
  repeating the failed step with a buffer for the log.
- The decisive lines are the last that the verifier says, apart from its trace, then the line of
  source that they are about, and the kernel's suggestion if it makes one, as Linux 7.3 does.
- ` + "`LoadError.Step`" + ` is the index of the step in the list that ` + "`bpf2lskel inspect`" + ` prints.
- After a failure the process has the same files, mappings and locked memory as before, and the load
  can be tried again.

These are the hints; words in braces are filled in:

`

const errorsDocOperations = `
After the load, a ` + "`*runtime.ProgramError` or `*runtime.MapError`" + ` says more for:

`
