package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

//go:embed c/probe.h
var probeH string

//go:embed c/skeleton.c
var skeletonC string

//go:embed c/empty.c
var emptyC string

//go:embed c/cost.c
var costC string

//go:embed c/use.c
var useC string

// gcc compiles a C source of the working directory.
func (b *builder) gcc(out, source string, args ...string) error {
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	all := append([]string{"-O2", "-s", "-I", b.path("c"), "-o", out, b.path(source)}, args...)
	_, err := b.run("gcc", all...)
	return err
}

// buildLight builds the binary for libbpf's light skeleton.
func (b *builder) buildLight(s *subject) (string, error) { return b.buildSkeleton(s, light, "-L") }

// buildFull builds the binary for libbpf's full skeleton.
func (b *builder) buildFull(s *subject) (string, error) {
	return b.buildSkeleton(s, full, "", "-lbpf")
}

func (b *builder) buildSkeleton(s *subject, id, flag string, libs ...string) (string, error) {
	if id == light && (len(s.Obj.Maps) > 64 || len(s.Obj.Programs) > 32) {
		// For more programs, bpftool generates code that writes past its own array.
		return "", fmt.Errorf("%d maps and %d programs: libbpf's loader has at most 64 and 32", len(s.Obj.Maps), len(s.Obj.Programs))
	}
	for _, m := range s.Obj.Maps {
		if id == light && slices.ContainsFunc(m.Slots, func(s object.Slot) bool { return s.Program != nil }) {
			return "", fmt.Errorf("libbpf's loader cannot fill program arrays, such as %s", m.Name)
		}
	}
	var gen []string
	if flag != "" {
		gen = append(gen, flag)
	}
	return b.compileSkeleton(s, id, "c/skeleton.c", gen, libs)
}

// buildUse builds the binary that measures operations with libbpf.
func (b *builder) buildUse(s *subject) (string, error) {
	return b.compileSkeleton(s, "use", "c/use.c", nil, []string{"-lbpf", "-lpthread"})
}

// compileSkeleton compiles a source that includes the skeleton of an object.
func (b *builder) compileSkeleton(s *subject, id, source string, gen, libs []string) (string, error) {
	// The name has a prefix: "agent" may also be a program's name.
	text, err := b.run("bpftool", slices.Concat([]string{"gen", "skeleton"}, gen, []string{s.Path, "name", "bench_" + s.Name})...)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("c/%s_%s.h", id, s.Name)
	if err := b.write(name, string(text)); err != nil {
		return "", err
	}
	out := b.path(fmt.Sprintf("c-bin/%s_%s", id, s.Name))
	flags := []string{fmt.Sprintf("-DHEADER=%q", filepath.Base(name)), "-DNAME=bench_" + s.Name}
	return out, b.gcc(out, source, append(flags, libs...)...)
}
