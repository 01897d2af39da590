//vmtest:6.12-s390x

package runtime_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/vmtest/guest"
)

// Where the JIT can be switched off: elsewhere CONFIG_BPF_JIT_ALWAYS_ON is usual.
func TestHintNoJIT(t *testing.T) {
	guest.Only(t)
	const file = "/proc/sys/net/core/bpf_jit_enable"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.WriteFile(file, old, 0) }()
	obj := withExtern(object.Extern{Name: "bpf_rcu_read_lock", Kind: object.Kfunc})
	err = loadDirectly(generate(t, obj))
	wantError(t, err, unix.Errno(524), "not supported (ENOTSUPP)", "net.core.bpf_jit_enable=1")
}
