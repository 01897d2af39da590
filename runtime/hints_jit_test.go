//vmtest:6.12-s390x

package runtime_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
)

// Debian's kernel for s390x has no JIT compiler, so it does not support kfuncs (add_kfunc_call).
func TestHintNoJIT(t *testing.T) {
	guest.Only(t)
	obj := withExtern(object.Extern{Name: "bpf_rcu_read_lock", Kind: object.Kfunc})
	err := loadDirectly(generate(t, obj))
	wantError(t, err, unix.Errno(524), "not supported (ENOTSUPP)", "this needs the JIT compiler, but this kernel", "is built without CONFIG_BPF_JIT")
}
