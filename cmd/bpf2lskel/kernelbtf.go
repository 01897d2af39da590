package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/prototype"
)

// declared are the functions and variables of the kernel that an object declares with types.
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

// compareWith refuses an object that declares what the kernel of -kernel-btf does not have, or has
// in another way.
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
			refused = append(refused, fmt.Errorf("%s is in no file of -kernel-btf: if a module has it, give the BTF of that module too, after vmlinux's", s))
		case r.Mismatch == nil:
		case s.Weak && s.Name != s.KernelName():
			// One of several flavors, not all of which one kernel can have.
			warn(r.Mismatch.Error() + " (a plain load calls it nonetheless, one with kfunccheck.Compare takes it for missing)")
		default:
			refused = append(refused, r.Mismatch)
		}
	}
	return prototype.Join(refused)
}

// compareVariables refuses an object that declares a variable in another way than the running
// kernel has it. Functions are for the load itself to compare; it does not know the types of
// variables.
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

// addKernel reads another file of -kernel-btf.
func (c *config) addKernel(path string) error {
	if path == "" {
		return errors.New("want a file")
	}
	c.kernelBTF = append(c.kernelBTF, path)
	return nil
}

// compareKernel compares with the kernel of -kernel-btf, if there is one.
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
