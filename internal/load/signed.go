package load

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// ErrNotSigned is returned if a signature is required and the package has none.
var ErrNotSigned = errors.New("the package is not signed")

// changed returns a failure if a package that can be signed has been changed.
func (r *Request) changed() *spec.Failure {
	for i := range r.Spec.Maps {
		if m := &r.Spec.Maps[i]; m.PinByName {
			return &spec.Failure{
				Spec: r.Spec, Op: spec.OpReuse, Map: i, Step: -1, Err: spec.ErrSigned,
				Reason: "the source pins it by name, but a signed loader cannot use a pinned map",
				Hint:   "remove LIBBPF_PIN_BY_NAME from the source, and pin the map after the load",
			}
		}
	}
	what := r.whatChanged()
	if what == "" {
		return nil
	}
	return &spec.Failure{
		Spec: r.Spec, Op: spec.OpPatch, Step: -1, Err: spec.ErrSigned, Reason: what + " cannot be changed",
		Hint: "pass values to the program in a map, or in a variable that is set after the load",
	}
}

// whatChanged names the first change to the package.
func (r *Request) whatChanged() string {
	if len(r.Entries) > 0 {
		return "max_entries of map " + r.Spec.Maps[r.Entries[0].Map].Name
	}
	for i := range r.Areas {
		a := &r.Areas[i]
		if a.changed(r.Spec) {
			return "the initial value of " + r.Spec.Maps[a.Map].Name
		}
	}
	if len(r.Wanted) > 0 {
		return "whether program " + r.Spec.Programs[r.Wanted[0].Program].Name + " is loaded"
	}
	if t := (*Target)(r.Targets); t != nil {
		return "what program " + r.Spec.Programs[t.Program].Name + " attaches to"
	}
	if r.Longer != nil {
		return "an attr (" + r.Spec.StepName(r.Spec.Steps[(*r.Longer)[0].Step]) + ")"
	}
	if len(r.Skip) > 0 {
		return "whether a step runs (" + r.Spec.StepName(r.Spec.Steps[r.Skip[0]]) + ")"
	}
	return ""
}

// attemptSigned runs the loader once, verified by the kernel. done is false if the kernel cannot
// verify it and verification is not required: the load then continues as for any other package.
func (e *engine) attemptSigned() (done bool, failure *spec.Failure) {
	settleUnread()
	e.requestLog(-1, nil)
	protocol, err := kernelProtocol()
	if err != nil {
		return true, e.fail(spec.OpVerify, err)
	}
	for _, form := range protocol.forms() {
		if e.spec.Signed.Forms[form].Signature == "" {
			continue
		}
		failure, done = e.attemptForm(form), true
		if form == spec.SignedExclusive && failure != nil && failure.Op == spec.OpLoadLoader && failure.Errno == unix.EACCES {
			failure, done = nil, false // the kernel has no field excl: the verifier rejects the loader's read
			continue
		}
		if form == spec.SignedHash && protocol == protocolLoader && failure != nil && failure.Op == spec.OpLoadLoader && failure.Errno == unix.EACCES &&
			e.spec.Signed.Forms[spec.SignedExclusive].Signature == "" {
			failure, done = nil, false // likewise: the kernel has a field excl where the loader reads ops
			break
		}
		if form == spec.SignedHash && failure == nil {
			rememberProtocol(protocolHash)
		}
		break
	}
	switch {
	case failure != nil && failure.Op == spec.OpVerify && (failure.Errno == unix.EOPNOTSUPP || e.keyringIsEmpty(failure)):
		// The kernel cannot verify: handled below.
	case done:
		return true, failure
	case protocol == protocolNone:
		failure = e.refuse(unix.EOPNOTSUPP, "this kernel, {release}, cannot verify programs", "Linux 6.18 can")
	case protocol == protocolOff:
		failure = e.refuse(unix.EOPNOTSUPP, "this kernel is built without CONFIG_SYSTEM_DATA_VERIFICATION", "use a kernel built with CONFIG_SYSTEM_DATA_VERIFICATION=y")
	default:
		failure = e.refuse(ErrNotSigned, "it has no signature for the protocol of this kernel", "sign the package: bpf2lskel sign")
	}
	if e.req.RequireSignature {
		return true, failure
	}
	e.Signature = &Verdict{Form: spec.NoSignedForm, Keyring: NoKeyring, Reason: failure.Err.Error() + ": " + failure.Reason}
	return false, nil
}

