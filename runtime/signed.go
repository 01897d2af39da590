package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// ErrSigned is why a package that was made to be signed does not load after
// something about it was changed: the signature covers all of that.
var ErrSigned = errors.New("the package is signed")

// ErrNotSigned is why a package without a signature does not load where one is required.
var ErrNotSigned = errors.New("the package has no signature")

// Signature is what the kernel has said about a package's signature.
type Signature struct {
	// Verified is set if the kernel has verified loader and blob, and has made the maps and programs from these.
	Verified bool
	// Form is the protocol that was used, Keyring where the certificate was found.
	Form    SignedForm
	Keyring Keyring
	// Reason is why it was not verified.
	Reason string
}

// Signature returns what the kernel has verified when the object was loaded.
func (s *Skeleton) Signature() Signature {
	if s.signature == nil {
		return Signature{Reason: ErrNotSigned.Error()}
	}
	return *s.signature
}

// mayLoad refuses what cannot be had from the package: a changed signed
// one, or verification of one that cannot be signed.
func (s *Skeleton) mayLoad(opts *LoadOptions) *LoadError {
	switch {
	case s.spec.Signed != nil:
		return s.spec.Signed.loads.check(s)
	case opts.RequireSignature:
		return &LoadError{
			Object: s.spec.Name, Op: opVerify, Step: -1, Err: ErrNotSigned,
			Hint: "generate it with -sign-key and -sign-cert, or with -signed and sign it later",
		}
	}
	return nil
}

// checkSigned refuses a package that can be signed and was changed.
func (s *Skeleton) checkSigned() *LoadError {
	what := s.changed()
	if what == "" {
		return nil
	}
	return &LoadError{
		Object: s.spec.Name, Op: opPatch, Step: -1, Err: ErrSigned, Reason: what + " cannot be changed",
		Hint: "pass what the program has to know through a map, or a variable that is set after the load",
	}
}

// changed names the first thing that is not as the package has it.
func (s *Skeleton) changed() string {
	for i := range s.maps {
		m := &s.maps[i]
		spec := m.spec()
		if m.MaxEntries() != spec.MaxEntries {
			return "max_entries of map " + m.Name()
		}
		a := s.area(i)
		if a == nil || a.p == nil {
			continue
		}
		now := a.bytes()[:spec.ValueSize]
		if spec.Data == 0 {
			if len(bytes.Trim(now, "\x00")) != 0 {
				return "the initial value of " + m.Name()
			}
		} else if string(now) != s.spec.Blob[spec.Data:][:spec.ValueSize] {
			return "the initial value of " + m.Name()
		}
	}
	for i := range s.programs {
		if p := &s.programs[i]; p.AutoLoad() != p.spec.AutoLoad {
			return "whether program " + p.Name() + " is loaded"
		}
	}
	return ""
}

// attemptSigned runs the loader once, verified by the kernel. It is not done if
// the kernel cannot verify and need not: then the load goes on as that of any other package.
func (l *loading) attemptSigned() (done bool, failure *LoadError) {
	l.requestLog()
	protocol, err := kernelProtocol()
	if err != nil {
		return true, l.fail(opVerify, err)
	}
	for _, form := range protocol.forms() {
		if l.spec.Signed.Forms[form].Signature == "" {
			continue
		}
		failure, done = l.attemptForm(form), true
		if form == SignedExclusive && failure != nil && failure.Op == opLoadLoader && failure.Errno == unix.EACCES {
			failure, done = nil, false // there is no field excl: the verifier does not let the loader read it
			continue
		}
		if form == SignedHash && failure == nil {
			rememberProtocol(protocolHash)
		}
		break
	}
	switch {
	case failure != nil && failure.Op == opVerify && (failure.Errno == unix.EOPNOTSUPP || l.keyringIsEmpty(failure)):
		// not able to verify: as below
	case done:
		return true, failure
	case protocol == protocolNone:
		failure = l.refuse(unix.EOPNOTSUPP, "this kernel, {release}, cannot verify programs", "Linux 6.18 can")
	case protocol == protocolOff:
		failure = l.refuse(unix.EOPNOTSUPP, "this kernel is built without CONFIG_SYSTEM_DATA_VERIFICATION", "take another kernel")
	default:
		failure = l.refuse(ErrNotSigned, "for the protocol of this kernel", "sign the package: bpf2lskel sign")
	}
	if l.opts.RequireSignature {
		return true, failure
	}
	l.signature = &Signature{Reason: failure.Err.Error() + ": " + failure.Reason}
	return false, nil
}

