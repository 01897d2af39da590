//vmtest:5.10

package guest_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// Linux 5.10 is in the matrix to be refused, so it must run the tests of the refusal.
func TestGuestTooOldCreatesMap(t *testing.T) {
	guest.Only(t)
	fd, err := createMap()
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}
