package spec

// SignedSpec is what a package has that is made to be signed. Its blob reaches the kernel
// unchanged: the runtime patches nothing.
type SignedSpec struct {
	Forms [SignedForms]SignedProgram // by SignedForm
}

// SignedForm is a protocol by which a kernel verifies a package.
type SignedForm uint8

const (
	// SignedContents is that of Linux 7.3: the signature covers the loader and the
	// contents of its frozen, exclusive map, the blob.
	SignedContents SignedForm = iota
	// SignedExclusive is that of 7.1 and 7.2: the signature covers the loader, and the loader compares
	// the hash that the kernel has made of the map's contents, and sees that the map is exclusive.
	SignedExclusive
	// SignedHash is that of 6.18 to 7.0: likewise, but a loader cannot see whether the map is exclusive.
	SignedHash

	SignedForms SignedForm = 3 // how many there are
)

var signedFormNames = [SignedForms]string{"contents", "exclusive", "hash"}

// String is the form's name, as in names of files and flags.
func (f SignedForm) String() string { return signedFormNames[f] }

// SignedProgram is a loader as one protocol wants it.
type SignedProgram struct {
	// Check are the instructions that stand before Spec.Loader.
	Check string
	// LoaderHash is the SHA-256 of Check and Spec.Loader: the program that the map is exclusive to.
	LoaderHash string
	// Signature is a detached PKCS #7 signature, DER: of SHA-256, without certificates
	// and signed attributes. It is empty if there is none.
	Signature string
}

// SignedBytes is what a signature covers: instructions, followed for SignedContents by the blob.
func (s *Spec) SignedBytes(form SignedForm) string {
	if form == SignedContents {
		return s.Loader + s.Blob
	}
	return s.Signed.Forms[form].Check + s.Loader
}

// LogRequest is an entry of the context of a loader that can be signed: where
// a verifier log shall go, if anywhere. Entry 0 is for the object's BTF, 1+i for program i.
type LogRequest struct {
	Level uint32
	Size  uint32
	Buf   uint64 // address
}

// MaxLogRequests is how many entries a context can have: an instruction
// reaches 32 KiB. Programs beyond get no log.
const MaxLogRequests = 1 << 15 / 16

// LogRequests returns how many entries the context has.
func (s *Spec) LogRequests() int { return min(1+len(s.Programs), MaxLogRequests) }
