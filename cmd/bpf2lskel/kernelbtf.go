package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/prototype"
)

// declared returns the kernel functions and variables that an object declares with types.
func declared(obj *object.Object) (functions, variables []prototype.Symbol, err error) {
	for _, e := range obj.Externs {
		if e.Kind == object.KsymAddr {
			continue
		}
		t, err := obj.Types.TypeByID(e.Declared)
		if err != nil {
			return nil, nil, fmt.Errorf("type of %s: %w", e.Name, err)
		}
		s := prototype.Symbol{Name: e.Name, Weak: e.Weak, Type: t, Func: e.Kind == object.Kfunc}
		if s.Func {
			functions = append(functions, s)
		} else {
			variables = append(variables, s)
		}
	}
	return functions, variables, nil
}

// compareWith returns an error if the object declares functions or variables that the kernel of
// -kernel-btf lacks, or has with another type.
func compareWith(kernel *prototype.Kernel, obj *object.Object, warn func(text string)) error {
	functions, variables, err := declared(obj)
	if err != nil {
		return err
	}
	results, err := kernel.Compare(append(functions, variables...))
	if err != nil {
		return err
	}
	var refused []error
	for _, r := range results {
		switch s := r.Symbol; {
		case r.Missing && !s.Weak:
			refused = append(refused, fmt.Errorf("%s not found in the files of -kernel-btf: if a module has it, add -kernel-btf with that module's BTF after the one of vmlinux", s))
		case r.Mismatch == nil:
		case s.Weak && s.Name != s.KernelName():
			// It is one of several flavors, of which a kernel has only some.
			warn(r.Mismatch.Error() + " (a plain load calls it nevertheless; a load with kfunccheck.Compare treats it as missing)")
		default:
			refused = append(refused, r.Mismatch)
		}
	}
	return prototype.Join(refused)
}

// compareVariables returns an error if the object declares a variable with another type than the
// running kernel. The load itself compares functions, but does not know the types of variables.
func compareVariables(obj *object.Object) error {
	_, variables, err := declared(obj)
	if err != nil || len(variables) == 0 {
		return err
	}
	kernel, err := prototype.Running()
	if err != nil {
		return err
	}
	results, err := kernel.Compare(variables)
	if err != nil {
		return err
	}
	var refused []error
	for _, r := range results {
		if r.Mismatch != nil {
			refused = append(refused, r.Mismatch)
		}
	}
	return prototype.Join(refused)
}

// addKernel reads a file of -kernel-btf.
func (c *config) addKernel(path string) error {
	if path == "" {
		return errors.New("want a file")
	}
	c.kernelBTF = append(c.kernelBTF, path)
	return nil
}

// compareKernel compares the object with the kernel of -kernel-btf, if the flag is set.
func (c *config) compareKernel(w io.Writer, obj *object.Object) error {
	if c.kernelBTF == nil {
		return nil
	}
	kernel, err := prototype.Files(c.kernelBTF)
	if err != nil {
		return err
	}
	return compareWith(kernel, obj, func(text string) {
		fmt.Fprintf(w, "bpf2lskel: warning: %s: %s\n", c.input, text)
	})
}
