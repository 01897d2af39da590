//vmtest:5.10

package runtime_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/object"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// A kernel without loader programs is reported as too old.
func TestHintTooOld(t *testing.T) {
	guest.Only(t)
	const want = "(light skeletons need Linux 5.14, this is 5.10"
	check := func(err error) {
		t.Helper()
		var failure *runtime.LoadError
		if !errors.As(err, &failure) {
			t.Fatalf("got %v", err)
		}
		wantError(t, err, failure.Errno, want)
		t.Log(err)
	}
	before := settledCensus(t)
	check(loadDirectly(generate(t, oneMap(array))))
	check(loadDirectly(generate(t, oneProgram(returnsZero))))

	// A blob above 4 MiB gives the same error, although kernels up to 5.19 have a separate hint for
	// it.
	large := array
	large.Kind, large.Data = object.Data, make([]byte, 5<<20)
	large.ValueSize = uint32(len(large.Data))
	wantError(t, loadDirectly(generate(t, oneMap(large))), unix.E2BIG, "create the loader's map", want)

	// There the memory of BPF objects counts towards RLIMIT_MEMLOCK.
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	check(loadDirectly(generate(t, oneMap(array))))
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &old); err != nil {
		t.Fatal(err)
	}
	wantCensus(t, before, "after the refusals")
}
