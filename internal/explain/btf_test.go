package explain

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
)

// FuzzTypes claims that the BTF reader for error messages terminates on any input, and agrees with
// package btf on input that package btf accepts.
func FuzzTypes(f *testing.F) {
	for _, name := range []string{"btf_kinds", "core_fields", "core_types", "globals_sections"} {
		obj, err := object.Read(testobj.Compile(f, name, testobj.Options{}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(obj.BTF, "0:1:0")
	}
	f.Fuzz(func(t *testing.T, raw []byte, access string) {
		types := decodeTypes(string(raw))
		if types == nil {
			return
		}
		for id := range uint32(len(types.offs) + 1) {
			_, _, _ = types.named(id), types.field(id, access), types.enumValue(id, access)
		}
		if binary.NativeEndian.Uint16(raw) != 0xeb9f {
			return // package btf would assume the other byte order
		}
		spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for id := range uint32(len(types.offs)) {
			if typ, err := spec.TypeByID(btf.TypeID(id)); err == nil && id > 0 {
				compareType(t, types, id, typ)
			}
		}
		if typ, err := spec.TypeByID(btf.TypeID(len(types.offs))); err == nil {
			t.Errorf("%d types were read, but package btf has %v", len(types.offs)-1, typ)
		}
	})
}

func compareType(t *testing.T, types *types, id uint32, want btf.Type) {
	t.Helper()
	name := sys.EssentialName(want.TypeName())
	switch want := want.(type) {
	case *btf.Struct:
		compareMembers(t, types, id, want.Members)
	case *btf.Union:
		compareMembers(t, types, id, want.Members)
	case *btf.Enum:
		for i, v := range want.Values {
			if got := types.enumValue(id, fmt.Sprint(i)); got != v.Name {
				t.Errorf("type %d, %v: value %d is %q", id, want, i, got)
			}
		}
	case *btf.Int, *btf.Typedef, *btf.Fwd, *btf.Func, *btf.Var, *btf.Datasec, *btf.Float:
	default:
		return // package btf does not name it
	}
	if got := types.name(id); got != name {
		t.Errorf("type %d, %v: name %q", id, want, got)
	}
}

func compareMembers(t *testing.T, types *types, id uint32, want []btf.Member) {
	t.Helper()
	for i, m := range want {
		if got := types.field(id, fmt.Sprintf("0:%d", i)); got != m.Name {
			t.Errorf("type %d: member %d is %q, want %q", id, i, got, m.Name)
		}
	}
}
