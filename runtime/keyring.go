package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/load"

// Keyring says which certificates the kernel verifies a signature against. A
// number above 2 is the serial number of a keyring or key, and KEY_SPEC_* of linux/keyctl.h, which
// are negative, mean what they mean to keyctl.
type Keyring int32

const (
	// SessionKeyring is the keyring of the session that the thread is in, which
	// processes inherit. It is the default.
	SessionKeyring Keyring = Keyring(load.SessionKeyring)
	// UserKeyring is that of the process's user.
	UserKeyring Keyring = Keyring(load.UserKeyring)
	// SecondaryKeyring has the certificates of BuiltinKeyring, and those that one of them has
	// signed or the machine's owner has enrolled.
	SecondaryKeyring Keyring = Keyring(load.SecondaryKeyring)
	// PlatformKeyring has the certificates of the firmware.
	PlatformKeyring Keyring = Keyring(load.PlatformKeyring)
	// BuiltinKeyring has the certificates that the kernel was built with. The kernel's number for
	// it is 0, and the default here is the session's, so this one is out of the range of any other.
	BuiltinKeyring Keyring = Keyring(load.BuiltinKeyring)
	// NoKeyring is the keyring of a load that was not verified, see [Signature].
	NoKeyring Keyring = Keyring(load.NoKeyring)
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
