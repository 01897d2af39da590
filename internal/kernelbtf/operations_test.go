//vmtest:6.1,6.12,6.18,7.2,7.x,7.x-arm64,6.12-s390x

package kernelbtf

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// The reader finds struct_ops in the same place and with the same members as package btf.
func TestOperations(t *testing.T) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	id := func(name string) (*btf.Struct, uint32) {
		var s *btf.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			t.Fatal(err)
		}
		id, err := spec.TypeID(s)
		if err != nil {
			t.Fatal(err)
		}
		return s, uint32(id)
	}
	kernel, err := ReadKernel()
	if err != nil {
		t.Fatal(err)
	}
	defer kernel.Close()
	ops, err := kernel.Operations("tcp_congestion_ops")
	if _, noJIT := os.Stat("/proc/sys/net/core/bpf_jit_enable"); noJIT != nil && errors.Is(err, fs.ErrNotExist) {
		guest.NotHere(t, "no JIT compiler, so no struct_ops") // CONFIG_BPF_JIT
	}
	if err != nil {
		t.Fatal(err)
	}
	typ, typeID := id("tcp_congestion_ops")
	value, valueID := id("bpf_struct_ops_tcp_congestion_ops")
	if ops.Type != typeID || ops.Value != valueID || ops.ValueSize != value.Size || ops.Module != "" || ops.FD != 0 {
		t.Errorf("struct %d in value %d of %d bytes, of module %q; want %d, %d, %d", ops.Type, ops.Value, ops.ValueSize, ops.Module, typeID, valueID, value.Size)
	}
	if last := value.Members[len(value.Members)-1]; ops.Data != last.Offset.Bytes() {
		t.Errorf("the struct is at byte %d of the value, want %d", ops.Data, last.Offset.Bytes())
	}
	if len(typ.Members) < 10 {
		t.Errorf("only %d members", len(typ.Members))
	}
	for i, want := range typ.Members {
		got, ok := ops.Member(ops.Type, want.Name)
		if !ok || got.Index != uint32(i) || got.Offset != want.Offset.Bytes() || got.Bits != (want.BitfieldSize != 0) {
			t.Errorf("member %s: %+v, %v; want number %d at byte %d", want.Name, got, ok, i, want.Offset.Bytes())
		}
		size, err := btf.Sizeof(want.Type)
		if err != nil || ops.Size(got.Type) != uint32(size) {
			t.Errorf("member %s: %d bytes, want %d", want.Name, ops.Size(got.Type), size)
		}
		ptr, isPointer := btf.As[*btf.Pointer](want.Type)
		if isPointer {
			_, isPointer = btf.As[*btf.FuncProto](ptr.Target)
		}
		if ops.IsFunctionPointer(got.Type) != isPointer {
			t.Errorf("member %s: a pointer to a function is not %v", want.Name, isPointer)
		}
	}
	if _, ok := ops.Member(ops.Type, "warp_factor"); ok {
		t.Error("found a member warp_factor")
	}
	if _, err := kernel.Operations("task_struct"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("task_struct: %v", err)
	}
}

// Damaged BTF is an error.
func TestDamagedTypes(t *testing.T) {
	for _, raw := range [][]byte{nil, make([]byte, 100), []byte("\x9f\xeb\x01\x00\x18\x00\x00\x00 and so on, and so on")} {
		if err := new(Types).parse(raw); err == nil {
			t.Errorf("%q is accepted", raw)
		}
	}
}
