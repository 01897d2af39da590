// Package docs tests the documents: their Go and C compiles, the flags of their commands exist, and
// generated parts are up to date.
package docs

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"go/version"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/go/packages"

	"github.com/bpf2lskel/bpf2lskel/internal/docpart"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

var update = flag.Bool("update", false, "write the parts of documents that are made from the code")

const module = "github.com/bpf2lskel/bpf2lskel"

// Go code in the documents compiles.
func TestGo(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	own := startSkeleton(t, root)
	overlay := map[string][]byte{}
	for path, data := range own {
		overlay[path] = data
	}
	where := map[string]*block{}
	for _, file := range files(t) {
		for _, b := range blocks(t, file) {
			from, isQuote := strings.CutPrefix(b.about, "from: ")
			if b.lang != "go" || strings.HasPrefix(b.about, "file: ") || b.isGenerate() { // TestStart and TestShell run these
				continue
			}
			if isQuote {
				checkQuote(t, b, filepath.Join(root, from))
				continue
			}
			skel := "docs/snippets/skel" // that of start.md
			if file == "../README.md" {
				skel = "examples/xdp/skel"
			}
			if named, ok := strings.CutPrefix(b.about, "skel: "); ok {
				skel = named
			}
			name := filepath.Join(root, "docs", "snippets", fmt.Sprintf("n%d", len(where)), "snippet.go")
			where[name] = b
			overlay[name] = []byte(complete(b.text, module+"/"+skel))
		}
	}
	patterns := []string{}
	for name := range where {
		patterns = append(patterns, "file="+name)
	}
	slices.Sort(patterns)
	found, err := packages.Load(&packages.Config{
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedImports | packages.NeedTypesInfo,
		Dir:     root,
		Overlay: overlay,
	}, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, pkg := range found {
		for _, file := range pkg.GoFiles {
			if where[file] != nil {
				seen++
			}
		}
		for _, e := range pkg.Errors {
			name, _, _ := strings.Cut(e.Pos, ":")
			if strings.Contains(e.Msg, "and not used") { // normal for a fragment
				continue
			}
			t.Errorf("%v: %s\n%s", where[name], e.Msg, overlay[name])
		}
	}
	t.Logf("%d pieces of Go", seen)
	if seen != len(where) || seen == 0 {
		t.Errorf("%d of %d were compiled", seen, len(where))
	}
}

// checkQuote checks that each line is in the file that it is quoted from. Comments may differ.
func checkQuote(t *testing.T, b *block, path string) {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	uncommented := func(line string) string {
		line, _, _ = strings.Cut(" "+line, " //")
		return strings.TrimSpace(line)
	}
	var lines []string
	for line := range strings.Lines(string(source)) {
		lines = append(lines, uncommented(strings.TrimSpace(line)))
	}
	for line := range strings.Lines(b.text) {
		if line = uncommented(strings.TrimSpace(line)); !slices.Contains(lines, line) {
			t.Errorf("%v: %q is not in %s", b, line, path)
		}
	}
}

// imports are the packages that fragments may use without importing them.
var imports = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "os": "os", "time": "time", "atomic": "sync/atomic",
	"unix": "golang.org/x/sys/unix", "runtime": module + "/runtime", "ebpfinterop": module + "/runtime/ebpfinterop",
	"oldkernel": module + "/runtime/oldkernel", "btf": "github.com/cilium/ebpf/btf",
	"loader": module + "/loader", "uprobe": module + "/runtime/uprobe", "features": module + "/runtime/features",
}

var qualified = regexp.MustCompile(`\b([a-z][a-z0-9]*)\.[A-Z]`)

// complete turns a fragment into a file. It declares what the program around it would have: a
// context, a skeleton, an interface.
func complete(text, skel string) string {
	if regexp.MustCompile(`(?m)^package `).MatchString(text) {
		return text
	}
	code := regexp.MustCompile(`(?m)^//.*$`).ReplaceAllString(text, "")
	used := map[string]string{"skel": skel, "context": "context"}
	for _, m := range qualified.FindAllStringSubmatch(code, -1) {
		if path := imports[m[1]]; path != "" {
			used[m[1]] = path
		}
	}
	var b strings.Builder
	b.WriteString("package snippet\n\n")
	for _, name := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(&b, "import %s %q\n", name, used[name])
	}
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+text, 0)
	if declarations := err == nil; declarations {
		fmt.Fprintf(&b, "\nvar _ context.Context\n\nvar _ skel.Skeleton\n\n%s", text)
		return b.String()
	}
	fmt.Fprintf(&b, "\nfunc snippet(ctx context.Context, s *skel.Skeleton, ifindex int) error {\n\tvar err error\n\t_ = err\n\t{\n%s\n\t}\n\treturn nil\n}\n", text)
	return b.String()
}

