package load

import (
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// protocol identifies how a kernel verifies program signatures.
type protocol uint8

const (
	protocolNone     protocol = iota + 1 // the kernel verifies nothing: before Linux 6.18
	protocolOff                          // verification is not built in
	protocolHash                         // the loader checks its map's contents, but not that the map is exclusive
	protocolLoader                       // the loader checks its map, in one of two ways that must be tried
	protocolContents                     // the kernel checks the map: since 7.3
)

// forms returns the signed forms that work with the protocol, the preferred one first.
func (p protocol) forms() []spec.SignedForm {
	switch p {
	case protocolContents:
		return []spec.SignedForm{spec.SignedContents}
	case protocolLoader:
		return []spec.SignedForm{spec.SignedExclusive, spec.SignedHash}
	case protocolHash:
		return []spec.SignedForm{spec.SignedHash}
	}
	return nil
}

var knownProtocol struct {
	sync.Mutex
	protocol
}

// kernelProtocol returns the kernel's protocol, which it asks for once.
func kernelProtocol() (protocol, error) {
	known := &knownProtocol
	known.Lock()
	defer known.Unlock()
	if known.protocol == 0 {
		p, err := askProtocol()
		if err != nil {
			return 0, err
		}
		known.protocol = p
	}
	return known.protocol, nil
}

// rememberProtocol records the protocol that a load has found.
func rememberProtocol(p protocol) {
	knownProtocol.Lock()
	defer knownProtocol.Unlock()
	knownProtocol.protocol = p
}

// askProtocol loads a program with an invalid signature and a map that is not frozen. Kernels
// differ in what they reject first: those that cover maps require frozen ones (EPERM), others
// cannot parse the signature (EBADMSG). EPERM may also mean that the process may not load programs;
// the load itself then reports that.
func askProtocol() (protocol, error) {
	m, _, errno := newBlobMap("\x00\x00\x00\x00\x00\x00\x00\x00", 0, 0)
	if errno == unix.EPERM {
		return protocolContents, nil
	}
	if errno != 0 {
		return 0, errno
	}
	defer m.close()
	const nothing = "\xb7\x00\x00\x00\x00\x00\x00\x00" + "\x95\x00\x00\x00\x00\x00\x00\x00" // r0 = 0; exit
	attr := loaderAttr(m, nothing)
	signature := new([8]byte)
	attr.Signature, attr.SignatureSize = sys.Addr(unsafe.Pointer(signature)), uint32(len(signature))
	attr.FdArrayCnt = 1
	num, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(&attr), unsafe.Offsetof(attr.KeyringId)+4)
	runtime.KeepAlive(signature)
	runtime.KeepAlive(m)
	switch errno {
	case 0:
		unix.Close(num)
		return protocolNone, nil // a kernel that accepts this signature verifies nothing
	case unix.E2BIG:
		return protocolNone, nil
	case unix.EOPNOTSUPP:
		return protocolOff, nil
	case unix.EPERM:
		return protocolContents, nil
	case unix.EAGAIN, unix.EINTR, unix.ENOMEM:
		return 0, errno
	}
	return protocolLoader, nil
}

// withRelease replaces {release} in text with the kernel's release.
func withRelease(text string) string { return strings.ReplaceAll(text, "{release}", sys.Release()) }
