package docs

import (
	"bytes"
	"fmt"
	"html"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/template"
)

// The rooms of the picture, from left to right. Imports determine their rows and the lines between
// them. Their descriptions come from the first table of architecture.md.
var rooms = []struct {
	directory string
	x         int // of the center, in the picture
}{
	{"cmd/bpf2lskel", 215},
	{"codegen", 110},
	{"loader", 320},
	{"internal/object", 215},
	{"internal/spec", 530},
	{"internal/sys", 425},
	{"internal/load", 530},
	{"internal/explain", 740},
	{"runtime", 635},
	{generated, 635},
}

// generated stands for the packages that codegen writes into users' programs.
const generated = "your package skel"

type roomBox struct {
	Name    string
	Words   []string // lines of text
	X, Y    int      // the upper left corner
	Depth   int
	Outside bool
}

type picture struct {
	Width, Height int
	Boxes         []*roomBox
	Lines         [][4]int // from an importer down to an import
}

const (
	boxWidth, boxHeight = 190, 62
	layerHeight         = 98
	top                 = 150 // below the street
)

// docs/pictures/architecture.svg agrees with the imports of the packages.
func TestArchitecturePicture(t *testing.T) {
	all := packageImports(t, "..")
	imports := map[string][]string{}
	for _, r := range rooms {
		if r.directory == generated {
			imports[generated] = []string{"runtime"} // TestImports has examples/...
			continue
		}
		if all[r.directory] == nil {
			t.Fatalf("no package %s", r.directory)
		}
		for _, p := range all[r.directory] {
			if slices.ContainsFunc(rooms, func(r struct {
				directory string
				x         int
			},
			) bool {
				return r.directory == p
			}) {
				imports[r.directory] = append(imports[r.directory], p)
			}
		}
	}
	words := map[string]string{generated: "typed maps and programs, as codegen wrote them"}
	for _, row := range tableRows(t, section(t, "architecture.md", importsHeading)) {
		words[strings.Trim(row[0], "`")] = row[2]
	}

	// A room is above all its imports.
	depth := map[string]int{}
	var depthOf func(directory string) int
	depthOf = func(directory string) int {
		if d, ok := depth[directory]; ok {
			return d
		}
		d := 0
		for _, p := range imports[directory] {
			d = max(d, depthOf(p)+1)
		}
		depth[directory] = d
		return d
	}
	deepest := 0
	for _, r := range rooms {
		deepest = max(deepest, depthOf(r.directory))
	}
	boxes := map[string]*roomBox{}
	p := &picture{Width: 850, Height: top + (deepest+1)*layerHeight}
	for _, r := range rooms {
		b := &roomBox{
			Name: r.directory, Words: wrap(words[r.directory], 30), Depth: depth[r.directory], Outside: r.directory == generated,
			X: r.x - boxWidth/2, Y: top + (deepest-depth[r.directory])*layerHeight,
		}
		if len(b.Words) == 0 || len(b.Words) > 2 {
			t.Errorf("%s: %q does not fit a box", r.directory, words[r.directory])
		}
		boxes[r.directory] = b
		p.Boxes = append(p.Boxes, b)
	}
	for _, r := range rooms {
		for _, to := range imports[r.directory] {
			// Indirect imports are drawn by way of the room between.
			if slices.ContainsFunc(imports[r.directory], func(via string) bool { return reaches(imports, via, to) }) {
				continue
			}
			a, b := boxes[r.directory], boxes[to]
			p.Lines = append(p.Lines, [4]int{a.X + boxWidth/2, a.Y + boxHeight, b.X + boxWidth/2, b.Y})
		}
	}
	var b bytes.Buffer
	if err := architecturePicture.Execute(&b, p); err != nil {
		t.Fatal(err)
	}
	checkFile(t, "pictures/architecture.svg", b.Bytes())
}

// reaches reports whether a package imports another one, directly or indirectly.
func reaches(imports map[string][]string, from, to string) bool {
	return slices.ContainsFunc(imports[from], func(p string) bool { return p == to || reaches(imports, p, to) })
}

// wrap breaks text into lines of at most width characters.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(word) <= width {
			lines[n-1] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// checkFile compares a file with the contents that it should have, or writes it.
func checkFile(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(got, want):
	case *update:
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not up to date: run this test with -update (%v)", path, err)
	}
}