// startSkeleton returns the package that start.md generates, by file.
func startSkeleton(t *testing.T, root string) map[string][]byte {
	t.Helper()
	dir, _ := walkStart(t, false)
	made, err := filepath.Glob(filepath.Join(dir, "skel", "*.go"))
	if err != nil || len(made) == 0 {
		t.Fatal("nothing generated", err)
	}
	files := map[string][]byte{}
	for _, path := range made {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// Overlays cannot provide embedded files, and the types do not need them.
		data = regexp.MustCompile(`(?m)^//go:embed .*$`).ReplaceAll(data, nil)
		files[filepath.Join(root, "docs", "snippets", "skel", filepath.Base(path))] = data
	}
	return files
}

// C in the documents compiles.
func TestC(t *testing.T) {
	const head = "#include <linux/bpf.h>\n#include <linux/types.h>\n#include <bpf/bpf_helpers.h>\n"
	n := 0
	for _, file := range files(t) {
		for _, b := range blocks(t, file) {
			if b.lang != "c" {
				continue
			}
			n++
			text := b.text
			if !strings.Contains(text, "#include") {
				text = head + text
			}
			args := []string{"-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-fsyntax-only", "-x", "c", "-"}
			dirs, _ := filepath.Glob("/usr/include/*-linux-gnu*") // Debian's directory of asm/types.h
			for _, dir := range dirs {
				args = append(args, "-idirafter", dir)
			}
			if flags, ok := strings.CutPrefix(b.about, "cflags: "); ok {
				args = append(args, strings.Fields(flags)...)
			}
			cmd := exec.Command("clang", args...)
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v\n%s", b, err, out)
			}
		}
	}
	t.Logf("%d pieces of C", n)
}

// Commands in the documents use flags that exist.
func TestCommands(t *testing.T) {
	known := map[string][]string{}
	for _, verb := range []string{"", "load", "inspect", "preflight", "sign", "verify"} {
		for _, f := range flagsOf(t, verb) {
			known[verb] = append(known[verb], f.name)
		}
	}
	n := 0
	for _, file := range files(t) {
		for _, b := range blocks(t, file) {
			for line := range strings.Lines(b.text) {
				_, command, ok := strings.Cut(strings.NewReplacer("[", " ", "]", " ").Replace(line), "bpf2lskel ")
				if !ok || strings.HasPrefix(strings.TrimSpace(line), "go get") || strings.Contains(line, "import") {
					continue
				}
				n++
				words := strings.Fields(command)
				verb := ""
				if _, ok := known[words[0]]; ok || words[0] == "inspect" {
					verb = words[0]
				}
				for _, w := range words {
					if w == "--" || strings.HasPrefix(w, "#") {
						break
					}
					if name, ok := strings.CutPrefix(w, "-"); ok && !slices.Contains(known[verb], name) {
						t.Errorf("%v: no flag -%s in %q", b, name, strings.TrimSpace(line))
					}
				}
			}
		}
	}
	t.Logf("%d commands", n)
}

// Links between documents and to files have targets.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)(?:#([^)]*))?\)`)
	anchors := map[string][]string{} // by document
	for _, file := range files(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(raw), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to := file
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(file), m[1])
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if anchors[to] == nil && filepath.Ext(to) == ".md" {
				anchors[to] = anchorsOf(t, to)
			}
			if m[2] != "" && !slices.Contains(anchors[to], m[2]) {
				t.Errorf("%s: there is no heading #%s in %s", file, m[2], to)
			}
		}
	}
}

// anchorsOf returns the anchors of a document's headings, as GitHub makes them.
func anchorsOf(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(raw), -1) {
		text := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		list = append(list, regexp.MustCompile(`[^\p{L}\p{N}_-]`).ReplaceAllString(text, ""))
	}
	return list
}

// The tables of flags in reference.md are up to date.
func TestReferenceFlags(t *testing.T) {
	table := func(verb string) string {
		var b strings.Builder
		b.WriteString("| flag | |\n|---|---|\n")
		for _, f := range flagsOf(t, verb) {
			fmt.Fprintf(&b, "| `-%s` | %s |\n", strings.TrimSpace(f.name+" "+f.arg), f.text)
		}
		return b.String()
	}
	docpart.Check(t, "reference.md", "flags", table(""), *update)
	docpart.Check(t, "reference.md", "load", table("load"), *update)
	docpart.Check(t, "reference.md", "preflight", table("preflight"), *update)
	docpart.Check(t, "reference.md", "sign", table("sign"), *update)
	docpart.Check(t, "reference.md", "verify", table("verify"), *update)
}

