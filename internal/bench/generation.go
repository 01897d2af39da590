package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// standIn takes the compiler's place: it copies an object that was compiled before to the file
// named by -o. So the generator's time is measured without clang's.
const standIn = `#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2 ;;
	-MF) : >"$2" ;;
	esac
	shift
done
exec cp %q "$out"
`

// generators measures bpf2lskel and bpf2go on the same object, in turn, and clang separately.
func generators(ctx context.Context, b *builder, n, rounds int) ([]generationResult, error) {
	o := scaleObjects()[0]
	o.cflags = []string{fmt.Sprintf("-DN=%d", n)}
	g, err := b.generation(ctx, o)
	if err != nil {
		return nil, err
	}
	all := make([]generationResult, len(g.commands))
	for range rounds {
		for i, c := range g.commands {
			all[i].What, all[i].N = c.what, n
			if err := all[i].run(b, g.cost, c.args); err != nil {
				return nil, err
			}
		}
	}
	clang := generationResult{What: "clang", N: n}
	args := append([]string{
		"clang", "-O2", "-g", "-target", testobj.NativeTarget(), "-mcpu=v3", "-I", filepath.Join(b.root, "testdata/include"),
		"-idirafter", "/usr/include/x86_64-linux-gnu",
	}, o.cflags...)
	if err := clang.run(b, g.cost, append(args, "-c", g.source, "-o", b.path("gen/many.o"))); err != nil {
		return nil, err
	}
	return append(all, clang), nil
}

// generation holds the inputs of both generators for an object.
type generation struct {
	source   string
	cost     string // runs a command and reports its cost
	commands []generator
}

type generator struct {
	what string
	args []string
}

// generation compiles an object and both commands. They generate into a separate module, since
// bpf2lskel refuses to write to directories that Go ignores, and the bench has everything else in
// one.
func (b *builder) generation(ctx context.Context, o benchObject) (*generation, error) {
	object, err := testobj.Build(ctx, o.source, o.options())
	if err != nil {
		return nil, err
	}
	g := &generation{cost: b.path("c-bin/cost")}
	if g.source, err = testobj.Source(o.source); err != nil {
		return nil, err
	}
	if err := b.gcc(g.cost, "c/cost.c"); err != nil {
		return nil, err
	}
	cc := b.path("gen/cc.sh")
	if err := b.write("gen/cc.sh", fmt.Sprintf(standIn, object)); err != nil {
		return nil, err
	}
	if err := os.Chmod(cc, 0o755); err != nil {
		return nil, err
	}
	for path, pkg := range map[string]string{"gen/bpf2lskel": "./cmd/bpf2lskel", "gen/bpf2go": "github.com/cilium/ebpf/cmd/bpf2go"} {
		if _, err := b.run("go", "build", "-buildvcs=false", "-o", b.path(path), pkg); err != nil {
			return nil, err
		}
	}
	if err := b.generationModule(); err != nil {
		return nil, err
	}
	// Remove what was generated for other objects. bpf2go does not create directories.
	for _, dir := range []string{"gen/ours", "gen/theirs"} {
		if err := os.RemoveAll(b.path(dir)); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(b.path(dir), 0o755); err != nil {
			return nil, err
		}
	}
	g.commands = []generator{
		{"bpf2lskel", []string{b.path("gen/bpf2lskel"), "-target", "bpfel", "-cc", cc, "-no-strip", "-o", b.path("gen/ours"), g.source}},
		{"bpf2go", []string{b.path("gen/bpf2go"), "-target", "bpfel", "-cc", cc, "-no-strip", "-go-package", "theirs", "-output-dir", b.path("gen/theirs"), "Object", g.source}},
	}
	return g, nil
}

// generationModule makes directory gen a module with the bench's requirements.
func (b *builder) generationModule() error {
	bench := filepath.Join(b.root, moduleDir)
	text, err := os.ReadFile(filepath.Join(bench, "go.mod"))
	if err != nil {
		return err
	}
	text = []byte(strings.NewReplacer("module "+module+"\n", "module gen\n", "=> ../..", "=> "+b.root).Replace(string(text)))
	sums, err := os.ReadFile(filepath.Join(bench, "go.sum"))
	if err != nil {
		return err
	}
	return errors.Join(b.write("gen/go.mod", string(text)), b.write("gen/go.sum", string(sums)))
}

// run runs a command once and adds its time.
func (g *generationResult) run(b *builder, cost string, args []string) error {
	return g.runIn(b, b.root, cost, args)
}

func (g *generationResult) runIn(b *builder, dir, cost string, args []string) error {
	out, err := b.runIn(dir, cost, args...)
	if err != nil {
		return err
	}
	var v [3]float64
	for i, field := range strings.Fields(string(out)) {
		if v[i], err = strconv.ParseFloat(field, 64); err != nil {
			return err
		}
	}
	g.Wall, g.CPU, g.Peak = append(g.Wall, v[0]), append(g.CPU, 1000*v[1]), append(g.Peak, v[2])
	return nil
}
