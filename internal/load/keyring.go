package load

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Keyring says which certificates the kernel verifies a signature against. A
// number above 2 is the serial number of a keyring or key.
type Keyring int32

const (
	// SessionKeyring is the keyring of the session that the thread is in, which
	// processes inherit. It is the default.
	SessionKeyring Keyring = 0
	// UserKeyring is that of the process's user.
	UserKeyring Keyring = -1
	// BuiltinKeyring has the certificates that the kernel was built with.
	BuiltinKeyring Keyring = -2
	// SecondaryKeyring has these, and those that one of them has signed or the machine's owner has enrolled.
	SecondaryKeyring Keyring = -3
	// PlatformKeyring has the certificates of the firmware.
	PlatformKeyring Keyring = -4
)

// String is the keyring's name, or its serial number.
func (k Keyring) String() string {
	if name, ok := keyringNames[k]; ok {
		return name + " keyring"
	}
	return "keyring " + strconv.Itoa(int(k))
}

var keyringNames = map[Keyring]string{
	SessionKeyring: "session", UserKeyring: "user", BuiltinKeyring: "builtin", SecondaryKeyring: "secondary", PlatformKeyring: "platform",
}

// ParseKeyring reads a name, such as session, or a serial number.
func ParseKeyring(s string) (Keyring, error) {
	for k, name := range keyringNames {
		if s == name {
			return k, nil
		}
	}
	n, err := strconv.ParseInt(s, 0, 32)
	if err != nil || n <= 2 {
		return 0, fmt.Errorf("%q is not a keyring: session, user, builtin, secondary, platform or a serial number", s)
	}
	return Keyring(n), nil
}

// ID returns the keyring_id for BPF_PROG_LOAD: a serial number, one of KEY_SPEC_* of
// linux/keyctl.h, or one of the system's own (VERIFY_USE_SECONDARY_KEYRING and
// VERIFY_USE_PLATFORM_KEYRING of linux/verification.h, and 0).
func (k Keyring) ID() int32 {
	switch k {
	case SessionKeyring:
		return unix.KEY_SPEC_SESSION_KEYRING
	case UserKeyring:
		return unix.KEY_SPEC_USER_KEYRING
	case BuiltinKeyring:
		return 0
	case SecondaryKeyring:
		return 1
	case PlatformKeyring:
		return 2
	}
	return int32(k)
}

// certificates counts the certificates that can be found from a keyring, or
// -1 if the process cannot look.
func (k Keyring) certificates() int {
	if id := k.ID(); id < 0 || id > 2 {
		return countKeys(int(id), 6) // KEYRING_SEARCH_MAX_DEPTH
	}
	return -1
}

func countKeys(id, depth int) int {
	description, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id)
	if err != nil {
		return -1
	}
	kind, _, _ := strings.Cut(description, ";")
	switch {
	case kind == "asymmetric":
		return 1
	case kind != "keyring" || depth == 0:
		return 0
	}
	list := make([]int32, 1024)
	size, err := unix.KeyctlBuffer(unix.KEYCTL_READ, id, unsafe.Slice((*byte)(unsafe.Pointer(&list[0])), 4*len(list)), 0)
	if err != nil {
		return -1
	}
	n := 0
	for _, key := range list[:min(size/4, len(list))] {
		n += max(0, countKeys(int(key), depth-1))
	}
	return n
}

// String names the certificate as openssl does: by its serial number.
func (s signer) String() string { return fmt.Sprintf("certificate %x", s.serial) }
