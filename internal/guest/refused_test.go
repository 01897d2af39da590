//vmtest:5.10

package guest_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// 5.10 is in the matrix to be refused, so it must at least run what refuses it.
func TestGuestTooOldCreatesMap(t *testing.T) {
	guest.Only(t)
	fd, err := createMap()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}
