package sameload

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Diff says how two loads differ, in words of go-cmp, or "" if they are the same load.
// Tags that depend on the way of loading are compared only where both loads were made that way.
func Diff(reference, got View) string {
	return cmp.Diff(comparable(reference, got), comparable(got, reference), cmpopts.EquateEmpty())
}

// comparable is what of a view can be compared with another one: all but tags that depend on the
// way of loading.
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
