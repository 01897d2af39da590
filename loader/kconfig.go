package loader

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// planKconfig lists the __kconfig variables for the runtime. It accepts the same names as libbpf
// (bpf_object__resolve_externs).
func (g *generator) planKconfig() error {
	var vars []spec.KconfigVar
	for _, m := range g.obj.Maps {
		if m.Kind != object.Kconfig {
			continue
		}
		for i := range m.Vars {
			v := &m.Vars[i]
			if isAlwaysZero(v) {
				continue
			}
			if strings.ContainsAny(v.Name, " \n") { // impossible in C
				return fmt.Errorf("object %s: extern %q: invalid name", g.obj.Name, v.Name)
			}
			if !strings.HasPrefix(v.Name, "CONFIG_") && !kernelFacts[v.Name] {
				return fmt.Errorf("object %s: extern %s: unknown __kconfig variable: want CONFIG_..., "+
					"LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE or LINUX_HAS_SYSCALL_WRAPPER", g.obj.Name, v.Name)
			}
			typ, signed := kconfigType(v.Type)
			vars = append(vars, spec.KconfigVar{
				Name: v.Name, Type: typ, Signed: signed, Weak: v.Weak, Offset: v.Offset, Size: v.Size,
			})
		}
	}
	g.spec.Kconfig = spec.FormatKconfig(vars)
	return nil
}

// kernelFacts lists the variables that are not in the configuration. internal/load determines their
// values.
var kernelFacts = map[string]bool{"LINUX_KERNEL_VERSION": true, "LINUX_HAS_BPF_COOKIE": true, "LINUX_HAS_SYSCALL_WRAPPER": true}

// isAlwaysZero reports whether a variable is zero on all kernels: a weak one that stands for a fact
// that only a future libbpf may know.
func isAlwaysZero(v *object.Var) bool {
	return v.Weak && strings.HasPrefix(v.Name, "LINUX_") && !kernelFacts[v.Name]
}

// kconfigType returns the type of a variable's values, and whether it is a signed integer. Package
// object accepts no other types (libbpf's find_kcfg_type).
func kconfigType(t btf.Type) (typ spec.KconfigType, signed bool) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		signed = t.Encoding&btf.Signed != 0
		switch {
		case t.Encoding&btf.Bool != 0:
			return spec.KconfigBool, false
		case t.Size == 1:
			return spec.KconfigChar, signed
		}
		return spec.KconfigInt, signed
	case *btf.Enum:
		return spec.KconfigTristate, false
	}
	return spec.KconfigString, false
}
