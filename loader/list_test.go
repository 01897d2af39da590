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

// The plan of a load lists the members of structs of operations, and the program that each is.
func TestListOfStructOps(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "structops/congestion", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := loader.List(&b, obj, loader.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\nstructs of operations\n       struct tcp_congestion_ops bpf2lskel_idle, in .struct_ops\n",
		"   16  ssthresh: program ssthresh\n", "   24  cong_avoid: program cong_avoid\n", "   40  flags: 4 bytes\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
