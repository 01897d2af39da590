package load

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Keyring says which certificates the kernel verifies a signature against. A
// number above 2 is the serial number of a keyring or key, and KEY_SPEC_* of linux/keyctl.h, which
// are negative, mean what they mean to keyctl.
type Keyring int32

const (
	// SessionKeyring is the keyring of the session that the thread is in, which
	// processes inherit. It is the default.
	SessionKeyring Keyring = 0
	// UserKeyring is that of the process's user.
	UserKeyring Keyring = unix.KEY_SPEC_USER_KEYRING
	// SecondaryKeyring has the certificates of BuiltinKeyring, and those that one of them has
	// signed or the machine's owner has enrolled.
	SecondaryKeyring Keyring = 1
	// PlatformKeyring has the certificates of the firmware.
	PlatformKeyring Keyring = 2
	// BuiltinKeyring has the certificates that the kernel was built with. The kernel's number for
	// it is 0, and the default here is the session's, so this one is out of the range of any other.
	BuiltinKeyring Keyring = math.MinInt32 + 1
	// NoKeyring is the keyring of a load that was not verified, see [Signature].
	NoKeyring Keyring = math.MinInt32
)

// String returns the keyring's name, or its number.
func (k Keyring) String() string {
	if k == NoKeyring {
		return "no keyring"
	}
	if name := k.name(); name != "" {
		return name + " keyring"
	}
	return "keyring " + strconv.Itoa(int(k))
}

// name returns the name of a keyring that has one. It is no table, since a binary without signed
// packages would have that too.
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

// ParseKeyring reads a name, such as session, or a serial number.
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

// ID is what the kernel calls the keyring in keyring_id of BPF_PROG_LOAD: a serial number, one of
// KEY_SPEC_* of linux/keyctl.h, or one of the system's own (VERIFY_USE_SECONDARY_KEYRING and
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

// isSystem reports whether the keyring is one of the kernel's own, which keyctl has no number for.
func (k Keyring) isSystem() bool { id := k.ID(); return id >= 0 && id <= 2 }

// unknownCount is the number of certificates in a keyring that the process cannot see as a whole.
const unknownCount = -1

// certificates counts the certificates that can be found from a keyring, or returns unknownCount.
// Whoever may search a key need not be allowed to view it, so what cannot be seen may be a
// certificate.
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

// String names the certificate as openssl does: by its serial number.
func (s signer) String() string { return fmt.Sprintf("certificate %x", s.serial) }
