package explain

import (
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// These functions describe an object before a load. Users' binaries do not contain them.

// Relocation describes a CO-RE record: "field mm.owner of struct task_struct", or only the struct
// if the kernel lacks it.
func Relocation(s *spec.Spec, r sys.CoreRelo, hasRoot bool) string {
	log := ""
	if t := objectTypes(s); t != nil && hasRoot {
		log = " " + t.name(r.TypeId) + ": found target candidate"
	}
	return describeRelo(s, r, log)
}

// SinceMapType returns the name of a map type that was added after Linux 5.14, and the version that
// added it. Both are "" for older types.
func SinceMapType(n uint32) (name, since string) { return mapTypes.at(n) }

// SinceProgramType is like SinceMapType, for enum bpf_prog_type.
func SinceProgramType(n uint32) (name, since string) { return programTypes.at(n) }

// SinceAttachType is like SinceMapType, for enum bpf_attach_type.
func SinceAttachType(n uint32) (name, since string) { return attachTypes.at(n) }

// SinceHelper is like SinceMapType, for enum bpf_func_id.
func SinceHelper(n uint32) (name, since string) { return helpers.at(n) }
