package runtime

import (
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// ErrSigned is why a package that was made to be signed does not load after
// something about it was changed: the signature covers all of that.
var ErrSigned error = load.ErrSigned

// ErrNotSigned is why a package without a signature does not load where one is required.
var ErrNotSigned error = load.ErrNotSigned

// SignedForm is a protocol by which a kernel verifies a package: contents (Linux 7.3), exclusive
// (7.1 and 7.2) or hash (6.18 to 7.0).
type SignedForm = spec.SignedForm

// NoSignedForm means that the package was not verified.
const NoSignedForm = spec.NoSignedForm

// Signature says whether the kernel has verified a package, and by what.
type Signature struct {
	_ incomparable

	// Verified reports whether the kernel has verified all that the package loads.
	Verified bool
	// Form is the protocol that the kernel used, Keyring where it found the certificate. They are
	// NoSignedForm and NoKeyring if the package was not verified.
	Form    SignedForm
	Keyring Keyring
	// Reason is why it was not verified.
	Reason string
}

// Signature returns what the kernel has verified when the object was loaded.
func (s *Skeleton) Signature() Signature {
	if s.signature == nil {
		return Signature{Form: NoSignedForm, Keyring: NoKeyring, Reason: ErrNotSigned.Error()}
	}
	return *s.signature
}
