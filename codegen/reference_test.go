package codegen

import (
	"cmp"
	"fmt"
	"go/ast"
	godoc "go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/docpart"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

const reference = "../docs/reference.md"

// The table of sections in docs/reference.md is up to date.
func TestReferenceSections(t *testing.T) {
	methods := runtimeMethods(t)
	var b strings.Builder
	b.WriteString("| section | program type | in Go | to attach and run it |\n|---|---|---|---|\n")
	for _, p := range object.Sections() {
		name, open := strings.CutSuffix(p.Section, "+")
		if open {
			name += "[/...]"
		}
		p.Section = strings.TrimSuffix(p.Section, "+")
		var verbs []string
		for _, m := range methods[programKind(&p)] {
			for _, verb := range []string{"Attach", "Run", "Open", "Test"} {
				if strings.HasPrefix(m, verb) {
					verbs = append(verbs, m)
				}
			}
		}
		if programKind(&p) == "SyscallProgram" {
			verbs = append(verbs, "runtime.RunSyscall")
		}
		if programKind(&p) == "USDTProgram" {
			verbs = append(verbs, "uprobe.AttachUSDT")
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", name, sys.ProgTypeName(p.Type), programKind(&p), strings.Join(verbs, ", "))
	}
	docpart.Check(t, reference, "sections", b.String(), *update)
}

// The table of map types in docs/reference.md is up to date.
func TestReferenceMaps(t *testing.T) {
	methods := runtimeMethods(t)
	var types []uint32
	for typ := range mapForms {
		types = append(types, typ)
	}
	slices.SortFunc(types, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(mapForms[a].name, mapForms[b].name), cmp.Compare(a, b))
	})
	args := map[mapArgs]string{
		keyOnly: "[K]", valueOnly: "[V]", keyValue: "[K, V]", recordOnly: "[T]", innerOnly: "[I]", keyInner: "[K, I]",
	}
	var b strings.Builder
	b.WriteString("| in Go | map types | methods |\n|---|---|---|\n")
	for i := 0; i < len(types); {
		form := mapForms[types[i]]
		var names []string
		for ; i < len(types) && mapForms[types[i]].name == form.name; i++ {
			names = append(names, sys.MapTypeName(types[i]))
		}
		fmt.Fprintf(&b, "| `%s%s` | %s | %s |\n", form.name, args[form.args], strings.Join(names, ", "), strings.Join(methods[form.name], ", "))
	}
	docpart.Check(t, reference, "maps", b.String(), *update)
}

// runtimeMethods returns the methods of package runtime's types. They include promoted methods of
// unexported structs and other program types, but not the methods that every map and program has.
func runtimeMethods(t *testing.T) map[string][]string {
	t.Helper()
	fset := token.NewFileSet()
	paths, _ := filepath.Glob("../runtime/*.go")
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := godoc.NewFromFiles(fset, files, RuntimePath, godoc.AllDecls)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string][]string{}
	embeds := map[string][]string{}
	for _, typ := range pkg.Types {
		for _, m := range typ.Methods {
			if ast.IsExported(m.Name) && m.Level == 0 {
				own[typ.Name] = append(own[typ.Name], m.Name)
			}
		}
		for _, spec := range typ.Decl.Specs {
			s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, f := range s.Fields.List {
				if len(f.Names) == 0 {
					embeds[typ.Name] = append(embeds[typ.Name], baseName(f.Type))
				}
			}
		}
	}
	all := map[string][]string{}
	for name := range own {
		all[name] = promoted(name, own, embeds)
	}
	for name := range embeds {
		all[name] = promoted(name, own, embeds)
	}
	return all
}

func promoted(name string, own, embeds map[string][]string) []string {
	list := slices.Clone(own[name])
	for _, e := range embeds[name] {
		if e != "Map" && e != "Program" {
			list = append(list, promoted(e, own, embeds)...)
		}
	}
	if name != "Map" {
		list = slices.DeleteFunc(list, func(m string) bool { return m == "Untyped" || slices.Contains(own["Map"], m) })
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// baseName returns the name of an embedded type without *, package and type arguments.
func baseName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return baseName(e.X)
	case *ast.IndexExpr:
		return baseName(e.X)
	case *ast.IndexListExpr:
		return baseName(e.X)
	}
	return ""
}
