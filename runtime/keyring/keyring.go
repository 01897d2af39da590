// Package keyring adds certificates to the kernel's keyrings, for programs that set up the keyring
// that their signed packages are verified against. It is separate from package runtime because it
// needs crypto/x509. In a shell, keyctl of keyutils does the same.
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

// ErrExpired means that a certificate was not added because it is expired or not valid yet.
var ErrExpired = errors.New("the certificate is not valid at this time")

// Add adds a PEM or DER certificate to a keyring, and returns the serial number of the key. The
// kernel ignores a certificate's dates, so Add checks them: it refuses a certificate that is not
// valid now, and makes the key expire with the certificate.
//
// The session keyring is that of the calling thread. A Go program cannot join a session once it has
// threads: start it with keyctl session.
func Add(ring runtime.Keyring, certificate []byte) (runtime.Keyring, error) {
	if block, _ := pem.Decode(certificate); block != nil {
		certificate = block.Bytes
	}
	fail := func(err error) (runtime.Keyring, error) {
		return 0, fmt.Errorf("add certificate to %s: %w", inWords(ring), err)
	}
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return fail(err)
	}
	const day = "2006-01-02"
	left := time.Until(cert.NotAfter)
	switch {
	case time.Now().Before(cert.NotBefore):
		return fail(fmt.Errorf("%w: valid from %s", ErrExpired, cert.NotBefore.Format(day)))
	case left <= 0:
		return fail(fmt.Errorf("%w: expired on %s", ErrExpired, cert.NotAfter.Format(day)))
	}
	switch ring {
	case runtime.BuiltinKeyring, runtime.SecondaryKeyring, runtime.PlatformKeyring, runtime.NoKeyring:
		return fail(errors.New("use the keyring's serial number, which is in /proc/keys"))
	}
	serial, err := unix.AddKey("asymmetric", cert.Subject.CommonName, cert.Raw, int(ring.ID()))
	switch err {
	case nil:
	case unix.ENOTDIR: // key_create_or_update
		return fail(fmt.Errorf("not a keyring: %w", err))
	case unix.ENOKEY:
		return fail(fmt.Errorf("no such keyring: %w", err))
	default:
		return fail(err)
	}
	if seconds := left / time.Second; seconds > 0 && seconds <= math.MaxUint32 {
		if _, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, serial, int(seconds), 0, 0); err != nil {
			return 0, fmt.Errorf("set expiry of certificate in %s: %w", inWords(ring), err)
		}
	}
	return runtime.Keyring(serial), nil
}

// inWords returns a keyring's name for errors. A serial number may belong to another kind of key.
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

// New creates a keyring in the user's keyring.
func New(name string) (runtime.Keyring, error) {
	serial, err := unix.AddKey("keyring", name, nil, unix.KEY_SPEC_USER_KEYRING)
	if err != nil {
		return 0, fmt.Errorf("create keyring %s: %w", name, err)
	}
	return runtime.Keyring(serial), nil
}
