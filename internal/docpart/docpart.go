// Package docpart keeps generated parts of documents up to date. In the document a part is enclosed
// in two comments:
//
//	<!-- made by a test: NAME -->
//	<!-- end -->
package docpart

import (
	"os"
	"strings"
	"testing"
)

// Check compares the part of a document with the text that it should have, or writes it.
func Check(t *testing.T, file, name, want string, update bool) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin := "<!-- made by a test: " + name + " -->\n"
	before, rest, ok := strings.Cut(string(raw), begin)
	old, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s: no part %s", file, name)
	}
	want = "\n" + strings.TrimSpace(want) + "\n\n"
	switch {
	case old == want:
	case update:
		if err := os.WriteFile(file, []byte(before+begin+want+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s: part %s is not up to date: run this test with -update", file, name)
	}
}
