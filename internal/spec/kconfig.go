package spec

import (
	"fmt"
	"strings"
)

// A KconfigVar is a __kconfig variable, whose value is in the running kernel's configuration, or is
// a fact about that kernel. Spec.Kconfig has them as text, since each binary would contain the type
// descriptor of a field's type.
type KconfigVar struct {
	Name string // CONFIG_HZ, LINUX_KERNEL_VERSION
	Type KconfigType
	// Signed is set for signed integers.
	Signed bool
	// Weak is set for variables that are zero if the kernel has no value for them.
	Weak bool
	// Offset and Size are the variable's place in the map's value, in bytes. Except for
	// KconfigString, Size is a power of two up to 8.
	Offset, Size uint32
}

// KconfigType is the type of the values of a __kconfig variable (libbpf's enum kcfg_type).
type KconfigType uint8

const (
	KconfigBool     KconfigType = iota + 1 // y or n
	KconfigTristate                        // y, m or n: enum libbpf_tristate
	KconfigChar                            // an integer of one byte: a number, or the letter itself
	KconfigInt                             // a number
	KconfigString                          // a string, truncated to the size of the array and zero-terminated
)

// In returns the variable's bytes in the value of its map.
func (v *KconfigVar) In(value []byte) []byte { return value[v.Offset:][:v.Size] }

// CType returns the variable's type in C.
func (v *KconfigVar) CType() string {
	switch v.Type {
	case KconfigBool:
		return "bool"
	case KconfigTristate:
		return "enum libbpf_tristate"
	case KconfigString:
		return fmt.Sprintf("char [%d]", v.Size)
	}
	unsigned := "u"
	if v.Signed {
		unsigned = ""
	}
	return fmt.Sprintf("%sint%d_t", unsigned, 8*v.Size)
}

// FormatKconfig returns the text of Spec.Kconfig: offset, size, type, whether it is signed, whether
// it is weak, and name.
func FormatKconfig(vars []KconfigVar) string {
	var b strings.Builder
	for i := range vars {
		v := &vars[i]
		fmt.Fprintln(&b, v.Offset, v.Size, v.Type, flag(v.Signed), flag(v.Weak), v.Name)
	}
	return b.String()
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ParseKconfig parses the text, for a map with a value of size bytes. Its error is a
// [DamagedError].
func ParseKconfig(text string, size int) ([]KconfigVar, error) {
	var vars []KconfigVar
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		var v KconfigVar
		var signed, weak int
		_, err := fmt.Sscan(line, &v.Offset, &v.Size, &v.Type, &signed, &weak, &v.Name)
		v.Signed, v.Weak = signed != 0, weak != 0
		small := v.Size == 1 || v.Size == 2 || v.Size == 4 || v.Size == 8
		if err != nil || v.Size == 0 || uint64(v.Offset)+uint64(v.Size) > uint64(size) || v.Type != KconfigString && !small {
			return nil, DamagedError("kconfig: a variable is not in its map")
		}
		vars = append(vars, v)
	}
	return vars, nil
}
