package docs

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// importsHeading is the heading of the table in architecture.md that TestImports checks.
const importsHeading = "## Who imports whom"

// Each package of the project, in all of its modules, imports exactly the packages that
// architecture.md lists. A new import is a decision, and shows up as a change of that table.
func TestImports(t *testing.T) {
	table := importsTable(t, "architecture.md")
	got := map[string][]string{}
	for directory, imports := range packageImports(t, "..") {
		row := rowOf(table, directory)
		if row == "" {
			t.Errorf("package %s is in no row of %q", directory, importsHeading)
			continue
		}
		for _, p := range imports {
			// A package may import others of its row.
			if rowOf(table, p) != row && !slices.Contains(got[row], p) {
				got[row] = append(got[row], p)
			}
		}
		if got[row] == nil {
			got[row] = []string{}
		}
	}
	for _, row := range slices.Sorted(maps.Keys(table)) {
		if got[row] == nil {
			t.Errorf("%q has a row for %s, which does not exist", importsHeading, row)
			continue
		}
		slices.Sort(got[row])
		slices.Sort(table[row])
		if diff := cmp.Diff(table[row], got[row]); diff != "" {
			if *update {
				writeImports(t, "architecture.md", row, got[row])
				continue
			}
			t.Errorf("%s imports other packages than %q says (-want +got):\n%s\nIf that is intended, run this test with -update, which writes only this cell",
				row, importsHeading, diff)
		}
	}
}

// writeImports writes a package's imports to its row under importsHeading. Other tables may have
// rows with the same beginning.
func writeImports(t *testing.T, file, row string, imports []string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	old := section(t, file, importsHeading)
	before, after, _ := strings.Cut(string(raw), old)
	cells := regexp.MustCompile("(?m)^(\\| `" + regexp.QuoteMeta(row) + "` \\|)[^|]*\\|")
	if n := len(cells.FindAllString(old, -1)); n != 1 {
		t.Fatalf("%s: %d rows that begin with `%s` under %q", file, n, row, importsHeading)
	}
	// The project's packages come first.
	slices.SortStableFunc(imports, func(a, b string) int {
		isOther := func(p string) int { return min(strings.Index(strings.SplitN(p, "/", 2)[0], "."), 0) }
		return isOther(a) - isOther(b)
	})
	list := " "
	if len(imports) > 0 {
		list = " " + quoted(imports) + " "
	}
	text := before + cells.ReplaceAllString(old, "${1}"+list+"|") + after
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The tables above that one say in words what packages are for.
func TestArchitectureTables(t *testing.T) {
	const heading = "## The way data flows"
	rows := 0
	for line := range strings.Lines(section(t, "architecture.md", heading)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for _, cell := range cells[1:] {
			if strings.Contains(cell, "/") && strings.TrimSpace(code.ReplaceAllString(cell, "")) == "" {
				t.Errorf("%q: a cell of%sis a list of packages; these are for the table under %q", heading, cells[0], importsHeading)
			}
		}
	}
	if rows == 0 {
		t.Errorf("no table under %q", heading)
	}
}

func quoted(list []string) string {
	var words []string
	for _, s := range list {
		words = append(words, "`"+s+"`")
	}
	return strings.Join(words, " ")
}

var code = regexp.MustCompile("`([^`]+)`")

// importsTable reads the table. It maps the first column, a directory or all directories below one
// ("examples/..."), to the packages in the second column. The project's packages are named by
// directory.
func importsTable(t *testing.T, file string) map[string][]string {
	t.Helper()
	table := map[string][]string{}
	for line := range strings.Lines(section(t, file, importsHeading)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		imports := []string{}
		for _, m := range code.FindAllStringSubmatch(cells[2], -1) {
			imports = append(imports, m[1])
		}
		for _, m := range code.FindAllStringSubmatch(cells[1], -1) {
			if table[m[1]] != nil {
				t.Errorf("%s: two rows for %s", file, m[1])
			}
			table[m[1]] = imports
		}
	}
	if len(table) == 0 {
		t.Fatalf("%s: no table under %q", file, importsHeading)
	}
	return table
}

// rowOf returns the row for a package's directory: an exact match, or the nearest row for all
// directories below one. It is empty if there is none.
func rowOf(table map[string][]string, directory string) string {
	if table[directory] != nil {
		return directory
	}
	for dir := directory; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if table[dir+"/..."] != nil {
			return dir + "/..."
		}
	}
	return ""
}

// packageImports returns the imports of all packages of all modules below root, without tests and
// the standard library. The project's packages are named by directory.
func packageImports(t *testing.T, root string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, dir := range modules(t, root) {
		cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: go list: %v", dir, err)
		}
		for d := json.NewDecoder(strings.NewReader(string(out))); ; {
			var p struct {
				ImportPath string
				Imports    []string
			}
			if err := d.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			imports := []string{}
			for _, i := range p.Imports {
				// The first element of a path in the standard library is not a host name.
				if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") {
					imports = append(imports, strings.TrimPrefix(i, module+"/"))
				}
			}
			all[strings.TrimPrefix(p.ImportPath, module+"/")] = imports
		}
	}
	return all
}

// modules returns the directories of all Go modules in the checkout.
func modules(t *testing.T, root string) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		switch name := path.Base(filepath.ToSlash(file)); {
		case errors.Is(err, fs.ErrNotExist): // another test has just removed it
			return nil
		case err != nil:
			return err
		case d.IsDir() && file != root && (name == "testdata" || name[0] == '.' || name[0] == '_'):
			return fs.SkipDir
		case name == "go.mod":
			dirs = append(dirs, filepath.Dir(file))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// The root module requires exactly the modules that architecture.md lists: go list -m all in a
// user's module shows each of them, whatever the user imports.
func TestRequirements(t *testing.T) {
	const heading = "### What a user's module graph has"
	var want []string
	for line := range strings.Lines(section(t, "architecture.md", heading)) {
		if row, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(row, "`")
			want = append(want, name)
		}
	}
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range mod.Require {
		got = append(got, r.Path)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("go.mod requires other modules than the table under %q (-want +got):\n%s", heading, diff)
	}
}

// section returns the text below a heading of a document, up to the next heading of the same or a
// higher level.
func section(t *testing.T, file, heading string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(raw), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s: no heading %q", file, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	for n := len(level); n > 0; n-- {
		text, _, _ = strings.Cut(text, "\n"+level[:n]+" ")
	}
	return text
}
