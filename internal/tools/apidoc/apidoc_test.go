package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aymanbagabas/go-udiff"
)

// tree is a small module: a public package with an alias for a type of an internal package.
var tree = map[string]string{
	"go.mod": "module " + module + "\n\ngo 1.26.0\n",
	"open/open.go": `// Package open is public.
package open

import (
	"errors"
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/hidden"
)

// Limit is 3.
const Limit = 3 // not more

const quiet = 4

// ErrX has a text.
var ErrX = errors.New("x")

// Count counts once.
var Count = sync.OnceValue(func() int {
	return quiet
})

// Thing has a field, and another one that is nobody's business.
type Thing struct {
	// Name is the name.
	Name     string
	Longer   int // in seconds
	internal int
}

// Do does it.
func (t *Thing) Do(n int) error { return nil }

// NewThing makes one.
func NewThing() *Thing { return nil }

// Plan is hidden.Plan.
type Plan = hidden.Plan
`,
	"open/open_test.go":        "package open\n\nfunc Test() {}\n",
	"open/open_arm64.go":       "package open\n\nfunc OnlyARM() {}\n",
	"internal/hidden/a.go":     "package hidden\n\n// Plan is a plan.\ntype Plan struct{ Steps []int }\n\nfunc (Plan) Run() {}\n\nfunc Make() Plan { return Plan{} }\n\ntype Other int\n",
	"open/internal/more/m.go":  "package more\n",
	"cmd/tool/main.go":         "package main\n",
	"examples/x/main.go":       "package main\n",
	"other/go.mod":             "module other\n",
	"other/other.go":           "package other\n",
	"open/testdata/ignored.go": "package ignored\n",
}

const described = `package open // import "github.com/bpf2lskel/bpf2lskel/open"

CONSTANTS

const Limit = 3

VARIABLES

var Count = sync.OnceValue(func() int {})

var ErrX = errors.New("x")

TYPES

type Plan = hidden.Plan

	type Plan struct{ Steps []int }

	func (Plan) Run()

type Thing struct {
	Name string
	Longer int
	// contains filtered or unexported fields
}

func NewThing() *Thing

func (t *Thing) Do(n int) error
`

func write(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestApidoc(t *testing.T) {
	root := t.TempDir()
	for name, text := range tree {
		write(t, root, name, text)
	}
	packages, err := publicPackages(root)
	if err != nil || !slices.Equal(packages, []string{"open"}) {
		t.Errorf("public packages %q, %v", packages, err)
	}
	check := func(what string, write, want bool) {
		t.Helper()
		if same, err := run(root, write); err != nil || same != want {
			t.Errorf("%s: same is %t, %v, want %t", what, same, err, want)
		}
	}
	check("nothing is written yet", false, false)
	check("write", true, true)
	check("what was written", false, true)
	text, err := os.ReadFile(filepath.Join(root, "docs/api/open.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := udiff.Unified("want", "got", described, string(text)); diff != "" {
		t.Error(diff)
	}
	write(t, root, "internal/hidden/a.go", "package hidden\n\n// A new comment.\ntype Plan struct{ Steps []int }\n\nfunc (Plan) Run() { print(1) }\n")
	check("another comment and another body", false, true)
	write(t, root, "internal/hidden/a.go", "package hidden\n\ntype Plan struct{ Steps []uint }\n\nfunc (Plan) Run() {}\n")
	check("another type for an alias", false, false)
	check("write", true, true)
	write(t, root, "docs/api/gone.txt", "package gone\n")
	check("a package that is gone", false, false)
	check("write", true, true)
	check("what was written", false, true)
}
