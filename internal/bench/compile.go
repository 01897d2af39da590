package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// The time that Go takes to compile generated packages. All maps of the object have different
// types, since generic code is compiled separately for each pair of types.

// compileSizes are numbers of maps, each with its own pair of types.
var compileSizes = []int{30, 500}

// compileResult is a way to compile a generated package, for both generators.
type compileResult struct {
	Pairs int
	// Used is set if a package that uses each map is compiled, too.
	Used bool
	Took map[string]*generationResult // by generator: ours, cilium
}

// ourUse and theirUse use a map: generic code is compiled only where it is called.
const (
	ourUse = `
func use%[1]s(m *runtime.HashMap[object.Key%[1]s, object.Value%[1]s]) (sum uint64, err error) {
	var k object.Key%[1]s
	v, err := m.Lookup(k)
	if err != nil {
		return 0, err
	}
	v.Count++
	if err := m.Update(k, v, runtime.Any); err != nil {
		return 0, err
	}
	if err := m.Delete(k); err != nil {
		return 0, err
	}
	it := m.Iterate()
	for _, v := range it.All() {
		sum += v.Count
	}
	return sum, it.Err()
}
`
	theirUse = `
func use%[1]s(m *ebpf.Map) (sum uint64, err error) {
	var k object.ObjectKey%[1]s
	var v object.ObjectValue%[1]s
	if err := m.Lookup(&k, &v); err != nil {
		return 0, err
	}
	v.Count++
	if err := m.Update(&k, &v, ebpf.UpdateAny); err != nil {
		return 0, err
	}
	if err := m.Delete(&k); err != nil {
		return 0, err
	}
	it := m.Iterate()
	for it.Next(&k, &v) {
		sum += v.Count
	}
	return sum, it.Err()
}
`
)

// useOf returns a package that uses all maps of a generated package.
func useOf(n int, imports, use, objects, place string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "package use\n\nimport (\n%s)\n", imports)
	var all strings.Builder
	for i := range n {
		name := fmt.Sprint(10 + i)
		if n > 100 {
			name = fmt.Sprint(100 + i)
		}
		fmt.Fprintf(&text, use, name)
		fmt.Fprintf(&all, "\tif _, err := use%s(o.%sMap%s); err != nil {\n\t\treturn err\n\t}\n", name, place, name)
	}
	fmt.Fprintf(&text, "\n// All uses all maps.\nfunc All(o *object.%s) error {\n%s\treturn nil\n}\n", objects, all.String())
	return text.String()
}

// compilations compiles what both generators write for an object with n pairs of types. Imports are
// compiled beforehand.
func compilations(ctx context.Context, b *builder, n, rounds int) ([]compileResult, error) {
	g, err := b.generation(ctx, benchObject{Name: "pairs", source: "scale/pairs", cflags: []string{fmt.Sprintf("-DN=%d", n)}})
	if err != nil {
		return nil, err
	}
	for _, c := range g.commands {
		if _, err := b.run(c.args[0], c.args[1:]...); err != nil {
			return nil, err
		}
	}
	all := []compileResult{{Pairs: n}, {Pairs: n, Used: true}}
	for i := range all {
		if err := all[i].measure(b, g.cost, rounds); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (r *compileResult) measure(b *builder, cost string, rounds int) error {
	r.Took = map[string]*generationResult{ours: {}, cilium: {}}
	texts := map[string]string{
		ours:   useOf(r.Pairs, "\t\"github.com/bpf2lskel/bpf2lskel/runtime\"\n\n\tobject \"gen/ours\"\n", ourUse, "Skeleton", "Maps."),
		cilium: useOf(r.Pairs, "\t\"github.com/cilium/ebpf\"\n\n\tobject \"gen/theirs\"\n", theirUse, "ObjectMaps", ""),
	}
	for round := range rounds + 1 {
		for id, pkg := range map[string]string{ours: "ours", cilium: "theirs"} {
			// Change the source, so that the result is not in Go's cache.
			fresh := fmt.Sprintf("\n\n// Round is another one each time.\nconst Round = %q\n", time.Now())
			if err := b.write("gen/"+pkg+"/round.go", "package "+pkg+fresh); err != nil {
				return err
			}
			build := []string{"go", "build", "./" + pkg}
			if r.Used {
				if err := b.write("gen/"+pkg+"/use/use.go", texts[id]+fresh); err != nil {
					return err
				}
				build[2] += "/use"
			}
			took := r.Took[id]
			if round == 0 { // compiles the imports
				took = new(generationResult)
			}
			if err := took.runIn(b, b.path("gen"), cost, build); err != nil {
				return err
			}
		}
	}
	return nil
}

// against returns our time relative to bpf2go's.
func (r *compileResult) against() interval { return ratio(r.Took[ours].Wall, r.Took[cilium].Wall) }

func (r *compileResult) what() string {
	if r.Used {
		return "with what uses each map"
	}
	return "the package alone"
}

// markdownCompile writes the table of compile times.
func (r *results) markdownCompile(w io.Writer) {
	if len(r.Compile) == 0 {
		return
	}
	io.WriteString(w, "\n## Compile time\n\n"+
		"`go build` of a generated package whose maps have different key and value types, with its imports already compiled. "+
		"Typical use is a separate package with a lookup, an update, a deletion and an iteration for each map. Nothing is linked.\n\n")
	row(w, "maps", "", "bpf2lskel, s", "bpf2go, s", "ratio", "bpf2lskel, CPU, s", "bpf2go, CPU, s")
	rule(w, 7)
	for i := range r.Compile {
		row(w, r.Compile[i].cells()...)
	}
}

func (r *compileResult) cells() []string {
	our, their, v := r.Took[ours], r.Took[cilium], r.against()
	return []string{
		fmt.Sprint(r.Pairs), r.what(), number(median(our.Wall) / 1e9), number(median(their.Wall) / 1e9),
		fmt.Sprintf("%s (%s-%s)", number(v.Value), number(v.Low), number(v.High)),
		number(median(our.CPU) / 1e9), number(median(their.CPU) / 1e9),
	}
}

// tableCompile prints the table for a terminal.
func (r *results) tableCompile(w io.Writer) {
	if len(r.Compile) == 0 {
		return
	}
	fmt.Fprint(w, "\ncompile\t\tbpf2lskel, s\tbpf2go, s\tratio\tbpf2lskel, CPU, s\tbpf2go, CPU, s\t\n")
	for i := range r.Compile {
		for _, cell := range r.Compile[i].cells() {
			fmt.Fprintf(w, "%s\t", cell)
		}
		fmt.Fprintln(w)
	}
}

// compileTargets are goals for all rows.
func (r *results) compileTargets() []target {
	var all []target
	for i := range r.Compile {
		c := &r.Compile[i]
		text, v := fmt.Sprintf("compile time of %d maps, %s", c.Pairs, c.what()), c.against()
		all = append(all, target{text + ", against bpf2go", 1.5, v.Value, v.Low, v.High},
			target{Text: text + ", s", Most: 10, Value: median(c.Took[ours].Wall) / 1e9})
	}
	return all
}