func (l *loading) keyringIsEmpty(e *LoadError) bool {
	return e.Errno == unix.ENOKEY && l.opts.Keyring.certificates() == 0
}

// requestLog makes the context.
func (l *loading) requestLog() {
	n := l.spec.logRequests()
	requests := make([]LogRequest, n)
	l.logs = &requests[0]
	if l.logStep < 0 {
		return
	}
	entry := 0
	if step := l.spec.Steps[l.logStep]; step.Kind == StepLoadProgram {
		entry = 1 + int(step.Index)
	}
	if entry < n {
		requests[entry] = LogRequest{Level: 1, Size: uint32(len(l.log)), Buf: bufAddr(l.log)}
	}
}

// attemptForm runs the loader once, by one of the protocols.
func (l *loading) attemptForm(form SignedForm) *LoadError {
	program := &l.spec.Signed.Forms[form]
	who, ok := parseSignature(program.Signature)
	if !ok {
		return l.refuse(unix.EBADMSG, "it is damaged, or not in the form that bpf2lskel writes", "sign the package again: bpf2lskel sign")
	}
	var op string
	var err error
	if l.loaderMap, op, err = newFrozenMap(l.spec.Blob, program.LoaderHash, form); err != nil {
		return l.fail(op, err)
	}
	defer l.loaderMap.close()
	failure := l.checkTargets()
	if failure == nil {
		failure = l.runSigned(form, program)
	}
	if failure != nil {
		// The loader has done nothing: what is in the slots is the blob's, of which nothing is known.
		return l.judge(failure, who)
	}
	if failure = l.settle(nil); failure == nil {
		l.signature = &Signature{Verified: true, Form: form, Keyring: l.opts.Keyring}
	}
	return failure
}

// runSigned loads the loader program with its signature and runs it.
func (l *loading) runSigned(form SignedForm, p *SignedProgram) *LoadError {
	loader := p.Check + l.spec.Loader
	attr := l.loaderAttr(loader)
	attr.Signature = uint64(uintptr(unsafe.Pointer(unsafe.StringData(p.Signature))))
	attr.SignatureSize = uint32(len(p.Signature))
	attr.KeyringId = l.opts.Keyring.ID()
	if form == SignedContents {
		attr.FdArrayCnt = 1 // since 7.3 what a signed program uses has to be listed, and is covered
	}
	prog, failure := l.loadLoader(&attr, unsafe.Offsetof(attr.KeyringId)+4)
	runtime.KeepAlive(loader)
	if failure != nil {
		return failure
	}
	return l.start(prog)
}

// refuse is the error of a signature that does not do.
func (l *loading) refuse(err error, reason, hint string) *LoadError {
	e := l.fail(opVerify, err)
	e.Reason, e.Hint = withRelease(reason), hint
	return e
}

