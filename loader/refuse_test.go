package loader_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Objects that must be fitted to the kernel cannot be signed: they are refused by name rather than
// loaded with zeros.
func TestCannotBeSigned(t *testing.T) {
	for name, want := range map[string]string{
		"structops/congestion": "cannot be signed: struct tcp_congestion_ops bpf2lskel_idle",
		"storage_task":         "cannot be signed: a loader program cannot create map ",
		"kconfig_version":      "cannot be signed: the value of the __kconfig variable LINUX_KERNEL_VERSION",
	} {
		obj, err := object.Read(testobj.Compile(t, name, testobj.Options{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = loader.Generate(obj, loader.Options{Signed: true}); !errors.Is(err, runtime.ErrSigned) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
