package load

import (
	"encoding/binary"
	"os"
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A BPF token (6.9) lets a process in a user namespace do what the mount options of its BPF file
// system delegate. The token's file descriptor is at the end of the attr of each object that is
// created, and a flag in the attr announces it. This applies to the attrs that the runtime passes
// itself and to those that the loader passes (Request.Longer).

// EnableTokens makes loads that are refused for lack of privileges use a token. It must be called
// before any load.
func EnableTokens() { withToken = runWithToken }

// tokenFields returns the offsets, in the attr of cmd, of the flags and of the token's file
// descriptor.
func tokenFields(cmd sys.Cmd) (flags, token uintptr) {
	switch cmd {
	case sys.CmdMapCreate:
		return unsafe.Offsetof(sys.MapCreateAttr{}.MapFlags), unsafe.Offsetof(sys.MapCreateAttr{}.MapTokenFd)
	case sys.CmdProgLoad:
		return unsafe.Offsetof(sys.ProgLoadAttr{}.ProgFlags), unsafe.Offsetof(sys.ProgLoadAttr{}.ProgTokenFd)
	}
	return unsafe.Offsetof(sys.BtfLoadAttr{}.BtfFlags), unsafe.Offsetof(sys.BtfLoadAttr{}.BtfTokenFd)
}

// stepCmd returns the command of a step that creates or loads something; ok is false for other
// steps.
func stepCmd(kind spec.StepKind) (cmd sys.Cmd, ok bool) {
	switch kind {
	case spec.StepCreateMap, spec.StepCreateInner:
		return sys.CmdMapCreate, true
	case spec.StepLoadProgram:
		return sys.CmdProgLoad, true
	case spec.StepLoadBTF:
		return sys.CmdBtfLoad, true
	}
	return 0, false
}

// setToken writes a token to an attr.
func setToken(attr []byte, flags, fd uintptr, token int32) {
	order := binary.NativeEndian
	order.PutUint32(attr[flags:], order.Uint32(attr[flags:])|sys.FlagTokenFd)
	order.PutUint32(attr[fd:], uint32(token))
}

// runWithToken carries out a request with a token, if one can be created and the kernel has refused
// something that a token can allow.
func runWithToken(req *Request, refused *spec.Failure) (*Loaded, *spec.Failure) {
	if req.token != 0 || refused.Errno != unix.EPERM || refused.Op != spec.OpCreateBlob && refused.Op != spec.OpLoadLoader {
		return nil, refused // the process has the capabilities for a loader: a token adds none
	}
	path, asked := os.LookupEnv("LIBBPF_BPF_TOKEN_PATH")
	switch {
	case !asked:
		path = "/sys/fs/bpf"
	case path == "":
		return nil, refused
	}
	token, err := createToken(path)
	if err != nil {
		return nil, withoutToken(refused, path, asked, err)
	}
	defer unix.Close(token)
	if req.Spec.Signed != nil {
		f := &spec.Failure{Spec: req.Spec, Op: spec.OpPatch, Step: -1, Err: spec.ErrSigned}
		f.Reason = "this process may load programs only with a BPF token, whose file descriptor the signature would have to cover"
		f.Hint = "load the package with CAP_BPF and CAP_PERFMON in the initial user namespace"
		return nil, f
	}
	with := *req
	features := *req.features()
	features.Room = UseRoom
	with.Features, with.token = unsafe.Pointer(&features), int32(token)
	with.addToken()
	loaded, failure := Run(&with)
	if failure != nil && failure.Errno != 0 && failure.Reason == "" {
		failure.Reason = delegatedBy(token).lacks(failure, path)
	}
	return loaded, failure
}

// createToken creates a token from the BPF file system whose root is at path.
func createToken(path string) (int, error) {
	dir, err := sys.Open(path)
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	attr := sys.TokenCreateAttr{BpffsFd: uint32(dir)}
	token, errno := sys.BPF(sys.CmdTokenCreate, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if errno != 0 {
		return -1, errno
	}
	return token, nil
}

// withoutToken returns the failure of a load that needs a token and cannot get one. A missing token
// is an error only if the path was set explicitly, as in libbpf (bpf_object_prepare_token).
func withoutToken(refused *spec.Failure, path string, asked bool, err error) *spec.Failure {
	errno := sys.ErrnoOf(err)
	nothing := "the BPF file system at " + path + " delegates nothing: mount it with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs"
	if !asked {
		if errno == unix.ENOENT && sys.Exists(path) {
			refused.Hint = nothing
		}
		return refused
	}
	f := *refused
	f.Doing, f.Err, f.Errno = "create a BPF token of $LIBBPF_BPF_TOKEN_PATH, "+path, err, errno
	switch errno {
	case unix.ENOENT:
		f.Hint = nothing
	case unix.EINVAL:
		f.Hint = "it is not the root of a BPF file system, or the kernel is older than 6.9"
	case unix.EPERM:
		f.Hint = "the file system belongs to another user namespace, or the process lacks CAP_BPF in its own"
	case unix.EOPNOTSUPP:
		f.Hint = "the initial user namespace has no tokens: the process needs the capabilities themselves"
	}
	return &f
}

// addToken makes the loader pass the token. It sets the flag in the attrs of a copy of the Spec,
// and extends each attr that ends before the token's field.
func (r *Request) addToken() {
	changed := *r.Spec
	changed.Sums = spec.Sums{} // Sums are of the files, which have been checked
	blob := []byte(changed.Blob)
	var longer []Longer
	if r.Longer != nil {
		longer = slices.Clone(*r.Longer)
	}
	for i := range changed.Steps {
		step := &changed.Steps[i]
		cmd, ok := stepCmd(step.Kind)
		size := uintptr(r.attrSize(i))
		if !ok || size == 0 { // size is 0 for what is created outside
			continue
		}
		flags, fd := tokenFields(cmd)
		attr := make([]byte, max(size, fd+4))
		copy(attr, blob[step.Attr:][:size])
		setToken(attr, flags, fd, r.token)
		copy(blob[step.Attr:], attr[:size])
		if size < fd+4 {
			longer = append(longer, Longer{Step: i, Fields: string(attr[size:])})
		}
	}
	if longer != nil {
		r.Longer = &longer
	}
	changed.Blob = unsafe.String(unsafe.SliceData(blob), len(blob))
	r.Spec = &changed
}
