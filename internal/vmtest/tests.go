package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// testPackage is a package of the module that has tests for guests.
type testPackage struct {
	Path  string // its directory, relative to the module root: "runtime", "examples/xdp"
	Tests []markedTest
}

// markedTest is one Test function in a marked file.
type markedTest struct {
	Name string
	Keys []string // of its kernels; nil, or "all" among them, means all that can load
}

// marker matches the line that a test file for guests has above its package clause. gofumpt takes a
// marker without a colon for prose and inserts a space.
var marker = regexp.MustCompile(`(?m)^// ?vmtest(?::([^\s]+))?[ \t]*$`)

// findPackages returns the packages of the module at root, and of modules below it, that have
// marked test files.
func findPackages(root string) ([]*testPackage, error) {
	byPath := map[string]*testPackage{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // a test or an editor has just removed it
			}
			return err
		}
		if name := d.Name(); d.IsDir() && file != root && (name == "testdata" || name[0] == '.' || name[0] == '_') {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		tests, err := markedTests(file, text)
		if err != nil || len(tests) == 0 {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		dir = filepath.ToSlash(dir)
		if byPath[dir] == nil {
			byPath[dir] = &testPackage{Path: dir}
		}
		byPath[dir].Tests = append(byPath[dir].Tests, tests...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []*testPackage
	for _, p := range byPath {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *testPackage) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// markedTests returns the tests of a file, if it is marked.
func markedTests(file string, text []byte) ([]markedTest, error) {
	head, _, _ := bytes.Cut(append([]byte("\n"), text...), []byte("\npackage "))
	m := marker.FindSubmatch(head)
	if m == nil {
		return nil, nil
	}
	var keys []string
	if keyed := string(m[1]); keyed != "" && keyed != "all" {
		keys = strings.Split(keyed, ",")
		named := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return key == "all" })
		if _, err := choose(matrix, strings.Join(named, ",")); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var tests []markedTest
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && f.Name.Name != "TestMain" {
			tests = append(tests, markedTest{f.Name.Name, keys})
		}
	}
	return tests, nil
}

// runPattern returns the -test.run pattern for a kernel. It matches the package's tests that are
// for this kernel and that pattern, as given to -run, matches. It is empty if there are none.
func (p *testPackage) runPattern(k *kernel, pattern string) (string, error) {
	top, rest, hasRest := strings.Cut(pattern, "/")
	filter, err := regexp.Compile(top)
	if err != nil {
		return "", err
	}
	var names []string
	for _, t := range p.Tests {
		if t.isFor(k) && filter.MatchString(t.Name) {
			names = append(names, t.Name)
		}
	}
	if len(names) == 0 {
		return "", nil
	}
	run := "^(" + strings.Join(names, "|") + ")$"
	if hasRest {
		run += "/" + rest
	}
	return run, nil
}

func (t markedTest) isFor(k *kernel) bool {
	if t.Keys == nil {
		return !k.Refuses
	}
	return slices.Contains(t.Keys, k.Key) || slices.Contains(t.Keys, "all") && !k.Refuses
}

// compile builds the package's tests as a static binary for an architecture. It does not vet them:
// unit tests do.
func (p *testPackage) compile(ctx context.Context, root string, a *arch, binary string, flags ...string) error {
	module, inside := p.module(root)
	args := slices.Concat([]string{"-c", "-vet=off", "-o", binary}, flags, []string{"./" + inside})
	return goBuild(ctx, filepath.Join(root, module), a, "test", args...)
}

// module returns the directory of the package's module ("" for the one at root) and the package's
// directory in it.
func (p *testPackage) module(root string) (directory, inside string) {
	directory, inside = p.Path, "."
	for directory != "." && !exists(filepath.Join(root, directory, "go.mod")) {
		directory, inside = path.Dir(directory), path.Join(path.Base(directory), inside)
	}
	return strings.TrimPrefix(directory, "."), inside
}

// programs returns the main packages that a guest gets in /usr/local/bin, by file name: the
// commands, and the tested examples, such as example-xdp and example-kfunc.
func programs(root string, run []testRun) (map[string]string, error) {
	found := map[string]string{}
	commands, err := filepath.Glob(filepath.Join(root, "cmd", "*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range commands {
		found[filepath.Base(dir)] = path.Join("cmd", filepath.Base(dir))
	}
	for _, p := range run {
		if name, ok := strings.CutPrefix(p.Path, "examples/"); ok {
			found["example-"+strings.ReplaceAll(name, "/", "-")] = p.Path
		}
	}
	for name, directory := range found {
		main, err := isMain(filepath.Join(root, directory))
		if err != nil {
			return nil, err
		}
		if !main {
			delete(found, name)
		}
	}
	return found, nil
}

// isMain reports whether the directory's Go files are of package main.
func isMain(dir string) (bool, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return false, err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly)
		if err != nil {
			return false, err
		}
		return parsed.Name.Name == "main", nil
	}
	return false, nil
}

// goBuild runs the go command for a guest.
func goBuild(ctx context.Context, root string, a *arch, verb string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", slices.Concat([]string{verb, "-ldflags=-s -w"}, args)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+a.GOARCH)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go %s %s for %s: %w\n%s", verb, args[len(args)-1], a.GOARCH, err, bytes.TrimSpace(out))
	}
	return nil
}
