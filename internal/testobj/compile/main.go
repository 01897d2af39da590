// Command compile compiles all test objects into one directory, for machines without a compiler:
// $BPF2LSKEL_OBJECTS names that directory.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

func main() {
	out := flag.String("o", "", "directory to fill")
	target := flag.String("target", testobj.NativeTarget(), "bpfel or bpfeb")
	cc := flag.String("cc", "", "compiler (default: $BPF2LSKEL_TEST_CC, or clang)")
	reference := flag.Bool("reference", false, "also generate libbpf's light skeletons, which internal/sameload needs on machines without bpftool")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := compileAll(*out, testobj.Options{Target: *target, CC: *cc}, *reference); err != nil {
		fmt.Fprintln(os.Stderr, "compile:", err)
		os.Exit(1)
	}
}

// compileAll compiles the corpus, the objects with externs, and those that kernels refuse, on all
// processors.
func compileAll(out string, opts testobj.Options, reference bool) error {
	var names []string
	for _, dir := range []string{"", "extern", "structops", "refused", "never", "peer", "prototype", "odd"} {
		more, err := testobj.Names(dir)
		if err != nil {
			return err
		}
		names = append(names, more...)
	}

	var (
		wg    sync.WaitGroup
		slots = make(chan struct{}, runtime.NumCPU())
		errs  = make(chan error, len(names))
	)
	for _, name := range names {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			obj, err := compileOne(out, name, opts)
			if err == nil && reference && !strings.HasPrefix(name, "refused/") && !strings.HasPrefix(name, "never/") && !strings.HasPrefix(name, "prototype/") {
				err = sameload.WriteSkeleton(context.Background(), obj)
			}
			if err != nil {
				errs <- fmt.Errorf("%s: %w", name, err)
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

// compileOne puts an object next to a copy of its source, which has the claims about running it,
// and returns its path.
func compileOne(out, name string, opts testobj.Options) (string, error) {
	obj, err := testobj.Build(context.Background(), name, opts)
	if err != nil {
		return "", err
	}
	source, err := testobj.Source(name)
	if err != nil {
		return "", err
	}
	base := filepath.Join(out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(base), 0o755); err != nil {
		return "", err
	}
	if err := copyFile(base+".bpf.c", source); err != nil {
		return "", err
	}
	return base + ".bpf.o", copyFile(base+".bpf.o", obj)
}

func copyFile(to, from string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o644)
}
