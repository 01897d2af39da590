package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Constant is a place of a number that assembly in the source has a name for: an ld_imm64 in the
// blob. Spec.Constants has them as text, since a type of Spec's is described in each binary.
type Constant struct {
	Name string
	At   BlobOff
}

// FormatConstants makes the text of Spec.Constants: offset and name. Names are without white space.
func FormatConstants(constants []Constant) string {
	var b strings.Builder
	for _, c := range constants {
		fmt.Fprintln(&b, uint32(c.At), c.Name)
	}
	return b.String()
}

// ParseConstants reads it. Its error is a [DamagedError].
func (s *Spec) ParseConstants() ([]Constant, error) {
	var list []Constant
	for line := range strings.Lines(s.Constants) {
		at, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseUint(at, 10, 32)
		if err != nil || name == "" || n%8 != 0 || n+16 > uint64(len(s.Blob)) {
			return nil, DamagedError("constants: a number is not in the blob")
		}
		list = append(list, Constant{name, BlobOff(n)})
	}
	return list, nil
}
