package codegen

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// exportData maps the packages that generated code imports to the compiler's export data.
var exportData = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", implPath, gunzipPath, RuntimePath, "strconv", "structs", "embed").Output()
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return files, nil
})

// typeCheck type-checks a generated file.
func typeCheck(t *testing.T, source []byte) error {
	t.Helper()
	files, err := exportData()
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "skel.go", source, parser.ParseComments)
	if err != nil {
		return err
	}
	conf := types.Config{Importer: importFrom(fset, files)}
	_, err = conf.Check("skel", fset, []*ast.File{file}, nil)
	return err
}

func importFrom(fset *token.FileSet, files map[string]string) types.Importer {
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(files[path])
	})
}

// TestCompiles generates code for every object of the corpus, for both byte orders, and type-checks
// it.
func TestCompiles(t *testing.T) {
	for _, name := range slices.Concat(testobj.All(t), testobj.Externs(t), testobj.Peer(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, target := range []string{"bpfel", "bpfeb"} {
				obj, err := object.Read(testobj.Compile(t, name, testobj.Options{Target: target}))
				if err != nil {
					t.Skip(err) // package object tests which ones these are
				}
				if _, err := loader.Generate(obj, loader.Options{}); err != nil {
					t.Skip(err)
				}
				if err := typeCheck(t, generateFor(t, obj, Options{Suffix: target})); err != nil {
					t.Errorf("%s: %v", target, err)
				}
			}
		})
	}
}

// TestVet runs go vet on the package with the most types, for several architectures.
func TestVet(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, goarch := range []string{"amd64", "386", "s390x"} {
		cmd := exec.Command("go", "vet", "./internal/torture/...")
		cmd.Env = append(os.Environ(), "GOARCH="+goarch, "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", goarch, err, out)
		}
	}
}

// TestKindsExist checks that package runtime has everything that generated code may use.
func TestKindsExist(t *testing.T) {
	var uses []string
	for typ, form := range mapForms {
		if typ == sys.MapTypeStructOps {
			continue // it comes from StructOps.Map
		}
		uses = append(uses, form.name)
	}
	for _, kind := range programKinds {
		uses = append(uses, kind)
	}
	uses = append(uses, "KprobeMultiProgram", "UprobeProgram", "UprobeMultiProgram", "IterProgram")
	files, err := exportData()
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := importFrom(token.NewFileSet(), files).Import(RuntimePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range uses {
		for _, name := range []string{name, "New" + name} {
			if pkg.Scope().Lookup(name) == nil {
				t.Errorf("package runtime has no %s", name)
			}
		}
	}
}
