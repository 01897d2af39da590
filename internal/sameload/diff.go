package sameload

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Diff returns the difference between two loads, formatted by go-cmp, or "" if they are the same.
// Tags that depend on how a load was made are compared only if both were made in the same way.
func Diff(reference, got View) string {
	return cmp.Diff(comparable(reference, got), comparable(got, reference), cmpopts.EquateEmpty())
}

// comparable returns the parts of a view that can be compared with another one: everything but tags
// that depend on how the load was made.
func comparable(v, other View) View {
	programs := make(map[string]Program, len(v.Programs))
	for name, p := range v.Programs {
		q := other.Programs[name]
		if !p.FixedTag || !q.FixedTag || (v.Style != other.Style && (p.TagVaries || q.TagVaries)) {
			p.Tag = ""
		}
		p.TagVaries, p.FixedTag = false, false
		programs[name] = p
	}
	return View{Maps: v.Maps, Programs: programs}
}
