package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Keyring identifies the certificates that the kernel verifies a signature against. A number above
// 2 is the serial number of a keyring or key. The negative KEY_SPEC_* of linux/keyctl.h have the
// same meaning as for keyctl.
type Keyring int32

const (
	// SessionKeyring is the keyring of the thread's session, which processes inherit. It is the
	// default.
	SessionKeyring Keyring = 0
	// UserKeyring is the keyring of the process's user.
	UserKeyring Keyring = unix.KEY_SPEC_USER_KEYRING
	// SecondaryKeyring has the certificates of BuiltinKeyring, the certificates signed by one of
	// them, and the certificates enrolled by the machine's owner.
	SecondaryKeyring Keyring = 1
	// PlatformKeyring has the certificates of the firmware.
	PlatformKeyring Keyring = 2
	// BuiltinKeyring has the certificates that the kernel was built with. The kernel's number for
	// it is 0, which means SessionKeyring here, so this number is outside the range of all others.
	BuiltinKeyring Keyring = math.MinInt32 + 1
	// NoKeyring is the keyring of a load that was not verified; see [Signature].
	NoKeyring Keyring = math.MinInt32
)

// String returns the keyring's name, or its number if it has no name.
func (k Keyring) String() string {
	if k == NoKeyring {
		return "no keyring"
	}
	if name := k.name(); name != "" {
		return name + " keyring"
	}
	return "keyring " + strconv.Itoa(int(k))
}

// name returns the keyring's name, if it has one. It is not a table, which binaries without signed
// packages would contain too.
func (k Keyring) name() string {
	switch k {
	case SessionKeyring, unix.KEY_SPEC_SESSION_KEYRING:
		return "session"
	case UserKeyring:
		return "user"
	case BuiltinKeyring:
		return "builtin"
	case SecondaryKeyring:
		return "secondary"
	case PlatformKeyring:
		return "platform"
	case unix.KEY_SPEC_THREAD_KEYRING:
		return "thread"
	case unix.KEY_SPEC_PROCESS_KEYRING:
		return "process"
	case unix.KEY_SPEC_USER_SESSION_KEYRING:
		return "user-session"
	}
	return ""
}

// ParseKeyring parses a name, such as session, or a serial number.
func ParseKeyring(s string) (Keyring, error) {
	for _, k := range []Keyring{SessionKeyring, UserKeyring, BuiltinKeyring, SecondaryKeyring, PlatformKeyring} {
		if s == k.name() {
			return k, nil
		}
	}
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil || n <= 2 {
		return 0, fmt.Errorf("unknown keyring %q: want session, user, builtin, secondary, platform or a serial number", s)
	}
	return Keyring(n), nil
}

// ID returns the keyring's number in keyring_id of BPF_PROG_LOAD: a serial number, a KEY_SPEC_* of
// linux/keyctl.h, or the number of a system keyring (VERIFY_USE_SECONDARY_KEYRING and
// VERIFY_USE_PLATFORM_KEYRING of linux/verification.h, and 0).
func (k Keyring) ID() int32 {
	switch k {
	case SessionKeyring:
		return unix.KEY_SPEC_SESSION_KEYRING
	case BuiltinKeyring:
		return 0
	}
	return int32(k)
}

// isSystem reports whether the keyring belongs to the kernel, so that keyctl has no number for it.
func (k Keyring) isSystem() bool { id := k.ID(); return id >= 0 && id <= 2 }

// unknownCount stands for the number of certificates in a keyring that the process can see only in
// part.
const unknownCount = -1

// certificates returns the number of certificates that can be found from a keyring, or
// unknownCount. A process that may search a key may lack the permission to view it, so a key that
// cannot be viewed may be a certificate.
func (k Keyring) certificates() int {
	if k.isSystem() {
		return unknownCount
	}
	return countKeys(int(k.ID()), 6) // KEYRING_SEARCH_MAX_DEPTH
}

func countKeys(id, depth int) int {
	description, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	switch err {
	case nil:
	case unix.ENOKEY, unix.EKEYREVOKED, unix.EKEYEXPIRED:
		return 0 // gone
	default:
		return unknownCount
	}
	kind, _, _ := strings.Cut(description, ";")
	switch {
	case kind == "asymmetric":
		return 1
	case kind != "keyring":
		return 0
	case depth == 0:
		return unknownCount
	}
	list := make([]int32, 1024)
	size, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), 4*len(list)), 0)
	if err != nil || size > 4*len(list) {
		return unknownCount
	}
	n := 0
	for _, key := range list[:size/4] {
		found := countKeys(int(key), depth-1)
		if found == unknownCount {
			return unknownCount
		}
		n += found
	}
	return n
}

// String names the certificate by its serial number, as openssl does.
func (s signer) String() string { return fmt.Sprintf("certificate %x", s.serial) }
