package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/load"

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

// String returns the keyring's name, or its serial number.
func (k Keyring) String() string { return load.Keyring(k).String() }

// ParseKeyring reads a name, such as session, or a serial number.
func ParseKeyring(s string) (Keyring, error) {
	k, err := load.ParseKeyring(s)
	return Keyring(k), err
}

// ID returns the keyring_id for BPF_PROG_LOAD: a serial number, one of KEY_SPEC_* of
// linux/keyctl.h, or one of the system's own (0, 1 and 2 of linux/verification.h).
func (k Keyring) ID() int32 { return load.Keyring(k).ID() }
