// Package keyring puts certificates into the kernel's keyrings, for programs that set up themselves
// what signed packages are verified against. It is a package of its own, since it needs
// crypto/x509; keyctl of keyutils does the same in a shell.
package keyring

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// ErrExpired means that a certificate is not added because it is not valid yet, or no longer.
var ErrExpired = errors.New("the certificate is not valid at this time")

// Add adds a certificate, PEM or DER, to a keyring, and returns the serial number of the key. The
// kernel does not look at a certificate's dates, so Add does: it refuses one that is not valid
// today, and has the key vanish when the certificate's time is over.
//
// The session's keyring is that of the calling thread: a process that joins a session does that
// before Go starts threads, by keyctl session.
func Add(ring runtime.Keyring, certificate []byte) (runtime.Keyring, error) {
	if block, _ := pem.Decode(certificate); block != nil {
		certificate = block.Bytes
	}
	fail := func(err error) (runtime.Keyring, error) {
		return 0, fmt.Errorf("add a certificate to %s: %w", inWords(ring), err)
	}
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return fail(err)
	}
	const day = "2006-01-02"
	left := time.Until(cert.NotAfter)
	switch {
	case time.Now().Before(cert.NotBefore):
		return fail(fmt.Errorf("%w: it is from %s on", ErrExpired, cert.NotBefore.Format(day)))
	case left <= 0:
		return fail(fmt.Errorf("%w: it was until %s", ErrExpired, cert.NotAfter.Format(day)))
	}
	switch ring {
	case runtime.BuiltinKeyring, runtime.SecondaryKeyring, runtime.PlatformKeyring, runtime.NoKeyring:
		return fail(errors.New("name the keyring by its serial number, which /proc/keys has"))
	}
	serial, err := unix.AddKey("asymmetric", cert.Subject.CommonName, cert.Raw, int(ring.ID()))
	switch err {
	case nil:
	case unix.ENOTDIR: // key_create_or_update
		return fail(fmt.Errorf("it is not a keyring: %w", err))
	case unix.ENOKEY:
		return fail(fmt.Errorf("there is no such keyring: %w", err))
	default:
		return fail(err)
	}
	if seconds := left / time.Second; seconds > 0 && seconds <= math.MaxUint32 {
		if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, int(seconds), 0, 0); err != nil {
			return 0, fmt.Errorf("set the end of a certificate in %s: %w", inWords(ring), err)
		}
	}
	return runtime.Keyring(serial), nil
}

// inWords is a keyring in an error. What a serial number stands for may be another kind of key.
func inWords(ring runtime.Keyring) string {
	switch name := ring.String(); {
	case ring == runtime.NoKeyring:
		return name
	case strings.HasPrefix(name, "keyring "):
		return fmt.Sprintf("the key with the serial number %d", int32(ring))
	default:
		return "the " + name
	}
}

// New makes a keyring within the user's own.
func New(name string) (runtime.Keyring, error) {
	serial, err := unix.AddKey("keyring", name, nil, unix.KEY_SPEC_USER_KEYRING)
	if err != nil {
		return 0, fmt.Errorf("make keyring %s: %w", name, err)
	}
	return runtime.Keyring(serial), nil
}