// The table in from-bpf2go.md of what C sources for cilium/ebpf may use lists the objects in
// testdata/peer, which other tests load.
func TestAcceptedC(t *testing.T) {
	var b strings.Builder
	b.WriteString("| in C | here |\n|---|---|\n")
	for _, name := range testobj.Peer(t) {
		what, becomes, err := testobj.Accepts(name)
		if err != nil || what == "" || becomes == "" {
			t.Fatalf("%s does not say what it is for: %v", name, err)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", what, becomes)
	}
	docpart.Check(t, "from-bpf2go.md", "accepted", b.String(), *update)
}

// Each example of cilium/ebpf has a row, and its port imports the example's package.
func TestCiliumExamples(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Fatal(err)
	}
	programs, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "examples", "*", "main.go"))
	if err != nil || len(programs) == 0 {
		t.Fatalf("no examples, %v", err)
	}
	var want []string
	for _, program := range programs {
		want = append(want, filepath.Base(filepath.Dir(program)))
	}
	var got []string
	row := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|(?: \\[[^]]*\\]\\((.*?)\\))? \\|")
	for _, m := range row.FindAllStringSubmatch(section(t, "from-bpf2go.md", "### The examples of cilium/ebpf"), -1) {
		got = append(got, m[1])
		if m[2] == "" {
			continue
		}
		test, err := os.ReadFile(m[2])
		if err != nil || !strings.Contains(string(test), "/ciliumexamples/"+m[1]+`"`) {
			t.Errorf("%s: no port in %s, %v", m[1], m[2], err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("examples (-want +got):\n%s", diff)
	}
}

// Names that documents use for this project's packages and cilium/ebpf exist: identifiers, methods
// of maps and programs, and fields.
func TestNamesInTables(t *testing.T) {
	known := map[string]map[string]bool{} // by the package's name; two packages are called features
	members := map[string]bool{}          // Type.Member, of runtime and of package ebpf
	methods := map[string]bool{}          // of all types of runtime
	load := func(dir string, paths ...string) {
		pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedTypes | packages.NeedName, Dir: dir}, paths...)
		if err != nil || len(pkgs) != len(paths) {
			t.Fatal(pkgs, err)
		}
		for _, pkg := range pkgs {
			if known[pkg.Name] == nil {
				known[pkg.Name] = map[string]bool{}
			}
			scope := pkg.Types.Scope()
			for _, name := range scope.Names() {
				known[pkg.Name][name] = true
				obj, ok := scope.Lookup(name).(*types.TypeName)
				if !ok || pkg.Name != "runtime" && pkg.Name != "ebpf" {
					continue
				}
				set := types.NewMethodSet(types.NewPointer(obj.Type()))
				for i := range set.Len() {
					members[name+"."+set.At(i).Obj().Name()] = true
					methods[set.At(i).Obj().Name()] = methods[set.At(i).Obj().Name()] || pkg.Name == "runtime"
				}
				if fields, ok := obj.Type().Underlying().(*types.Struct); ok {
					for i := range fields.NumFields() {
						members[name+"."+fields.Field(i).Name()] = true
					}
				}
			}
		}
	}
	load("..", "./runtime", "./runtime/ebpfinterop", "./runtime/features", "./runtime/uprobe", "./runtime/keyring", "./runtime/kfunccheck", "./loader",
		"github.com/cilium/ebpf", "github.com/cilium/ebpf/asm", "github.com/cilium/ebpf/features", "github.com/cilium/ebpf/link",
		"github.com/cilium/ebpf/ringbuf", "github.com/cilium/ebpf/rlimit")
	load("../runtime/legacy", ".")

	span := regexp.MustCompile("`[^`\n]+`")
	name := regexp.MustCompile(`\b(` + strings.Join(slices.Collect(maps.Keys(known)), "|") + `)\.([A-Z]\w*)`)
	method := regexp.MustCompile(`\bs\.(?:Maps|Progs)\.[A-Z]\w*\.([A-Z]\w*)`)
	member := regexp.MustCompile(`(?:^|[^\w.])([A-Z]\w*\.[A-Z]\w*)`)
	names, others := 0, 0
	for _, file := range files(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range span.FindAllString(string(raw), -1) {
			for _, m := range name.FindAllStringSubmatch(code, -1) {
				names++
				if m[1] == "link" && methods[m[2]] {
					continue // a variable
				}
				if !known[m[1]][m[2]] {
					t.Errorf("%s: %s: no %s", file, code, m[0])
				}
			}
			for _, m := range method.FindAllStringSubmatch(code, -1) {
				others++
				if !methods[m[1]] {
					t.Errorf("%s: %s: no map or program has %s", file, code, m[1])
				}
			}
			for _, m := range member.FindAllStringSubmatch(code, -1) {
				others++
				if typ, _, _ := strings.Cut(m[1], "."); (known["runtime"][typ] || known["ebpf"][typ]) && !members[m[1]] {
					t.Errorf("%s: %s: no %s", file, code, m[1])
				}
			}
		}
	}
	if names < 40 || others < 20 {
		t.Errorf("only %d names, %d members", names, others)
	}
}