// A document shows each picture in docs/pictures, and pictures use no external fonts, scripts or
// files.
func TestPictures(t *testing.T) {
	shown := map[string]bool{}
	for _, file := range files(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(raw), "![") {
			if _, rest, ok := strings.Cut(part, "](pictures/"); ok {
				name, _, _ := strings.Cut(rest, ")")
				shown[name] = true
			}
		}
	}
	entries, err := os.ReadDir("pictures")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !shown[e.Name()] {
			t.Errorf("no document shows pictures/%s", e.Name())
		}
		delete(shown, e.Name())
		raw, err := os.ReadFile("pictures/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 20_000 {
			t.Errorf("pictures/%s has %d bytes", e.Name(), len(raw))
		}
		for _, alien := range []string{"<script", "@import", "@font-face", "url(http", "<image"} {
			if bytes.Contains(raw, []byte(alien)) {
				t.Errorf("pictures/%s has %s", e.Name(), alien)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		t.Errorf("pictures/%s is missing", name)
	}
}

// street is the path of the data through the packages, in order.
var street = []struct{ thing, by string }{
	{"x.bpf.c", "clang"},
	{"x.bpf.o", "internal/object"},
	{"Object", "loader"},
	{"Spec", "codegen"},
	{"Go package", "runtime"},
	{"fds", ""},
}

var architecturePicture = template.Must(template.New("").Funcs(template.FuncMap{
	"html": html.EscapeString,
	"street": func() string {
		var b strings.Builder
		x, width := 24, 92
		for i, s := range street {
			fmt.Fprintf(&b, "<rect class=\"thing\" x=\"%d\" y=\"60\" width=\"%d\" height=\"30\" rx=\"15\"/>\n", x, width)
			fmt.Fprintf(&b, "<text class=\"name\" x=\"%d\" y=\"79\">%s</text>\n", x+width/2, s.thing)
			if i < len(street)-1 {
				next := x + width + 50
				fmt.Fprintf(&b, "<path class=\"flow\" d=\"M%d 75H%d\"/>\n", x+width+4, next-8)
				fmt.Fprintf(&b, "<text class=\"by\" x=\"%d\" y=\"106\">%s</text>\n", x+width+25, s.by)
				x = next
			}
		}
		return b.String()
	},
	"below": func(y, i int) int { return y + 39 + 15*i },
	"plus":  func(a, b int) int { return a + b },
}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" role="img">
<title>How an object becomes file descriptors, and which package imports which</title>
<style>
.page { fill: #ffffff; }
text { font-family: sans-serif; font-size: 12px; fill: #1f2328; text-anchor: middle; }
.name { font-weight: bold; font-size: 13px; }
.by, .head { fill: #59636e; }
.room { fill: #eef4fb; stroke: #3b78b5; }
.user { fill: #fdf3e7; stroke: #b5651d; stroke-dasharray: 5 3; }
.thing { fill: #f6f8fa; stroke: #818b98; }
.line { stroke: #818b98; fill: none; }
.flow { stroke: #3b78b5; stroke-width: 2; fill: none; marker-end: url(#arrow); }
marker path { fill: #3b78b5; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; }
text { fill: #e6edf3; }
.by, .head { fill: #9da7b3; }
.room { fill: #12263f; stroke: #6ba5e0; }
.user { fill: #33230f; stroke: #e0a15c; }
.thing { fill: #1c222a; stroke: #8b949e; }
.line { stroke: #8b949e; }
.flow { stroke: #6ba5e0; }
marker path { fill: #6ba5e0; }
}
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="4" markerHeight="4" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>
<rect class="page" width="{{.Width}}" height="{{.Height}}" rx="8"/>
<text class="head" x="308" y="40">go generate: reads the object, decides what does not depend on the kernel</text>
<text class="head" x="735" y="40">Load: in your program</text>
{{street}}{{range .Lines}}<path class="line" d="M{{index . 0}} {{index . 1}}L{{index . 2}} {{index . 3}}"/>
{{end}}{{range .Boxes}}{{$box := .}}<rect class="{{if .Outside}}user{{else}}room{{end}}" x="{{.X}}" y="{{.Y}}" width="190" height="62" rx="4"/>
<text class="name" x="{{plus .X 95}}" y="{{plus .Y 20}}">{{html .Name}}</text>
{{range $i, $w := .Words}}<text x="{{plus $box.X 95}}" y="{{below $box.Y $i}}">{{html $w}}</text>
{{end}}{{end}}</svg>
`))
