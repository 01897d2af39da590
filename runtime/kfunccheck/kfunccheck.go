// Package kfunccheck compares the kernel functions that an object declares with those that the
// running kernel has, before the object is loaded.
//
// A plain load has the kernel look functions up by name, and compares nothing. If the source
// declares an argument as a number where the kernel has the length of a buffer, or another pointer,
// the call still passes whatever is in the register: the verifier may refuse it, and may not.
// libbpf and cilium/ebpf compare prototypes, since they read the kernel's BTF anyway. A load with
// [Compare] does so too:
//
//	err := s.LoadWith(&runtime.LoadOptions{Kfuncs: kfunccheck.Compare})
//
// It is a package of its own because it brings github.com/cilium/ebpf/btf into a binary, and reads
// the kernel's BTF, which takes far longer than a load.
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

// MismatchError is a function that the source declares in another way than the kernel: it names the
// function, the argument, and the types of both. Errors of [Compare] wrap one for each.
type MismatchError = prototype.MismatchError

// Compare is for LoadOptions.Kfuncs. It refuses the load, with a [MismatchError] for each function,
// if vmlinux or a loaded module has a function with another prototype than the object declares. Two
// prototypes are the same if libbpf takes them for the same: as many arguments, and the same kinds
// of types behind each pointer, whatever their names and sizes. A struct that the source only
// declares is the kernel's struct, which libbpf refuses.
//
// A weak function with another prototype is taken for missing, as it is by libbpf: of bpf_foo___v1
// and bpf_foo___v2, the one that this kernel has is found. That changes what is loaded, so it is
// refused for a signed package, and before Linux 6.4 for an object that takes a function's address,
// or asks whether it is there. A function that the kernel does not have is for the load to report.
//
// Variables are not compared: their types are not in what is loaded. Compare needs no privileges of
// its own, and is safe for concurrent use.
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

// looksAddressesUp reports whether loads look for addresses of functions by name, for this kernel
// takes no BTF ID for one: a step that is skipped does not keep them from it.
func looksAddressesUp() bool {
	return sys.KernelVersion().Before(sys.Version{6, 4})
}

// functions are those that the object declares, and the steps that look them up.
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
