package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/preflight"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

const preflightText = `Usage: bpf2lskel preflight [-btf FILE]... DIR|FILE.o

Prints what a generated package or an object needs that this kernel, or the
kernel of each -btf, lacks. It needs no privileges. The exit status is 1 if a
load would fail.

`

// errMissing makes the exit status 1 if a load would fail.
var errMissing = errors.New("a load would fail")

// preflightVerb prints what kernels lack for an object.
func preflightVerb(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("bpf2lskel preflight", flag.ContinueOnError)
	var files []string
	fs.Func("btf", "compare with the kernel of this vmlinux BTF `file` instead of the running one; may be repeated", func(path string) error {
		if path == "" {
			return errors.New("want a file")
		}
		files = append(files, path)
		return nil
	})
	if err := parseFlags(fs, preflightText, args, stdout); err != nil {
		return err
	}
	if fs.NArg() != 1 {
		return usagef(fs, "want one directory of a generated package or one object file, got %d arguments", fs.NArg())
	}
	specs, err := readSpecs(fs.Arg(0), stderr)
	if err != nil {
		return err
	}
	kernels, err := openKernels(files)
	if err != nil {
		return err
	}
	var failed error
	for _, k := range kernels {
		for _, s := range specs {
			r, err := preflight.Check(s, k)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", s.Name, k.Name, err)
			}
			printReport(stdout, s.Name, r)
			if r.Strong() {
				failed = errMissing
			}
		}
	}
	return failed
}

// readSpecs reads an object file, or the packages in a directory.
func readSpecs(path string, stderr io.Writer) ([]*spec.Spec, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return preflight.Package(path)
	}
	obj, err := object.Read(path)
	if err != nil {
		return nil, err
	}
	warn(&printableWriter{w: stderr}, path, obj)
	s, err := loader.Generate(obj, loader.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return []*spec.Spec{s}, nil
}

func openKernels(files []string) ([]*preflight.Kernel, error) {
	if len(files) == 0 {
		k, err := preflight.Running()
		if err != nil {
			return nil, fmt.Errorf("read the BTF of this kernel: %w (use -btf to name a file)", err)
		}
		return []*preflight.Kernel{k}, nil
	}
	var kernels []*preflight.Kernel
	for _, file := range files {
		k, err := preflight.File(file)
		if err != nil {
			return nil, err
		}
		kernels = append(kernels, k)
	}
	return kernels, nil
}

func printReport(w io.Writer, object string, r *preflight.Report) {
	var out bytes.Buffer
	verdict := "nothing is missing"
	switch {
	case r.Strong():
		verdict = "a load would fail"
	case len(r.Findings) > 0:
		verdict = "a load works without what is missing"
	}
	fmt.Fprintf(&out, "%s on %s: %s\n", object, r.Kernel, verdict)
	if r.NoLoaders {
		fmt.Fprintln(&out, "  requires importing runtime/oldkernel")
	}
	for _, f := range r.Findings {
		strength := "missing"
		if !f.Strong {
			strength = "weak"
		}
		fmt.Fprintf(&out, "  %-8s %s", strength, f.What)
		if f.Program != "" {
			fmt.Fprintf(&out, ", program %s", f.Program)
		}
		if f.Why != "" {
			fmt.Fprintf(&out, " (%s)", f.Why)
		}
		fmt.Fprintln(&out)
	}
	_, _ = w.Write(out.Bytes())
}
