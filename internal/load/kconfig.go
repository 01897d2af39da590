package load

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// This file sets the values of __kconfig variables. kconfig_read.go finds them; values that the
// caller has set since Open take precedence.

// UseKconfig returns the code for objects with __kconfig variables.
func UseKconfig() Hook { return Hook{patch: (*engine).patchKconfig} }

// OpenKconfig writes the values from the machine's own configuration into the memory of the areas,
// where the caller may change them before the load. Values that cannot be found are zero here, and
// an error of the load.
func OpenKconfig(s *spec.Spec, areas []Area) {
	if m, opened := kconfigMap(s, areas); opened != nil {
		if k, err := readKconfig(s, int(m.MappedSize()), nil); err == nil {
			copy(opened.Bytes(), k.value)
		}
	}
}

// patchKconfig writes the values into the blob, which already has the values that the caller has
// set since Open.
func (e *engine) patchKconfig() error {
	m, opened := kconfigMap(e.spec, e.req.Areas)
	if m == nil {
		return spec.DamagedError("kconfig: no map for the variables")
	}
	size, own := int(m.MappedSize()), (*KconfigSource)(e.req.Kconfig)
	k, err := readKconfig(e.spec, size, own)
	if err != nil {
		return err
	}
	atOpen := k
	if own != nil {
		if atOpen, err = readKconfig(e.spec, size, nil); err != nil {
			return err
		}
	}
	value := e.blob.mem[m.Data:][:size]
	for i := range k.vars {
		v := &k.vars[i]
		if opened != nil && !bytes.Equal(v.In(value), v.In(atOpen.value)) {
			continue // the caller has set it
		}
		if err := k.errorOf(i); err != nil {
			return err
		}
		copy(v.In(value), v.In(k.value))
	}
	return nil
}

// kconfigMap returns the map that holds the variables, and its memory if the caller has had it
// since Open.
func kconfigMap(s *spec.Spec, areas []Area) (m *spec.MapSpec, opened *Area) {
	for i := range areas {
		a := &areas[i]
		if of := &s.Maps[a.Map]; of.Kind == spec.Kconfig && of.Data != 0 {
			m = of
			if a.P != nil {
				opened = a
			}
		}
	}
	return m, opened
}

// KconfigError reports a __kconfig variable without a value, or with one that its type does not
// accept.
type KconfigError struct {
	_ incomparable

	Name string // CONFIG_HZ
	// Value is the value as written where it was found. If nothing was found, it is "" and Err is
	// nil.
	Value string
	// Where is the place that has the value. If no place has it, Where lists all places that were
	// searched, each with its error.
	Where []string
	Err   error // the reason why the value is not accepted
}

// Error names the variable, its value and the places, and says what to do.
func (e *KconfigError) Error() string {
	where := strings.Join(e.Where, ", nor in ")
	if e.Err != nil {
		value := e.Value
		if len(value) > 80 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			value = fmt.Sprintf("%.80q", value)
		}
		return e.Name + "=" + value + " in " + where + ": " + e.Err.Error()
	}
	return e.Name + ": not set in " + where + " (declare it __weak, set it between Open and Load, or set LoadOptions.Kconfig)"
}

func (e *KconfigError) Unwrap() error { return e.Err }
