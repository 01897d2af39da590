package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// A Constant is an ld_imm64 in the blob that loads a constant that assembly in the source names.
// Spec.Constants has them as text, since each binary would contain the type descriptor of a field's
// type.
type Constant struct {
	Name string
	At   BlobOff
}

// FormatConstants returns the text of Spec.Constants: offset and name. Names must not contain white
// space.
func FormatConstants(constants []Constant) string {
	var b strings.Builder
	for _, c := range constants {
		fmt.Fprintln(&b, uint32(c.At), c.Name)
	}
	return b.String()
}

// ParseConstants parses s.Constants. Its error is a [DamagedError].
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
