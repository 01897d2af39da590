package object

import "github.com/cilium/ebpf/btf"

// managedStructs lists the types whose contents only the kernel may access (btf_get_field_type in
// kernel/bpf/btf.c).
var managedStructs = map[string]bool{
	"bpf_spin_lock": true, "bpf_res_spin_lock": true, "bpf_timer": true, "bpf_wq": true, "bpf_task_work": true,
	"bpf_list_head": true, "bpf_list_node": true, "bpf_rb_root": true, "bpf_rb_node": true, "bpf_refcount": true,
}

// managedPointers lists the type tags of pointers that hold a reference to a kernel object.
var managedPointers = map[string]bool{"kptr": true, "kptr_untrusted": true, "kptr_ref": true, "percpu_kptr": true, "uptr": true}

// isManaged reports whether the kernel manages a variable of the type, or a part of it. The kernel
// refuses to map such memory (bpf_map_mmap: ENOTSUPP). libbpf does not try, since these variables
// are hidden (map_is_mmapable).
func isManaged(t btf.Type) bool {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Datasec:
		for _, v := range t.Vars {
			if v, ok := v.Type.(*btf.Var); ok && isManaged(v.Type) {
				return true
			}
		}
	case *btf.Struct:
		return managedStructs[t.Name] || anyManaged(t.Members)
	case *btf.Union:
		return anyManaged(t.Members)
	case *btf.Array:
		return isManaged(t.Type)
	case *btf.Pointer:
		for target := t.Target; ; {
			tag, ok := target.(*btf.TypeTag)
			if !ok {
				return false
			}
			if managedPointers[tag.Value] {
				return true
			}
			target = tag.Type
		}
	}
	return false
}

func anyManaged(members []btf.Member) bool {
	for _, m := range members {
		if isManaged(m.Type) {
			return true
		}
	}
	return false
}
