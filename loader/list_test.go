package loader_test

import (
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// The plan of a load lists the variables whose values the runtime determines.
func TestListKconfig(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "kconfig", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := loader.List(&b, obj, loader.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CONFIG_HZ: uint32_t\n", "CONFIG_NR_CPUS: int16_t\n", "CONFIG_TUN: enum libbpf_tristate, weak\n", "CONFIG_LSM: char [8], weak\n"} {
		if !strings.Contains(b.String(), "  "+want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "LINUX_WILL_BE_KNOWN") {
		t.Error("a variable without a value in any kernel is listed")
	}
}
