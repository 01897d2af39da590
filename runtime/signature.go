package runtime

import (
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// ErrSigned means that a package made to be signed was not loaded because it was changed in a way
// that its signature does not cover.
var ErrSigned error = spec.ErrSigned

// ErrNotSigned means that a package without a signature was not loaded because one is required.
var ErrNotSigned error = load.ErrNotSigned

// SignedForm is the protocol by which a kernel verifies a package: contents (Linux 7.3), exclusive
// (7.1 and 7.2) or hash (6.18 to 7.0).
type SignedForm = spec.SignedForm

// NoSignedForm means that the package was not verified.
const NoSignedForm = spec.NoSignedForm

// Signature reports whether the kernel has verified a package, and how.
type Signature struct {
	_ incomparable

	// Verified reports whether the kernel has verified all that the package loads.
	Verified bool
	// Form is the protocol that the kernel used, and Keyring is where it found the certificate.
	// They are NoSignedForm and NoKeyring if the package was not verified.
	Form    SignedForm
	Keyring Keyring
	// Reason is why the package was not verified.
	Reason string
}

// Signature returns what the kernel verified when the object was loaded.
func (s *Skeleton) Signature() Signature {
	if s.signature == nil {
		return Signature{Form: NoSignedForm, Keyring: NoKeyring, Reason: ErrNotSigned.Error()}
	}
	return *s.signature
}
