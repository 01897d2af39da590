package runtime

import "github.com/bpf2lskel/bpf2lskel/internal/load"

// Keyring selects the certificates that the kernel verifies a signature against. A number above 2
// is the serial number of a keyring or key. The KEY_SPEC_* constants of linux/keyctl.h, which are
// negative, mean the same as for keyctl.
type Keyring int32

const (
	// SessionKeyring is the thread's session keyring, which processes inherit. It is the default.
	SessionKeyring Keyring = Keyring(load.SessionKeyring)
	// UserKeyring is the keyring of the process's user.
	UserKeyring Keyring = Keyring(load.UserKeyring)
	// SecondaryKeyring has the certificates of BuiltinKeyring, those signed by one of them, and
	// those that the machine's owner has enrolled.
	SecondaryKeyring Keyring = Keyring(load.SecondaryKeyring)
	// PlatformKeyring has the certificates of the firmware.
	PlatformKeyring Keyring = Keyring(load.PlatformKeyring)
	// BuiltinKeyring has the certificates that the kernel was built with. The kernel's number for
	// it is 0, which is the session keyring here, so its value is outside the range of the others.
	BuiltinKeyring Keyring = Keyring(load.BuiltinKeyring)
	// NoKeyring means that the load was not verified, see [Signature].
	NoKeyring Keyring = Keyring(load.NoKeyring)
)

// String returns the keyring's name, or its serial number.
func (k Keyring) String() string { return load.Keyring(k).String() }

// ParseKeyring parses a keyring's name, such as session, or a serial number.
func ParseKeyring(s string) (Keyring, error) {
	k, err := load.ParseKeyring(s)
	return Keyring(k), err
}

// ID returns the keyring_id for BPF_PROG_LOAD: a serial number, one of the KEY_SPEC_* constants of
// linux/keyctl.h, or a system keyring (0, 1 or 2 in linux/verification.h).
func (k Keyring) ID() int32 { return load.Keyring(k).ID() }
