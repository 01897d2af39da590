package kernelbtf

import (
	"slices"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A SpecialField is a field of a map's value that the kernel manages, such as a bpf_spin_lock.
type SpecialField struct {
	Name   string // of the field's type, or of the pointer's tag
	Offset uint32 // bytes
}

// special lists the types that the kernel knows by name (btf_get_field_type), and tags the tags of
// pointers (btf_find_kptr).
var (
	special = []string{
		"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_task_work", "bpf_list_head", "bpf_list_node",
		"bpf_rb_root", "bpf_rb_node", "bpf_refcount",
	}
	tags = []string{"kptr", "kptr_untrusted", "percpu_kptr", "uptr"}
)

// SpecialFields returns the special fields of a type in raw BTF, sorted by name and offset.
func SpecialFields(raw []byte, id uint32) ([]SpecialField, error) {
	var t Types
	if err := t.parse(raw); err != nil {
		return nil, err
	}
	var fields []SpecialField
	left := mostVisited
	if t.special(id, 0, 0, &fields, &left); left < 0 {
		return nil, errBTF
	}
	slices.SortFunc(fields, func(a, b SpecialField) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return int(int64(a.Offset) - int64(b.Offset))
	})
	return fields, nil
}

// mostSpecial exceeds the kernel's limit (BTF_FIELDS_MAX).
const mostSpecial = 64

// mostVisited bounds the number of members and elements that are visited: arrays of arrays of
// structs without members can have any number of elements, and no size.
const mostVisited = 1 << 20

func (t *Types) special(id, offset uint32, depth int, fields *[]SpecialField, left *int) {
	of, at := t.resolve(id)
	*left--
	if at < 0 || depth > 16 || len(*fields) > mostSpecial || *left < 0 {
		return
	}
	switch of.kindAt(at) {
	case sys.BtfKindStruct:
		name := unix.ByteSliceToString(of.name(of.word(at)))
		if slices.Contains(special, name) {
			*fields = append(*fields, SpecialField{name, offset})
			return
		}
		bitfields := of.word(at+4)>>31 != 0
		for i := range int(of.word(at+4) & 0xffff) {
			m := at + commonSize + 12*i
			bits := of.word(m + 8)
			if bitfields {
				bits &= 1<<24 - 1
			}
			t.special(of.word(m+4), offset+bits/8, depth+1, fields, left)
		}
	case sys.BtfKindArray:
		elem, n := of.word(at+commonSize), of.word(at+commonSize+8)
		size := t.Size(elem)
		for i := range min(n, mostSpecial) {
			t.special(elem, offset+i*size, depth+1, fields, left)
		}
	case sys.BtfKindPtr:
		target, at := t.owner(of.word(at + 8))
		if at < 0 || target.kindAt(at) != sys.BtfKindTypeTag {
			return
		}
		if name := unix.ByteSliceToString(target.name(target.word(at))); slices.Contains(tags, name) {
			*fields = append(*fields, SpecialField{name, offset})
		}
	}
}
