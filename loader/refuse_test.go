package loader_test

import (
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/testobj"
	"github.com/bpf2lskel/bpf2lskel/loader"
)

// Variables of the kernel's configuration are refused by name rather than left zero.
func TestKconfigIsRefused(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "later/kconfig", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = loader.Generate(obj, loader.Options{})
	if err == nil || !strings.Contains(err.Error(), "extern ") || !strings.Contains(err.Error(), "__kconfig") {
		t.Errorf("error %v, want one that names an extern and __kconfig", err)
	}
}

// A struct of operations is fitted to the kernel that loads it, which nothing in a signed package may be.
func TestStructOpsCannotBeSigned(t *testing.T) {
	obj, err := object.Read(testobj.Compile(t, "structops/congestion", testobj.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = loader.Generate(obj, loader.Options{Signed: true})
	if err == nil || !strings.Contains(err.Error(), "cannot be signed: struct tcp_congestion_ops bpf2lskel_idle") {
		t.Errorf("error %v, want one that names the struct", err)
	}
}
