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

// options are the command's options.
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
	flag.StringVar(&o.dir, "C", "", "`directory` of another module, whose marked tests to run instead of this project's")
	flag.StringVar(&o.kernels, "kernel", "", "comma-separated `keys` of the kernels to boot (default: all)")
	flag.StringVar(&o.run, "run", "", "run only tests that match this `regexp`")
	flag.IntVar(&o.jobs, "jobs", 2, "number of guests to run at a time")
	flag.DurationVar(&o.deadline, "deadline", testDeadline, "time limit for the tests of each guest")
	flag.BoolVar(&o.keep, "keep", false, "keep each guest's initramfs and console, and print where")
	flag.BoolVar(&o.verbose, "v", false, "show each guest's console even if all tests pass")
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
		return false, fmt.Errorf("no test file below %s is marked: add the line //vmtest:all above its package clause", root)
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

// projectModule is the first line of the go.mod at the top of the checkout.
const projectModule = "module github.com/bpf2lskel/bpf2lskel\n"

// moduleRoot returns the root of the module whose tests to run: the one in dir, or this project's.
func moduleRoot(dir string) (string, error) {
	if dir == "" {
		return projectRoot()
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if !exists(filepath.Join(root, "go.mod")) {
		return "", fmt.Errorf("-C %s: no go.mod", dir)
	}
	return root, nil
}

// projectRoot returns the top of the checkout that contains the current directory.
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
			return "", errors.New("neither the current directory nor a parent is a checkout of the project")
		}
		dir = parent
	}
}