// The flags that from-bpf2go.md calls the same are flags of both commands.
func TestBpf2goFlags(t *testing.T) {
	raw, err := os.ReadFile("from-bpf2go.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("The same: flags\\s+\\(`([^`]+)`\\)").FindSubmatch(raw)
	if m == nil {
		t.Fatal("from-bpf2go.md does not say which flags are the same")
	}
	theirs, err := exec.Command("go", "tool", "bpf2go", "-h").CombinedOutput()
	if err != nil && len(theirs) == 0 {
		t.Fatal(err)
	}
	ours := map[string]bool{}
	for _, f := range flagsOf(t, "") {
		ours[f.name] = true
	}
	same := strings.Fields(string(m[1]))
	for _, flag := range same {
		if !ours[strings.TrimPrefix(flag, "-")] || !regexp.MustCompile(`(?m)^  `+flag+`\b`).Match(theirs) {
			t.Errorf("%s is not a flag of both", flag)
		}
	}
	if len(same) < 8 {
		t.Errorf("only %q", same)
	}
}

// The table of LoadOptions in reference.md is up to date.
func TestReferenceOptions(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../runtime/load.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| field | |\n|---|---|\n")
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "LoadOptions" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			text := strings.Join(strings.Fields(field.Doc.Text()), " ")
			text = strings.TrimPrefix(text, field.Names[0].Name+" ")
			text = regexp.MustCompile(`\[(\w+(\.\w+)?)\]`).ReplaceAllString(text, "`$1`")
			fmt.Fprintf(&b, "| `%s` | %s |\n", field.Names[0].Name, text)
		}
		return false
	})
	docpart.Check(t, "reference.md", "options", b.String(), *update)
}

type flagLine struct{ name, arg, text string }

// flagsOf returns a verb's flags from its help.
func flagsOf(t *testing.T, verb string) []flagLine {
	t.Helper()
	args := append(strings.Fields(verb), "-h")
	out, err := exec.Command(tool(t), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var list []flagLine
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "  -"); ok {
			head, text, _ := strings.Cut(rest, "\t")
			name, arg, _ := strings.Cut(head, " ")
			list = append(list, flagLine{name, arg, text})
		} else if text, ok := strings.CutPrefix(line, "    \t"); ok && len(list) > 0 {
			list[len(list)-1].text += text
		}
	}
	return list
}

var built string

// tool returns the path of the command.
func tool(t *testing.T) string {
	t.Helper()
	if built == "" {
		out, err := exec.Command("go", "build", "-o", toolDir, module+"/cmd/bpf2lskel").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		built = filepath.Join(toolDir, "bpf2lskel")
	}
	return built
}

var toolDir string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if toolDir, err = os.MkdirTemp("", "docs-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(toolDir)
	os.Exit(code)
}

// The documents name the Go version in go.mod, and no required module needs a newer one.
func TestGoVersion(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Path}} {{.GoVersion}}", "all").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	own := ""
	for line := range strings.Lines(string(out)) {
		path, goVersion, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path == module {
			own = goVersion
		}
		if version.Compare("go"+goVersion, "go"+own) > 0 {
			t.Errorf("%s requires Go %s, go.mod %s", path, goVersion, own)
		}
	}
	want := strings.TrimPrefix(version.Lang("go"+own), "go")
	for _, file := range []string{"../README.md", "start.md"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(raw), "Go "+want+" or newer") {
			t.Errorf("%s does not say that a user needs Go %s or newer", file, want)
		}
	}
}
