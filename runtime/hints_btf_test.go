//vmtest:6.1-i386

package runtime_test

import (
	"errors"
	"os"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Debian's 32-bit kernels have no BTF, so neither targets nor CO-RE fields can be found.
func TestHintNoKernelBTF(t *testing.T) {
	guest.Only(t)
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil {
		t.Fatal("this kernel has BTF")
	}
	target := oneProgram(returnsZero)
	target.Programs[0].Target = &object.AttachTarget{Name: "do_exit", Kind: sys.BtfKindFunc}
	for name, tt := range map[string]struct {
		spec *runtime.Spec
		op   string
	}{
		"attach target": {generate(t, target), "find attach target do_exit"},
		"kfunc":         {generate(t, withExtern(object.Extern{Name: "bpf_rcu_read_lock", Kind: object.Kfunc})), "find kfunc bpf_rcu_read_lock"},
		"CO-RE":         {compiled(t, "core_fields"), "load program "},
	} {
		err := loadDirectly(tt.spec)
		var failure *runtime.LoadError
		if !errors.As(err, &failure) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		t.Log(err)
		wantError(t, err, failure.Errno, tt.op, "this kernel, 6.1.", "has no BTF: use a kernel built with CONFIG_DEBUG_INFO_BTF=y")
	}
	// Objects that need no BTF load, on 32 bits too.
	for _, name := range []string{"minimal", "globals", "map_in_map", "prog_array"} {
		if err := loadDirectly(compiled(t, name)); err != nil {
			t.Errorf("%s: %+v", name, err)
		}
	}
}
