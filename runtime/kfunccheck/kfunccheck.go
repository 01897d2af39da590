// Package kfunccheck compares the kernel functions that an object declares with those of the
// running kernel, before the object is loaded.
//
// By default, the kernel looks up functions by name, and nothing compares prototypes. If the source
// declares an argument as a number where the kernel expects the length of a buffer or a different
// pointer, the call passes whatever is in the register, and the verifier may or may not reject it.
// libbpf and cilium/ebpf compare prototypes, because they read the kernel's BTF anyway. With
// [Compare], so does a load:
//
//	err := s.LoadWith(&runtime.LoadOptions{Kfuncs: kfunccheck.Compare})
//
// It is separate from package runtime because it brings github.com/cilium/ebpf/btf into a binary,
// and reads the kernel's BTF, which takes far longer than a load.
package kfunccheck

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/prototype"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// MismatchError reports a function that the source declares differently from the kernel: it names
// the function, the argument, and both types. Errors of [Compare] wrap one for each function.
type MismatchError = prototype.MismatchError

// Compare is the value for LoadOptions.Kfuncs. It refuses the load if the prototype of a function
// in vmlinux or a loaded module differs from the object's declaration, with a [MismatchError] for
// each function. Prototypes are compared as in libbpf: they match if they have the same number of
// arguments and the same kinds of types behind each pointer, whatever their names and sizes. Unlike
// in libbpf, a struct that the source only declares matches the kernel's struct.
//
// As in libbpf, a weak function with a different prototype counts as missing: of bpf_foo___v1 and
// bpf_foo___v2, the one that this kernel has is found. That changes what is loaded. It is therefore
// an error for a signed package and, before Linux 6.4, for an object that takes a function's
// address or tests whether it exists. Functions that the kernel does not have are left to the load
// to report.
//
// Variables are not compared, because the loaded object does not contain their types. Compare
// requires no privileges, and is safe for concurrent use.
func Compare(r *load.Request) error {
	if err := compare(r); err != nil {
		return &runtime.LoadError{Object: r.Spec.Name, Op: "compare kernel functions", Step: -1, Err: err}
	}
	return nil
}

func compare(r *load.Request) error {
	symbols, steps, err := functions(r.Spec)
	if err != nil || len(symbols) == 0 {
		return err
	}
	kernel, err := prototype.Running()
	if err != nil {
		return err
	}
	results, err := kernel.Compare(symbols)
	if err != nil {
		return err
	}
	var blob []byte
	var skip []int
	var refused []error
	for i, result := range results {
		if result.Mismatch == nil {
			continue
		}
		if !result.Symbol.Weak || r.Spec.Signed != nil || r.Spec.NoAddresses != 0 && looksAddressesUp() {
			refused = append(refused, result.Mismatch)
			continue
		}
		if blob == nil {
			blob = []byte(r.Spec.Blob)
		}
		step := steps[i]
		skip = append(skip, step)
		slot := r.Spec.Steps[step].Result
		missing := -int64(unix.ENOENT)
		binary.NativeEndian.PutUint64(blob[4*slot:], uint64(missing))
	}
	if len(refused) > 0 {
		return prototype.Join(refused)
	}
	if blob != nil {
		changed := *r.Spec
		changed.Blob, changed.Sums = string(blob), spec.Sums{}
		r.Spec = &changed
		r.Skip = append(slices.Clip(r.Skip), skip...)
	}
	return nil
}

// looksAddressesUp reports whether loads look up addresses of functions by name, because the kernel
// does not accept a BTF ID instead. Skipping a step does not prevent that lookup.
func looksAddressesUp() bool {
	return sys.KernelVersion().Before(sys.Version{6, 4})
}

// functions returns the functions that the object declares, and the steps that look them up.
func functions(s *spec.Spec) (symbols []prototype.Symbol, steps []int, err error) {
	var types *btf.Spec
	for i := range s.Steps {
		step := &s.Steps[i]
		if step.Kind != spec.StepFindExtern || s.Externs[step.Index].Kind != spec.Kfunc {
			continue
		}
		if types == nil {
			types, err = btf.LoadSpecFromReader(strings.NewReader(s.Blob[s.BTF.Data:][:s.BTF.Size]))
			if err != nil {
				return nil, nil, fmt.Errorf("read the object's BTF: %w", err)
			}
		}
		e := &s.Externs[step.Index]
		var fn *btf.Func
		if err := types.TypeByName(e.Name, &fn); err != nil {
			return nil, nil, fmt.Errorf("kernel function %s in the object's BTF: %w", e.Name, err)
		}
		symbols = append(symbols, prototype.Symbol{Name: e.Name, Weak: e.Weak, Type: fn.Type, Func: true})
		steps = append(steps, i)
	}
	return symbols, steps, nil
}
