package runtime_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

func TestErrorFormats(t *testing.T) {
	e := &runtime.LoadError{Object: "o", Op: "create map m", Err: unix.EPERM, Errno: unix.EPERM, Log: "first\nlast\n", Hint: "do this"}
	line := "load o: create map m: operation not permitted: first; last (do this)"
	for format, want := range map[string]string{
		"%v": line, "%s": line, "%q": fmt.Sprintf("%q", line), "%+v": line + "\nfirst\nlast\n",
	} {
		if got := fmt.Sprintf(format, e); got != want {
			t.Errorf("%s: %q, want %q", format, got, want)
		}
	}
}
