package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// standIn is a compiler for generators that has compiled beforehand: it copies
// the object to where -o says. So a generator's time is its own, not clang's.
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

// generators runs bpf2lskel and bpf2go on the same object in turn, and clang apart.
func generators(ctx context.Context, b *builder, n, rounds int) ([]generationResult, error) {
	o := scaleObjects()[0]
	o.cflags = []string{fmt.Sprintf("-DN=%d", n)}
	object, err := testobj.Build(ctx, o.source, o.options())
	if err != nil {
		return nil, err
	}
	source, err := testobj.Source(o.source)
	if err != nil {
		return nil, err
	}
	cost := b.path("c-bin/cost")
	if err := b.gcc(cost, "c/cost.c"); err != nil {
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
	// bpf2go writes no package of that name, but into a folder that has to be there.
	for _, dir := range []string{"gen/ours", "gen/theirs", "gen/clang"} {
		if err := os.MkdirAll(b.path(dir), 0o755); err != nil {
			return nil, err
		}
	}
	commands := []struct {
		what string
		args []string
	}{
		{"bpf2lskel", []string{b.path("gen/bpf2lskel"), "-target", "bpfel", "-cc", cc, "-no-strip", "-o", b.path("gen/ours"), source}},
		{"bpf2go", []string{b.path("gen/bpf2go"), "-target", "bpfel", "-cc", cc, "-no-strip", "-go-package", "theirs", "-output-dir", b.path("gen/theirs"), "Many", source}},
	}
	all := make([]generationResult, len(commands))
	for range rounds {
		for i, c := range commands {
			all[i].What, all[i].N = c.what, n
			if err := all[i].run(b, cost, c.args); err != nil {
				return nil, err
			}
		}
	}
	clang := generationResult{What: "clang", N: n}
	args := append([]string{
		"clang", "-O2", "-g", "-target", testobj.NativeTarget(), "-mcpu=v3", "-I", filepath.Join(b.root, "testdata/include"),
		"-idirafter", "/usr/include/x86_64-linux-gnu",
	}, o.cflags...)
	if err := clang.run(b, cost, append(args, "-c", source, "-o", b.path("gen/clang/many.o"))); err != nil {
		return nil, err
	}
	return append(all, clang), nil
}

// run runs a command once and adds what it took.
func (g *generationResult) run(b *builder, cost string, args []string) error {
	out, err := b.run(cost, args...)
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
