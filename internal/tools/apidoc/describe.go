package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// platform selects build constraints, independently of the machine.
var platform = func() *build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled, c.BuildTags = "linux", "amd64", false, nil
	return &c
}()

// goFiles returns the Go files of a directory that belong to its package, without tests.
func goFiles(dir string) ([]string, error) {
	p, err := platform.ImportDir(dir, 0)
	if none := (*build.NoGoError)(nil); errors.As(err, &none) {
		return nil, nil
	}
	return p.GoFiles, err
}

// loader reads the packages of a module.
type loader struct {
	root   string
	loaded map[string]*pkg // by directory
}

type pkg struct {
	*doc.Package
	fset    *token.FileSet
	imports map[string]string // paths, by local name
}

func (l *loader) load(directory string) (*pkg, error) {
	if p := l.loaded[directory]; p != nil {
		return p, nil
	}
	dir := filepath.Join(l.root, filepath.FromSlash(directory))
	names, err := goFiles(dir)
	if err != nil {
		return nil, err
	}
	p := &pkg{fset: token.NewFileSet(), imports: map[string]string{}}
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(p.fset, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, err
			}
			name := path[strings.LastIndex(path, "/")+1:]
			if spec.Name != nil {
				name = spec.Name.Name
			}
			p.imports[name] = path
		}
	}
	if p.Package, err = doc.NewFromFiles(p.fset, files, module+"/"+directory); err != nil {
		return nil, err
	}
	if l.loaded == nil {
		l.loaded = map[string]*pkg{}
	}
	l.loaded[directory] = p
	return p, nil
}

// describe returns the description of a package.
func (l *loader) describe(directory string) (string, error) {
	p, err := l.load(directory)
	if err != nil {
		return "", err
	}
	w := &writer{loader: l, pkg: p}
	fmt.Fprintf(&w.out, "package %s // import %q\n", p.Name, p.ImportPath)
	w.section("CONSTANTS")
	w.values(p.Consts)
	w.section("VARIABLES")
	w.values(p.Vars)
	w.section("FUNCTIONS")
	w.funcs(p.Funcs)
	w.section("TYPES")
	for _, t := range p.Types {
		w.typ(t)
	}
	return w.out.String(), w.err
}

// writer builds the description of a package.
type writer struct {
	*loader
	pkg     *pkg
	out     bytes.Buffer
	heading string // written before the next declaration
	indent  string
	err     error
}

// section begins a section, which is omitted if it stays empty.
func (w *writer) section(heading string) { w.heading = heading }

// decl writes a declaration without comments, bodies and values of variables. Columns are not
// aligned, so that a new field adds only one line.
func (w *writer) decl(d ast.Decl) {
	if f, ok := d.(*ast.FuncDecl); ok {
		f.Body = nil
	}
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			n.Doc = nil
		case *ast.GenDecl:
			n.Doc = nil
		case *ast.TypeSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.ValueSpec:
			n.Doc, n.Comment = nil, nil
		case *ast.Field:
			n.Doc, n.Comment = nil, nil
		case *ast.CallExpr:
			n.Rparen = token.NoPos // keep it on the same line
		case *ast.FuncLit:
			n.Body = &ast.BlockStmt{}
		case *ast.CompositeLit:
			n.Elts = nil
		}
		return true
	})
	var text bytes.Buffer
	if err := (&printer.Config{Mode: printer.TabIndent, Tabwidth: 4}).Fprint(&text, w.pkg.fset, d); err != nil {
		w.err = errors.Join(w.err, err)
	}
	if w.heading != "" {
		fmt.Fprintf(&w.out, "\n%s\n", w.heading)
		w.heading = ""
	}
	w.out.WriteByte('\n')
	for line := range strings.Lines(text.String()) {
		words := strings.Fields(line)
		if len(words) == 0 { // the line of a removed comment
			continue
		}
		tabs := line[:len(line)-len(strings.TrimLeft(line, "\t"))]
		w.out.WriteString(w.indent + tabs + strings.Join(words, " ") + "\n")
	}
}

func (w *writer) values(list []*doc.Value) {
	for _, v := range list {
		w.decl(v.Decl)
	}
}

func (w *writer) funcs(list []*doc.Func) {
	for _, f := range list {
		w.decl(f.Decl)
	}
}

// typ writes a type with its constants, functions and methods.
func (w *writer) typ(t *doc.Type) {
	w.decl(t.Decl)
	w.values(t.Consts)
	w.values(t.Vars)
	w.funcs(t.Funcs)
	w.funcs(t.Methods)
	for _, spec := range t.Decl.Specs {
		w.target(spec.(*ast.TypeSpec))
	}
}

// target writes, indented, the internal type behind an alias, and its methods.
func (w *writer) target(spec *ast.TypeSpec) {
	if !spec.Assign.IsValid() {
		return
	}
	of := spec.Type
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	selector, ok := of.(*ast.SelectorExpr)
	if !ok {
		return
	}
	name, ok := selector.X.(*ast.Ident)
	if !ok {
		return
	}
	directory, ok := strings.CutPrefix(w.pkg.imports[name.Name], module+"/")
	if !ok || !strings.HasPrefix(directory, "internal/") && !strings.Contains(directory, "/internal/") {
		return
	}
	p, err := w.load(directory)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	for _, t := range p.Types {
		if t.Name == selector.Sel.Name {
			before := *w
			w.pkg, w.indent = p, w.indent+"\t"
			w.decl(t.Decl)
			w.funcs(t.Methods)
			for _, spec := range t.Decl.Specs {
				w.target(spec.(*ast.TypeSpec))
			}
			w.pkg, w.indent = before.pkg, before.indent
			return
		}
	}
	w.err = errors.Join(w.err, fmt.Errorf("%s: no exported type %s", directory, selector.Sel.Name))
}