// judge says in words what the kernel has against a signature. Other failures stay what they are.
func (l *loading) judge(failure *LoadError, who signer) *LoadError {
	ring := l.opts.Keyring
	switch failure.Errno {
	case unix.ENOKEY:
		n := ring.certificates()
		switch {
		case n == 0:
			return l.refuse(unix.ENOKEY, fmt.Sprintf("the %v has no certificate", ring), "add the certificate: keyctl padd asymmetric '' @s <CERT.der")
		case n > 0:
			return l.refuse(unix.ENOKEY, fmt.Sprintf("signed with the key of %v, which is not among the %d in the %v", who, n, ring), "add it, or sign with another key")
		}
		return l.refuse(unix.ENOKEY, fmt.Sprintf("signed with the key of %v, which is not in the %v", who, ring), "add it, or sign with another key")
	case unix.EKEYREJECTED:
		return l.refuse(unix.EKEYREJECTED, fmt.Sprintf("loader or blob are not what was signed, or not by the key of %v", who), "bpf2lskel verify tells which")
	case unix.EKEYREVOKED, unix.EKEYEXPIRED:
		return l.refuse(failure.Errno, fmt.Sprintf("%v in the %v is not valid any more", who, ring), "sign with another key")
	case unix.EBADMSG:
		return l.refuse(unix.EBADMSG, "it is damaged", "sign the package again: bpf2lskel sign")
	case unix.ENOPKG:
		return l.refuse(unix.ENOPKG, "the kernel does not have the algorithm of the key or of the hash", "RSA and SHA-256 are in all kernels that verify modules")
	case unix.EOPNOTSUPP:
		return l.refuse(unix.EOPNOTSUPP, "this kernel is built without CONFIG_SYSTEM_DATA_VERIFICATION", "take another kernel")
	case unix.EINVAL:
		if id := int(ring.ID()); id < 0 || id > 2 {
			if _, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, id); err != nil {
				return l.refuse(unix.EINVAL, fmt.Sprintf("there is no %v, or not for this process", ring), "keyctl show lists keyrings")
			}
		}
	}
	return failure
}

// newFrozenMap creates the map in the way of a signed load: it belongs to the
// loader program alone, nobody can change it, and the kernel knows the hash of its contents where it wants that.
func newFrozenMap(blob, loaderHash string, form SignedForm) (m *loaderMap, op string, err error) {
	attr := loaderMapAttr(blob)
	attr.ExclProgHash = uint64(uintptr(unsafe.Pointer(unsafe.StringData(loaderHash))))
	attr.ExclProgHashSize = uint32(len(loaderHash))
	fd, err := bpf(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Offsetof(attr.ExclProgHashSize)+4)
	runtime.KeepAlive(loaderHash)
	if err != nil {
		return nil, opCreateBlob, err
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	// A writable mapping would be in the way of freezing.
	key := new(uint32)
	elem := sys.MapElemAttr{MapFd: uint32(fd), Key: sys.Addr(unsafe.Pointer(key)), Value: uint64(uintptr(unsafe.Pointer(unsafe.StringData(blob))))}
	_, err = bpf(unix.BPF_MAP_UPDATE_ELEM, unsafe.Pointer(&elem), unsafe.Sizeof(elem))
	runtime.KeepAlive(key)
	if err != nil {
		return nil, "fill the loader's map", err
	}
	if _, err = bpf(unix.BPF_MAP_FREEZE, unsafe.Pointer(&elem), 4); err != nil {
		return nil, "freeze the loader's map", err
	}
	if form != SignedContents {
		if err = hashMap(fd); err != nil {
			return nil, "hash the loader's map", err
		}
	}
	p, err := unix.MmapPtr(fd, 0, nil, uintptr(len(blob)), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, opMapBlob, err
	}
	return &loaderMap{fd: int32(fd), mem: unsafe.Slice((*byte)(p), len(blob))}, "", nil
}

// hashMap has the kernel compute the hash of a frozen map, and keep it (array_map_get_hash).
func hashMap(fd int) error {
	hash := new([32]byte)
	info := sys.MapInfoHash{Hash: sys.Addr(unsafe.Pointer(hash)), HashSize: uint32(len(hash))}
	attr := sys.ObjInfoAttr{BpfFd: uint32(fd), InfoLen: uint32(unsafe.Sizeof(info)), Info: sys.Addr(unsafe.Pointer(&info))}
	_, err := bpf(unix.BPF_OBJ_GET_INFO_BY_FD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(&info)
	runtime.KeepAlive(hash)
	return err
}
