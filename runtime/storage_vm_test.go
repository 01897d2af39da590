//vmtest:all

package runtime_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/vmtest/guest"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A local storage map that the kernel refuses after it has allocated it: created inside
// a loader, it hangs the process for ever, unkillable. In a guest only.
func TestRefusedLocalStorageDoesNotHang(t *testing.T) {
	guest.Only(t)
	var b testBTF
	b.add("int", 1, 0, 4, 1<<24|32)                                   // 1
	b.add("u64", 1, 0, 8, 64)                                         // 2
	b.add("", 3, 0, 0, 2, 1, 2)                                       // 3: u64[2]
	b.add("bpf_timer", 4, 1, 16, b.str("__opaque"), 3, 0)             // 4
	b.add("value_of_storage", 4, 1, 16, b.str("no_timer_here"), 4, 0) // 5
	obj := oneMap(object.Map{
		Type: unix.BPF_MAP_TYPE_TASK_STORAGE, Flags: unix.BPF_F_NO_PREALLOC, KeySize: 4, ValueSize: 16,
		KeyTypeID: 1, ValueTypeID: 5,
	})
	obj.Programs = oneProgram(returnsZero).Programs
	obj.BTF = b.bytes()
	types, err := btf.LoadSpecFromReader(bytes.NewReader(obj.BTF))
	if err != nil {
		t.Fatal(err)
	}
	obj.Types = types
	spec := generate(t, obj)

	before := settledCensus(t)
	for range 3 {
		result := make(chan error, 1)
		go func() { result <- loadDirectly(spec) }()
		select {
		case err = <-result:
		case <-time.After(20 * time.Second): // of an emulated machine
			t.Fatal("the load hangs")
		}
		var failure *runtime.LoadError
		if !errors.As(err, &failure) {
			t.Fatalf("got %v", err)
		}
		wantError(t, err, failure.Errno, "create map m: ")
	}
	t.Log(err)
	wantCensus(t, before, "after the refusals")
}
