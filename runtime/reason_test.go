//vmtest:all

package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A number in the log is replaced with the name of what the kernel lacks.
func TestReasonCORE(t *testing.T) {
	for _, tt := range []struct {
		typ    uint32
		access string
		kind   uint32
		want   string
	}{
		{2, "0:0", sys.CoreFieldByteOffset, "this kernel has no field no_such_field of struct task_struct"},
		{2, "0:1:0", sys.CoreFieldByteOffset, "this kernel has no field inner.deep of struct task_struct"},
		{2, "0:2:3", sys.CoreFieldByteOffset, "this kernel has no field list[3] of struct task_struct"},
		{2, "0:3:0", sys.CoreFieldByteOffset, "this kernel has no field anon of struct task_struct"},
		{7, "1", sys.CoreEnumvalValue, "this kernel has no value NO_SUCH_VALUE of enum bpf_map_type"},
		{6, "0:0", sys.CoreFieldByteOffset, "this kernel has no struct no_such_struct"},
		{8, "0:0", sys.CoreFieldByteOffset, "this kernel has no type task_struct_t"},
	} {
		var b testBTF
		b.add("int", 1, 0, 4, 1<<24|32)         // 1
		b.add("task_struct___flavor", 4, 4, 28, // 2
			b.str("no_such_field"), 1, 0,
			b.str("inner"), 3, 32,
			b.str("list"), 5, 64,
			0, 4, 192)
		b.add("no_such_inner", 4, 1, 4, b.str("deep"), 1, 0) // 3
		b.add("", 4, 1, 4, b.str("anon"), 1, 0)              // 4
		b.add("", 3, 0, 0, 1, 1, 4)                          // 5
		b.add("no_such_struct", 4, 1, 4, b.str("x"), 1, 0)   // 6
		b.add("bpf_map_type", 6, 2, 4, b.str("BPF_MAP_TYPE_HASH"), 1, b.str("NO_SUCH_VALUE"), 2)
		b.add("task_struct_t", 8, 0, 2) // 8
		b.add("", 13, 0, 1)             // 9
		b.add("prog", 12, 0, 9)         // 10
		obj := oneProgram(object.Program{
			Insns:     []object.Insn{{Op: sys.OpMovImm, Dst: 1, Imm: 1}, {Op: sys.OpMovImm, Dst: 2}, {Op: sys.OpMovImm}, {Op: sys.OpExit}},
			FuncInfos: []object.FuncInfo{{Insn: 0, Type: 10}},
			// The first is found.
			CORERelos: []object.CORERelo{
				{Insn: 0, Type: 7, AccessStr: b.str("0"), Kind: sys.CoreEnumvalValue},
				{Insn: 1, Type: 2, AccessStr: b.str(tt.access), Kind: tt.kind},
			},
		})
		obj.Programs[0].CORERelos[1].Type = btf.TypeID(tt.typ)
		obj.BTF = b.bytes()
		types, err := btf.LoadSpecFromReader(bytes.NewReader(obj.BTF))
		if err != nil {
			t.Fatal(err)
		}
		obj.Types = types
		err = loadDirectly(generate(t, obj))
		wantError(t, err, unix.EINVAL, "load program prog: invalid argument: "+tt.want)
		var failure *runtime.LoadError
		if errors.As(err, &failure) && failure.Reason != tt.want {
			t.Errorf("reason %q, want %q", failure.Reason, tt.want)
		}
		if all := fmt.Sprintf("%+v", err); !strings.Contains(all, "invalid func unknown#195896080 (CO-RE: "+tt.want) {
			t.Errorf("the log is incomplete: %s", all)
		}
	}
}
