package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// options are what the command line chooses.
type options struct {
	dir      string
	kernels  string
	run      string
	jobs     int
	deadline time.Duration
	keep     bool
	verbose  bool
}

func main() {
	var o options
	flag.StringVar(&o.dir, "C", "", "`folder` of another module, whose marked tests to run instead of this project's")
	flag.StringVar(&o.kernels, "kernel", "", "`keys` of the kernels to boot, with commas between (all)")
	flag.StringVar(&o.run, "run", "", "run only tests that match this `regexp`")
	flag.IntVar(&o.jobs, "jobs", 2, "guests at a time")
	flag.DurationVar(&o.deadline, "deadline", testDeadline, "for each guest's tests")
	flag.BoolVar(&o.keep, "keep", false, "keep each guest's initramfs and console, and say where")
	flag.BoolVar(&o.verbose, "v", false, "show each guest's console also when all is well")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "vmtest: no arguments, only flags")
		os.Exit(2)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vmtest:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// run boots the chosen kernels and reports whether every test passed in every one.
func run(ctx context.Context, o options) (bool, error) {
	chosen, err := choose(matrix, o.kernels)
	if err != nil {
		return false, err
	}
	if _, err := regexp.Compile(o.run); err != nil {
		return false, fmt.Errorf("-run: %w", err)
	}
	root, err := moduleRoot(o.dir)
	if err != nil {
		return false, err
	}
	cache, err := openCache()
	if err != nil {
		return false, err
	}
	packages, err := findPackages(root)
	if err != nil {
		return false, err
	}
	if len(packages) == 0 {
		return false, fmt.Errorf("no test file below %s is marked: //vmtest:all, on a line above its package clause", root)
	}
	work, err := os.MkdirTemp("", "bpf2lskel-vmtest-")
	if err != nil {
		return false, err
	}
	if !o.keep {
		defer os.RemoveAll(work)
	}

	b := &builder{root: root, work: work, cache: cache, packages: packages, pattern: o.run, deadline: o.deadline}
	reports := make([]*report, len(chosen))
	turns := make(chan struct{}, max(o.jobs, 1))
	var output sync.Mutex // one guest's lines stay together
	var guests sync.WaitGroup
	for i, k := range chosen {
		turns <- struct{}{}
		guests.Go(func() {
			defer func() { <-turns }()
			r := b.test(ctx, k)
			reports[i] = r

			output.Lock()
			defer output.Unlock()
			r.print(os.Stdout, o.verbose)
			if o.keep {
				fmt.Printf("kept: %s\n", filepath.Join(work, k.Key))
			}
		})
	}
	guests.Wait()

	printTable(os.Stdout, reports)
	ok, tests := true, 0
	for _, r := range reports {
		ok = ok && r.ok()
		tests += r.counts().total()
	}
	if ok && tests == 0 {
		return false, fmt.Errorf("no marked test matches %q on these kernels", o.run)
	}
	return ok, nil
}

// projectModule is how the go.mod at the top of the checkout begins.
const projectModule = "module github.com/bpf2lskel/bpf2lskel\n"

// moduleRoot is the top of the module whose tests are run: of the one in a folder, or of this
// project.
func moduleRoot(dir string) (string, error) {
	if dir == "" {
		return projectRoot()
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if !exists(filepath.Join(root, "go.mod")) {
		return "", fmt.Errorf("-C %s: there is no go.mod", dir)
	}
	return root, nil
}

// projectRoot is the top of the checkout that the command is run in.
func projectRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		switch {
		case err == nil && strings.HasPrefix(string(mod), projectModule):
			return dir, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no checkout of the project at the current folder or above it")
		}
		dir = parent
	}
}
