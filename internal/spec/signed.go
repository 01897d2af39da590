package spec

// SignedSpec is what a package has that is made to be signed. Its blob reaches the kernel
// unchanged: the runtime patches nothing.
type SignedSpec struct {
	Forms [SignedForms]SignedProgram // by SignedForm
}

// SignedForm is a protocol by which a kernel verifies a package.
type SignedForm uint8

const (
	// SignedContents is that of Linux 7.3: the signature covers the loader and the contents of its
	// frozen, exclusive map, the blob. The loader sees to the map's size, which it does not cover.
	SignedContents SignedForm = iota
	// SignedExclusive is that of 7.1 and 7.2: the signature covers the loader, and the loader
	// compares the hash that the kernel has made of the map's contents, and sees that the map is
	// exclusive.
	SignedExclusive
	// SignedHash is that of 6.18 to 7.0: likewise, but a loader cannot see whether the map is
	// exclusive.
	SignedHash

	SignedForms SignedForm = 3 // how many there are

	// NoSignedForm is the form of a load that was not verified.
	NoSignedForm SignedForm = 255
)

var signedFormNames = [SignedForms]string{"contents", "exclusive", "hash"}

// String returns the form's name, as in names of files, or "none".
func (f SignedForm) String() string {
	if f < SignedForms {
		return signedFormNames[f]
	}
	return "none"
}

// SignedHead is how many bytes of instructions a loader that can be signed has before the check of
// a form: they keep the context, and take the blob's address.
const SignedHead = 3 * 8

// SignedProgram is a loader as one protocol wants it.
type SignedProgram struct {
	NoCompare NoCompare

	// Check are the instructions that go into Spec.Loader after the first SignedHead bytes.
	Check string
	// LoaderHash is the SHA-256 of what [Spec.SignedLoader] returns: the program that the map is
	// exclusive to.
	LoaderHash string
	// Signature is a detached PKCS #7 signature, DER: of SHA-256, without certificates
	// and signed attributes. It is empty if there is none.
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
