//go:build !race

package runtime_test

import (
	"strings"
	"testing"
)

// The race detector maps memory at any time, and dies where it cannot.

func TestHintMemoryLock(t *testing.T) {
	said := child(t, "memlock", nil)
	if want := "map the loader's map: resource temporarily unavailable (the process locks all its memory"; !strings.Contains(said, want) ||
		!strings.Contains(said, "RLIMIT_MEMLOCK is 0 bytes") {
		t.Errorf("got %s", said)
	}
}
