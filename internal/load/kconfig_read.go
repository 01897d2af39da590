package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// This file reads kernel configurations as libbpf does (bpf_object__resolve_externs): lines such as
//
//	CONFIG_BPF=y
//	CONFIG_HZ=250
//	CONFIG_DEFAULT_HOSTNAME="(none)"
//
// The first line for a name counts. Variables that begin with LINUX_ are in no configuration
// (kconfig_virtual.go).

// kconfigValues holds the values of an object's variables.
type kconfigValues struct {
	vars  []spec.KconfigVar
	value []byte  // the map's value
	found []error // by variable: isFound, or the error of the value found, or nil if none was found
	// missing is the number of variables that a configuration may still provide.
	missing int
	// looked lists the places that were searched, each with its error, if any.
	looked []string
}

const thisKernel = "this kernel"

// isFound marks a variable that has its value. Its initialization needs no code, which would be in
// each binary.
var isFound error = foundMark{}

type foundMark struct{}

func (foundMark) Error() string { return "found" }

// readKconfig finds the values of all variables: in the caller's own configuration, if there is
// one, then in the machine's. It reads files only if variables need them. An error is about the
// caller's configuration.
func readKconfig(s *spec.Spec, size int, own *KconfigSource) (*kconfigValues, error) {
	vars, err := spec.ParseKconfig(s.Kconfig, size)
	if err != nil {
		return nil, err
	}
	k := &kconfigValues{vars: vars, found: make([]error, len(vars)), value: make([]byte, size)}
	for i := range vars {
		v := &vars[i]
		if strings.HasPrefix(v.Name, "CONFIG_") {
			k.missing++
		} else if n, err := kernelFact(v.Name); err != nil {
			k.found[i] = &KconfigError{Name: v.Name, Value: "?", Where: []string{thisKernel}, Err: err}
		} else {
			k.settle(i, thisKernel, strconv.FormatUint(n, 10), k.setNumber(i, n))
		}
	}
	if own != nil && own.read == nil {
		return nil, errors.New("LoadOptions.Kconfig is a zero value: use KconfigFile or KconfigReader")
	}
	if k.missing > 0 && own != nil {
		name, text, err := own.read()
		if err == nil {
			err = k.parse(name, text)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, withoutPath(err))
		}
		k.looked = append(k.looked, name)
	}
	for _, path := range [...]string{"/proc/config.gz", "/boot/config-" + sys.Release()} {
		if k.missing == 0 {
			break
		}
		text, err := readKconfigFile(path)
		if err == nil {
			err = k.parse(path, text)
		}
		if err == nil {
			k.looked = append(k.looked, path)
			break // both files describe the same kernel
		}
		k.looked = append(k.looked, fmt.Sprintf("%s (%v)", path, withoutPath(err)))
	}
	return k, nil
}

// errorOf returns why a variable cannot have its value.
func (k *kconfigValues) errorOf(i int) error {
	switch v := &k.vars[i]; {
	case k.found[i] == isFound || k.found[i] == nil && v.Weak:
		return nil
	case k.found[i] == nil:
		return &KconfigError{Name: v.Name, Where: k.looked}
	default:
		return k.found[i]
	}
}

// parse sets the variables that have no value yet from a configuration.
func (k *kconfigValues) parse(where, text string) error {
	index := make(map[string]int)
	for i := range k.vars {
		if v := &k.vars[i]; k.found[i] == nil {
			index[v.Name] = i
		}
	}
	other := text != "" // the text is not a configuration
	for number := 1; text != ""; number++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if !strings.HasPrefix(line, "CONFIG_") {
			if strings.HasPrefix(line, "# CONFIG_") { // "# CONFIG_X is not set"
				other = false
			}
			continue
		}
		other = false
		name, value, ok := strings.Cut(line, "=")
		if !ok || value == "" {
			return fmt.Errorf("line %d: %.80q has no value", number, line)
		}
		if i, ok := index[name]; ok && k.found[i] == nil {
			k.settle(i, where, value, k.set(i, value))
			k.missing--
		}
	}
	if other {
		return errors.New("not a kernel configuration: no line is CONFIG_NAME=VALUE")
	}
	return nil
}

// settle records the value of a variable, or the error.
func (k *kconfigValues) settle(i int, where, value string, err error) {
	k.found[i] = isFound
	if err != nil {
		k.found[i] = &KconfigError{Name: k.vars[i].Name, Value: value, Where: []string{where}, Err: err}
	}
}

// set sets a variable to a value as written in a configuration (libbpf's
// bpf_object__process_kconfig_line).
func (k *kconfigValues) set(i int, value string) error {
	v := &k.vars[i]
	switch {
	case value == "y" || value == "m" || value == "n":
		return k.setLetter(i, value[0])
	case value[0] == '"':
		if len(value) < 2 || value[len(value)-1] != '"' {
			return errors.New("unterminated string")
		}
		if v.Type != spec.KconfigString {
			return misfit(v)
		}
		text := v.In(k.value)
		copy(text[:len(text)-1], value[1:len(value)-1])
		return nil
	}
	n, err := parseKconfigNumber(value)
	if err != nil {
		return err
	}
	if v.Type == spec.KconfigBool {
		return misfit(v)
	}
	return k.setNumber(i, n)
}

// setLetter sets a variable to y, m or n.
func (k *kconfigValues) setLetter(i int, letter byte) error {
	v := &k.vars[i]
	switch {
	case v.Type == spec.KconfigChar:
		v.In(k.value)[0] = letter
	case v.Type == spec.KconfigBool && letter != 'm':
		putNumber(v.In(k.value), map[byte]uint64{'y': 1}[letter])
	case v.Type == spec.KconfigTristate:
		putNumber(v.In(k.value), map[byte]uint64{'y': 1, 'm': 2}[letter]) // enum libbpf_tristate
	default:
		return misfit(v)
	}
	return nil
}

// setNumber sets a variable to a number, if it fits (libbpf's set_kcfg_value_num).
func (k *kconfigValues) setNumber(i int, n uint64) error {
	v := &k.vars[i]
	bits := 8 * v.Size
	switch {
	case v.Type == spec.KconfigBool && n > 1, v.Type == spec.KconfigTristate, v.Type == spec.KconfigString:
		return misfit(v)
	case bits == 64:
	case v.Signed && n+1<<(bits-1) >= 1<<bits, !v.Signed && n>>bits != 0:
		return misfit(v)
	}
	putNumber(v.In(k.value), n)
	return nil
}

func misfit(v *spec.KconfigVar) error {
	return errors.New("does not fit into the variable of type " + v.CType())
}

// parseKconfigNumber parses a number as libbpf does with C's strtoull: decimal, hexadecimal after
// 0x, octal after 0, and negative numbers as their two's complement.
func parseKconfigNumber(text string) (uint64, error) {
	digits, negative := strings.CutPrefix(text, "-")
	n, err := strconv.ParseUint(digits, 0, 64)
	if err != nil || strings.ContainsAny(digits, "_oO") || strings.HasPrefix(strings.ToLower(digits), "0b") { // valid in Go, not in C
		return 0, errors.New("want y, m, n, a quoted string or a number")
	}
	if negative {
		n = -n
	}
	return n, nil
}

// putNumber writes a number that is as wide as to: 1, 2, 4 or 8 bytes.
func putNumber(to []byte, n uint64) {
	switch len(to) {
	case 1:
		to[0] = byte(n)
	case 2:
		binary.NativeEndian.PutUint16(to, uint16(n))
	case 4:
		binary.NativeEndian.PutUint32(to, uint32(n))
	case 8:
		binary.NativeEndian.PutUint64(to, n)
	}
}
