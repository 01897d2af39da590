package load

import (
	"runtime"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// maxAttempts bounds the attempts of a load that signals interrupt.
const maxAttempts = 16

// moreAttempts bounds the attempts of a load whose failed step succeeds by itself.
const moreAttempts = 2

// Run carries out a request. A failed Run releases everything and can be tried again.
//
// Only the first attempt uses what makes loads of large objects quick: other threads help, and the
// loader resolves CO-RE for all programs. If it fails, a plain attempt on the calling thread finds
// the reason: other threads may lack something that the caller has, such as a capability. Signals
// are masked from the second attempt on: they seldom hit the first one, and the first LockOSThread
// of a process starts a thread, which costs more than loading a small object. When an attempt has
// failed for good, the failed step is repeated alone to get the verifier's log (investigate),
// before everything is released.
func Run(req *Request) (*Loaded, *spec.Failure) {
	e := engine{Loaded: Loaded{spec: req.Spec}, req: *req}
	if req.Spec.Signed != nil {
		if failure := req.features().Signed().changed(&e.req); failure != nil {
			return nil, failure
		}
	} else if req.RequireSignature {
		failure := e.fail(spec.OpVerify, ErrNotSigned)
		failure.Hint = "generate it with -sign-key and -sign-cert, or with -signed and sign it later"
		return nil, failure
	}
	if find := req.findTargets(); find != nil && req.loaded == nil {
		failure := find(&e.req)
		return e.req.loaded, failure
	}
	release, err := holdStdFDs()
	if err != nil {
		return nil, e.fail(spec.OpHoldFDs, err)
	}
	defer release()

	var failure *spec.Failure
	for i := range maxAttempts {
		if i == 1 {
			unlock, err := LockThread()
			if err != nil {
				return nil, e.fail(spec.OpMaskSignals, err)
			}
			defer unlock()
		}
		e.quick = i == 0 && req.Spec.Phases != nil
		failure = e.attempt()
		if retry := req.features().OddBTF; retry != nil && failure != nil {
			failure = retry(&e, failure)
		}
		if failure == nil {
			return &e.Loaded, nil
		}
		if !interrupted(failure) && (!e.again || i >= moreAttempts) {
			break
		}
	}
	if withToken != nil {
		again := *req // a copy, or every request would be on the heap
		return withToken(&again, failure)
	}
	return nil, failure
}

// withToken repeats a failed request with a BPF token, if a token may help, or returns the failure.
// It is nil unless the program imports package runtime/token: its code takes 8 KB, and few programs
// need it.
var withToken func(*Request, *spec.Failure) (*Loaded, *spec.Failure)

// LockThread keeps signals away from a run of the loader, or of a program: BPF_PROG_LOAD fails with
// EAGAIN while a signal is pending (bpf_check in kernel/bpf/verifier.c), and Go's scheduler sends
// signals to its own threads.
func LockThread() (unlock func(), err error) {
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	runtime.LockOSThread()
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old); err != nil {
		runtime.UnlockOSThread()
		return nil, err
	}
	return func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}, nil
}

// holdStdFDs makes sure that fds 0, 1 and 2 are in use: 0 means 'none' in many attrs.
func holdStdFDs() (release func(), err error) {
	var held []int
	release = func() {
		for _, fd := range held {
			unix.Close(fd)
		}
	}
	for want := range 3 {
		if _, err := unix.FcntlInt(uintptr(want), unix.F_GETFD, 0); err != unix.EBADF {
			continue
		}
		fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, fd)
	}
	return release, nil
}

// fail returns the failure of an operation that is not a step of the loader.
func (e *engine) fail(op spec.Op, err error) *spec.Failure {
	return &spec.Failure{Spec: e.spec, Op: op, Step: -1, Err: err, Errno: sys.ErrnoOf(err)}
}

// failStep returns the failure of a step.
func (e *engine) failStep(i int, errno unix.Errno) *spec.Failure {
	f := &spec.Failure{Spec: e.spec, Op: spec.OpStep, Step: i, Err: errno, Errno: errno}
	switch step := &e.spec.Steps[i]; step.Kind {
	case spec.StepCreateMap:
		f.MaxEntries = e.maxEntries(step.Index)
	case spec.StepLoadProgram:
		f.Missing = e.missing(step.Index)
	}
	return f
}
