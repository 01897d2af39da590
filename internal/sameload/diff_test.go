package sameload_test

import (
	"strings"
	"testing"

	"github.com/bpf2lskel/bpf2lskel/internal/sameload"
)

// view returns the view of a load with one map and a program that uses it.
func view(style sameload.Style, tag string) sameload.View {
	return sameload.View{
		Style: style,
		Maps:  map[string]sameload.Map{"counts": {Name: "counts", Type: "Array", KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		Programs: map[string]sameload.Program{"count": {
			Name: "count", Type: "XDP", Tag: tag, TagVaries: true, FixedTag: true,
			Insns: []string{"0: op 95 regs 00 off 0 imm 0x0"},
		}},
	}
}

func TestDiff(t *testing.T) {
	other := func(change func(*sameload.Program)) sameload.View {
		v := view(sameload.ByIndex, "1")
		p := v.Programs["count"]
		change(&p)
		v.Programs["count"] = p
		return v
	}
	renamed := view(sameload.ByIndex, "1")
	renamed.Maps["other"] = renamed.Maps["counts"]
	delete(renamed.Maps, "counts")

	for _, c := range []struct {
		claim string
		got   sameload.View
		want  string // in the difference; "": no difference
	}{
		{"a load is the same as itself", view(sameload.ByIndex, "1"), ""},
		{"tags count if both refer to maps in the same way", view(sameload.ByIndex, "2"), "Tag"},
		{"tags do not count if they do not", view(sameload.ByFD, "2"), ""},
		{"tags count in any style if the program has no maps", other(func(p *sameload.Program) { p.Tag = "2" }), "Tag"},
		{"tags do not count if they depend on the kernel's BTF", other(func(p *sameload.Program) { p.Tag, p.FixedTag = "2", false }), ""},
		{"instructions count", other(func(p *sameload.Program) { p.Insns = nil }), "Insns"},
		{"names of maps count", renamed, "counts"},
	} {
		diff := sameload.Diff(view(sameload.ByIndex, "1"), c.got)
		if (diff == "") != (c.want == "") || !strings.Contains(diff, c.want) {
			t.Errorf("%s: want %q in\n%s", c.claim, c.want, diff)
		}
	}
}
