package spec

import "errors"

// SignedSpec holds the data of a package that can be signed. The runtime does not patch its blob.
type SignedSpec struct {
	Forms [SignedForms]SignedProgram // by SignedForm
}

// A SignedForm is a protocol by which kernels verify a package.
type SignedForm uint8

const (
	// SignedContents is the protocol of Linux 7.3: the signature covers the loader and the contents
	// of its frozen, exclusive map, the blob. The loader checks the map's size, which the signature
	// does not cover.
	SignedContents SignedForm = iota
	// SignedExclusive is the protocol of Linux 7.1 and 7.2: the signature covers the loader, and
	// the loader checks the kernel's hash of the map's contents, and that the map is exclusive.
	SignedExclusive
	// SignedHash is the protocol of Linux 6.18 to 7.0, which is the same except that a loader
	// cannot check whether the map is exclusive.
	SignedHash

	SignedForms SignedForm = 3 // number of forms

	// NoSignedForm is the form of a load that was not verified.
	NoSignedForm SignedForm = 255
)

var signedFormNames = [SignedForms]string{"contents", "exclusive", "hash"}

// String returns the form's name, as in file names, or "none".
func (f SignedForm) String() string {
	if f < SignedForms {
		return signedFormNames[f]
	}
	return "none"
}

// SignedHead is the size of the instructions before the check in a loader that can be signed, in
// bytes. They save the context and load the blob's address.
const SignedHead = 3 * 8

// A SignedProgram is a loader for one protocol.
type SignedProgram struct {
	NoCompare NoCompare

	// Check is the instructions to insert into Spec.Loader after the first SignedHead bytes.
	Check string
	// LoaderHash is the SHA-256 of [Spec.SignedLoader], the program that the map is exclusive to.
	LoaderHash string
	// Signature is a detached PKCS #7 signature in DER with SHA-256, without certificates and
	// signed attributes. It is empty if the package is not signed.
	Signature string
}

// SignedLoader returns the loader program of a form: Loader, with the form's check in it.
func (s *Spec) SignedLoader(form SignedForm) string {
	head := min(SignedHead, len(s.Loader))
	return s.Loader[:head] + s.Signed.Forms[form].Check + s.Loader[head:]
}

// SignedBytes returns what a form's signature covers: the loader program, and for SignedContents
// the blob after it.
func (s *Spec) SignedBytes(form SignedForm) string {
	if form == SignedContents {
		return s.SignedLoader(form) + s.Blob
	}
	return s.SignedLoader(form)
}

// A LogRequest is an entry of the context of a loader that can be signed: the buffer for a verifier
// log, if any. Entry 0 is for the object's BTF, and 1+i for program i.
type LogRequest struct {
	Level uint32
	Size  uint32
	Buf   uint64 // address
}

// MaxLogRequests is the maximum number of entries in the context, since an instruction reaches 32
// KiB. Programs beyond it get no log.
const MaxLogRequests = 1 << 15 / 16

// LogRequests returns the number of entries in the context.
func (s *Spec) LogRequests() int { return min(1+len(s.Programs), MaxLogRequests) }

// ErrSigned is why a package that was made to be signed does not load after
// something about it was changed: the signature covers all of that.
var ErrSigned = errors.New("the package is signed")
