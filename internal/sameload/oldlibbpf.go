package sameload

import (
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LikeOldLibbpf removes from a view what depends on the attach type of usdt programs, which libbpf
// before 1.3, without multi-uprobe links, sets differently: the attach type, and the kernel
// function for bpf_get_attach_cookie.
func LikeOldLibbpf(ref, ours View, of *spec.Spec) {
	for i := range of.Programs {
		p := &of.Programs[i]
		theirs, mine := ref.Programs[p.Name], ours.Programs[p.Name]
		usdt := strings.HasPrefix(strings.TrimPrefix(p.Section, "?"), "usdt")
		if !usdt || theirs.ExpectedAttachType != 0 || mine.ExpectedAttachType != sys.AttachTraceUprobeMulti {
			continue
		}
		mine.ExpectedAttachType = 0
		if onlyOneHelperDiffers(theirs.Insns, mine.Insns) {
			mine.Insns = theirs.Insns
		}
		ours.Programs[p.Name] = mine
	}
}

// onlyOneHelperDiffers reports whether programs differ only in the address of one helper.
func onlyOneHelperDiffers(theirs, ours []string) bool {
	if len(theirs) != len(ours) {
		return false
	}
	const call = ": op 85 regs 00 off 0 imm "
	var helpers [2]string
	for i := range ours {
		if theirs[i] == ours[i] {
			continue
		}
		place, their, isCall := strings.Cut(theirs[i], call)
		same, our, isOurCall := strings.Cut(ours[i], call)
		if !isCall || !isOurCall || place != same || helpers != [2]string{} && helpers != [2]string{their, our} {
			return false
		}
		helpers = [2]string{their, our}
	}
	return true
}
