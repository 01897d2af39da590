//go:build !race

package runtime_test

import (
	"regexp"
	"strings"
	"testing"
)

// goDied matches the message of Go's own runtime when it cannot map memory and dies. This happens
// to one in a hundred children that lock all memory. The race detector may map memory at any time.
var goDied = regexp.MustCompile(`(?m)^runtime: mmap: too much locked memory|^runtime: out of memory|cannot map pages in arena address space`)

func TestHintMemoryLock(t *testing.T) {
	said, err := tryChild("memlock", nil)
	for try := 1; err != nil && goDied.MatchString(err.Error()) && try < 5; try++ {
		said, err = tryChild("memlock", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if want := "map the loader's map: resource temporarily unavailable (the process locks all its memory"; !strings.Contains(said, want) ||
		!strings.Contains(said, "RLIMIT_MEMLOCK is 0 bytes") {
		t.Errorf("got %s", said)
	}
}
