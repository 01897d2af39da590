package explain

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// reloOf returns the CO-RE record of an instruction of a program.
func reloOf(s *spec.Spec, p *spec.ProgramSpec, insn int) (r sys.CoreRelo, ok bool) {
	const size = spec.BlobOff(unsafe.Sizeof(r))
	if p.CORERelos == 0 || insn < 0 {
		return r, false
	}
	count := word(s, p.Attr+spec.BlobOff(unsafe.Offsetof(sys.ProgLoadAttr{}.CoreReloCnt)))
	for at := p.CORERelos; count > 0 && uint64(at)+uint64(size) <= uint64(len(s.Blob)); at += size {
		if word(s, at) == uint32(8*insn) {
			return sys.CoreRelo{InsnOff: word(s, at), TypeId: word(s, at+4), AccessStrOff: word(s, at+8), Kind: word(s, at+12)}, true
		}
		count--
	}
	return r, false
}

// word returns the 32-bit word at an offset in the blob, or 0 if the offset is invalid.
//
//go:noinline
func word(s *spec.Spec, at spec.BlobOff) uint32 {
	if uint64(at)+4 > uint64(len(s.Blob)) {
		return 0
	}
	return binary.NativeEndian.Uint32([]byte(s.Blob[at:][:4]))
}

// describeRelo describes a CO-RE record that the kernel could not resolve: "field mm.owner of
// struct task_struct", or the whole struct if the log shows that the kernel found none of that
// name. It returns "" for an invalid record.
func describeRelo(s *spec.Spec, r sys.CoreRelo, log string) string {
	t := objectTypes(s)
	if t == nil {
		return ""
	}
	access, ok := t.str(r.AccessStrOff)
	if !ok {
		return ""
	}
	root := t.named(r.TypeId)
	if root == "" {
		return ""
	}
	switch {
	case !strings.Contains(log, " "+t.name(r.TypeId)+": found target candidate"): // bpf_core_apply logs each
		return root
	case r.Kind == sys.CoreEnumvalExists || r.Kind == sys.CoreEnumvalValue:
		if value := t.enumValue(r.TypeId, access); value != "" {
			return "value " + value + " of " + root
		}
		return ""
	case r.Kind > sys.CoreFieldRshiftU64: // the last kind for fields
		return root
	}
	if field := t.field(r.TypeId, access); field != "" {
		return "field " + field + " of " + root
	}
	return root
}

// maxWalk bounds how far types, which may be arbitrary bytes, are followed.
const maxWalk = 64

// field resolves an access string such as "0:2:1" to names: "cred.uid".
func (t *types) field(id uint32, access string) string {
	said, step := "", ""
	_, access, more := strings.Cut(access, ":") // the first is an index into an array of the root type
	for range maxWalk {
		if !more {
			return said
		}
		step, access, more = strings.Cut(access, ":")
		i, err := strconv.ParseUint(step, 10, 32)
		if err != nil {
			return ""
		}
		id = t.skip(id)
		switch t.kind(id) {
		case sys.BtfKindStruct, sys.BtfKindUnion:
			at, ok := t.part(id, int(i), sys.BtfMemberSize)
			if !ok {
				return ""
			}
			name, ok := t.str(t.word(at))
			if !ok {
				return ""
			}
			if name != "" && said != "" {
				said += "."
			}
			said += name
			id = t.word(at + 4)
		case sys.BtfKindArray:
			said += "[" + step + "]"
			at, ok := t.tail(id, sys.BtfArraySize)
			if !ok {
				return ""
			}
			id = t.word(at)
		default:
			return ""
		}
	}
	return ""
}

func (t *types) enumValue(id uint32, access string) string {
	i, err := strconv.ParseUint(access, 10, 32)
	if err != nil {
		return ""
	}
	id = t.skip(id)
	size := 0
	switch t.kind(id) {
	case sys.BtfKindEnum:
		size = sys.BtfEnumSize
	case sys.BtfKindEnum64:
		size = sys.BtfEnum64Size
	default:
		return ""
	}
	at, ok := t.part(id, int(i), size)
	if !ok {
		return ""
	}
	name, _ := t.str(t.word(at))
	return name
}

// name returns a type's name without the flavor, which CO-RE ignores.
func (t *types) name(id uint32) string {
	at, ok := t.at(id)
	if !ok {
		return ""
	}
	name, _ := t.str(t.word(at))
	return sys.EssentialName(name)
}

// named returns a type in C notation: "struct task_struct".
func (t *types) named(id uint32) string {
	for range maxWalk {
		at, ok := t.at(id)
		if !ok {
			return ""
		}
		name := t.name(id)
		keyword := ""
		switch t.kind(id) {
		case sys.BtfKindStruct:
			keyword = "struct "
		case sys.BtfKindUnion:
			keyword = "union "
		case sys.BtfKindEnum, sys.BtfKindEnum64:
			keyword = "enum "
		case sys.BtfKindFwd:
			keyword = "struct "
			if t.word(at+4)>>31 != 0 {
				keyword = "union "
			}
		case sys.BtfKindTypedef:
			keyword = "type "
		case sys.BtfKindConst, sys.BtfKindVolatile, sys.BtfKindRestrict, sys.BtfKindTypeTag:
			id = t.word(at + 8)
			continue
		case sys.BtfKindPtr:
			return "a pointer type"
		}
		if name == "" {
			name = "without a name"
		}
		return keyword + name
	}
	return ""
}
