//vmtest:all

package runtime_test

import (
	"errors"
	"testing"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A local storage map that the kernel refuses after its allocation would hang the process in the
// loader for good, unkillable. In guests only.
func TestRefusedLocalStorageDoesNotHang(t *testing.T) {
	guest.Only(t)
	for name, typ := range map[string]uint32{
		"socket": sys.MapTypeSKStorage, "inode": sys.MapTypeInodeStorage,
		"task": sys.MapTypeTaskStorage, "cgroup": sys.MapTypeCgrpStorage,
	} {
		t.Run(name, func(t *testing.T) {
			spec := generate(t, withTimer(t, object.Map{Type: typ, Flags: sys.FlagNoPrealloc, KeySize: 4}))
			before := settledCensus(t)
			var err error
			fastest := time.Hour // the guest may have been paused
			for range 3 {
				begun := time.Now()
				result := make(chan error, 1)
				go func() { result <- loadDirectly(spec) }()
				select {
				case err = <-result:
				case <-time.After(20 * time.Second):
					t.Fatal("the load hangs")
				}
				fastest = min(fastest, time.Since(begun))
				var failure *runtime.LoadError
				if !errors.As(err, &failure) {
					t.Fatalf("got %v", err)
				}
				wantError(t, err, failure.Errno, "create map m: ")
			}
			t.Logf("after %v: %v", fastest, err)
			if fastest > time.Second {
				t.Error("the load took more than a second")
			}
			wantCensus(t, before, "after the refusals")
		})
	}
}
