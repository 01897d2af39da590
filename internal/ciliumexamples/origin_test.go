//vmtest:all

package ciliumexamples

import (
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/guest"
)

// Guests run the ports with packages generated from the examples' own sources.
func TestOrigin(t *testing.T) {
	t.Logf("C sources of %s", Origin)
	if guest.In() && Origin == Own {
		t.Error("built without the overlay")
	}
}
