package explain

import (
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// What follows is for those who ask before a load; nothing of it is in users' binaries.

// Relocation says what a CO-RE record is about: "field mm.owner of struct task_struct", or the
// struct alone if the kernel does not have that.
func Relocation(s *spec.Spec, r sys.CoreRelo, hasRoot bool) string {
	log := ""
	if t := objectTypes(s); t != nil && hasRoot {
		log = " " + t.name(r.TypeId) + ": found target candidate"
	}
	return describeRelo(s, r, log)
}

// SinceMapType returns the name of a map type that came after Linux 5.14, and the version that
// brought it; "" for older ones.
func SinceMapType(n uint32) (name, since string) { return mapTypes.at(n) }

// SinceProgramType is SinceMapType for enum bpf_prog_type.
func SinceProgramType(n uint32) (name, since string) { return programTypes.at(n) }

// SinceAttachType is SinceMapType for enum bpf_attach_type.
func SinceAttachType(n uint32) (name, since string) { return attachTypes.at(n) }

// SinceHelper is SinceMapType for enum bpf_func_id.
func SinceHelper(n uint32) (name, since string) { return helpers.at(n) }