func (e *engine) keyringIsEmpty(f *spec.Failure) bool {
	return f.Errno == unix.ENOKEY && e.req.Keyring.certificates() == 0
}

// requestLog builds the loader's context, which requests the log of one step, or no log if log is
// nil.
func (e *engine) requestLog(step int, log *logBuffer) {
	n := e.spec.LogRequests()
	requests := make([]spec.LogRequest, n)
	e.logs = &requests[0]
	if log == nil {
		return
	}
	entry := 0
	if step := &e.spec.Steps[step]; step.Kind == spec.StepLoadProgram {
		entry = 1 + int(step.Index)
	}
	if entry < n {
		requests[entry] = spec.LogRequest{Level: 1, Size: min(log.size(), btfLogMax), Buf: log.addr()}
	}
}

// attemptForm runs the loader with one of the protocols. If a step fails that can leave a log,
// attemptForm runs the whole loader again to get it: the machine's policy may allow only signed
// loaders to load programs.
func (e *engine) attemptForm(form spec.SignedForm) *spec.Failure {
	failure := e.runForm(form)
	if failure == nil || interrupted(failure) || failure.Errno == unix.EMFILE ||
		failure.StepKind() != spec.StepLoadBTF && failure.StepKind() != spec.StepLoadProgram {
		return failure
	}
	log, err := newLogBuffer()
	if err != nil {
		return failure
	}
	defer log.close()
	e.requestLog(failure.Step, log)
	again := e.runForm(form)
	e.requestLog(-1, nil)
	if again == nil {
		return nil
	}
	if again.Step == failure.Step && again.Op == failure.Op {
		failure.Log = log.text()
	}
	return failure
}

// runForm runs the loader once, with one of the protocols.
func (e *engine) runForm(form spec.SignedForm) *spec.Failure {
	program := &e.spec.Signed.Forms[form]
	who, ok := parseSignature(program.Signature)
	if !ok {
		return e.refuse(unix.EBADMSG, "it is damaged, or not in the form that bpf2lskel writes", "sign the package again: bpf2lskel sign")
	}
	blob, op, errno := newFrozenBlobMap(e.spec.Blob, program.LoaderHash, form)
	if errno != 0 {
		return e.fail(op, errno)
	}
	e.blob = blob
	if failure := e.runSigned(form, program); failure != nil {
		// The loader has done nothing. The slots hold what the blob had there, which cannot be
		// trusted.
		e.blob.close()
		return e.judge(failure, who)
	}
	if errno := e.blob.readBack(); errno != 0 {
		settleLater(e)
		return e.fail(spec.OpReadBlob, errno)
	}
	e.verified = true
	failure := e.settle(nil)
	e.verified = false
	if failure == nil {
		e.Signature = &Verdict{Verified: true, Form: form, Keyring: e.req.Keyring}
	}
	return failure
}

// runSigned loads the loader program with its signature and runs it.
func (e *engine) runSigned(form spec.SignedForm, p *spec.SignedProgram) *spec.Failure {
	loader := e.spec.SignedLoader(form)
	attr := e.loaderAttr(loader)
	attr.Signature = sys.StringAddr(p.Signature)
	attr.SignatureSize = uint32(len(p.Signature))
	attr.KeyringId = e.req.Keyring.ID()
	if form == spec.SignedContents {
		attr.FdArrayCnt = 1 // since 7.3 the maps of a signed program must be listed, and are covered
	}
	prog, failure := e.loadLoader(&attr, unsafe.Offsetof(attr.KeyringId)+4)
	runtime.KeepAlive(loader)
	if failure != nil {
		return failure
	}
	return e.start(prog)
}

// refuse returns the failure for a rejected signature.
func (e *engine) refuse(err error, reason, hint string) *spec.Failure {
	f := e.fail(spec.OpVerify, err)
	f.Reason, f.Hint = withRelease(reason), hint
	return f
}

// judge explains why the kernel rejected a signature. It returns other failures unchanged.
func (e *engine) judge(failure *spec.Failure, who signer) *spec.Failure {
	ring := e.req.Keyring
	switch failure.Errno {
	case unix.ENOKEY:
		n := ring.certificates()
		switch {
		case n == 0:
			return e.refuse(unix.ENOKEY, fmt.Sprintf("the %v has no certificate", ring), "add the certificate: keyctl padd asymmetric '' @s <CERT.der")
		case n > 0:
			return e.refuse(unix.ENOKEY, fmt.Sprintf("signed with the key of %v, which is not one of the %d certificates in the %v", who, n, ring), "add it, or sign with another key")
		}
		return e.refuse(unix.ENOKEY, fmt.Sprintf("signed with the key of %v, which is not in the %v", who, ring), "add it, or sign with another key")
	case unix.EKEYREJECTED:
		return e.refuse(unix.EKEYREJECTED, fmt.Sprintf("loader or blob differ from what was signed, or the key is not that of %v", who), "run bpf2lskel verify to find out")
	case unix.EKEYREVOKED, unix.EKEYEXPIRED:
		return e.refuse(failure.Errno, fmt.Sprintf("%v in the %v is no longer valid", who, ring), "sign with another key")
	case unix.EBADMSG:
		return e.refuse(unix.EBADMSG, "it is damaged", "sign the package again: bpf2lskel sign")
	case unix.ENOPKG:
		return e.refuse(unix.ENOPKG, "the kernel does not support the algorithm of the key or the hash", "RSA and SHA-256 are in all kernels that verify modules")
	case unix.EOPNOTSUPP:
		return e.refuse(unix.EOPNOTSUPP, "this kernel is built without CONFIG_SYSTEM_DATA_VERIFICATION", "use a kernel built with CONFIG_SYSTEM_DATA_VERIFICATION=y")
	case unix.EINVAL:
		if !ring.isSystem() {
			if _, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, int(ring.ID())); err != nil {
				return e.refuse(unix.EINVAL, fmt.Sprintf("the %v does not exist, or this process cannot see it", ring), "run keyctl show to list keyrings")
			}
		}
	}
	return failure
}

// newFrozenBlobMap creates the map for a signed load. The map is exclusive to the loader program
// and frozen, and the kernel knows the hash of its contents if the protocol needs it. It cannot be
// mapped: the loader refuses mappable maps (see loader.BlobCheck). m.mem is a copy; see readBack.
func newFrozenBlobMap(blob, loaderHash string, form spec.SignedForm) (m *blobMap, op spec.Op, errno unix.Errno) {
	attr := blobMapAttr(blob)
	attr.MapFlags &^= sys.FlagMmapable
	attr.ExclProgHash = sys.StringAddr(loaderHash)
	attr.ExclProgHashSize = uint32(len(loaderHash))
	fd, errno := sys.BPF(sys.CmdMapCreate, unsafe.Pointer(&attr), unsafe.Offsetof(attr.ExclProgHashSize)+4)
	runtime.KeepAlive(loaderHash)
	if errno != 0 {
		return nil, spec.OpCreateBlob, errno
	}
	m = &blobMap{fd: int32(fd)}
	if op, errno = m.freeze(blob, form); errno != 0 {
		unix.Close(fd)
		return nil, op, errno
	}
	return m, 0, 0
}

// freeze fills the map, makes it read-only for user space, and allocates memory for its copy.
func (m *blobMap) freeze(blob string, form spec.SignedForm) (op spec.Op, errno unix.Errno) {
	key := new(uint32)
	elem := sys.MapElemAttr{MapFd: uint32(m.fd), Key: sys.Addr(unsafe.Pointer(key)), Value: sys.StringAddr(blob)}
	_, errno = sys.BPF(sys.CmdMapUpdateElem, unsafe.Pointer(&elem), unsafe.Sizeof(elem))
	runtime.KeepAlive(key)
	if errno != 0 {
		return spec.OpFillBlob, errno
	}
	if _, errno = sys.BPF(sys.CmdMapFreeze, unsafe.Pointer(&elem), 4); errno != 0 {
		return spec.OpFreezeBlob, errno
	}
	if form != spec.SignedContents {
		if errno = hashMap(int(m.fd)); errno != 0 {
			return spec.OpHashBlob, errno
		}
	}
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(len(blob)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return spec.OpMapBlob, sys.ErrnoOf(err)
	}
	m.mem = unsafe.Slice((*byte)(p), len(blob))
	return 0, 0
}

// hashMap makes the kernel compute and store the hash of a frozen map (array_map_get_hash).
func hashMap(fd int) unix.Errno {
	hash := new([32]byte)
	info := &sys.MapInfoHash{Hash: sys.Addr(unsafe.Pointer(hash)), HashSize: uint32(len(hash))}
	errno := sys.ObjInfo(fd, unsafe.Pointer(info), unsafe.Sizeof(*info))
	runtime.KeepAlive(hash)
	return errno
}
