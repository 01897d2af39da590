package runtime

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// LoadOptions change how an object is loaded. A nil *LoadOptions is the default.
type LoadOptions struct {
	// Externs asks for what became of each extern, see [Skeleton.Externs].
	Externs bool
	// Keyring has the certificates to verify a signed package with: the
	// session's keyring, if nothing else is said.
	Keyring Keyring
	// RequireSignature refuses to load what the kernel has not verified.
	RequireSignature bool
}

// maxAttempts bounds how often a load is tried that signals interrupt. From the
// second on they are masked.
const maxAttempts = 16

// Load brings the object into the kernel: one map with the blob is created, one
// program, the loader, is loaded and run, and the file descriptors that it has left in the
// blob are taken over. A failed Load gives everything back and can be tried again; its error is a
// *LoadError.
func (s *Skeleton) Load(opts *LoadOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(); err != nil {
		return fmt.Errorf("load %s: %w", s.spec.Name, err)
	}
	if opts == nil {
		opts = &LoadOptions{}
	}
	if failure := s.mayLoad(opts); failure != nil {
		return failure
	}
	release, err := holdStdFDs()
	if err != nil {
		return fmt.Errorf("load %s: %w", s.spec.Name, err)
	}
	defer release()

	l := loading{Skeleton: s, spec: s.spec, opts: opts, logStep: -1}
	var failure *LoadError
	for i := range maxAttempts {
		if i == 1 {
			unlock, err := lockThread()
			if err != nil {
				return fmt.Errorf("load %s: %w", s.spec.Name, err)
			}
			defer unlock()
		}
		// All that makes a load of large objects quick is for the first attempt. If that fails, a plain one tells why.
		l.quick = i == 0 && s.spec.Parts != nil
		if failure = l.attempt(); failure == nil {
			s.state = loaded
			return nil
		}
		if !l.quick && failure.Errno != unix.EAGAIN && failure.Errno != unix.EINTR {
			break
		}
	}
	if l.explain(failure) {
		s.state = loaded
		return nil
	}
	return failure
}

// lockThread keeps signals away from a run of the loader: BPF_PROG_LOAD
// answers EAGAIN while one is pending (bpf_check in kernel/bpf/verifier.c), and Go's scheduler
// sends itself signals. It is for the second attempt: a first one is seldom hit, and the first LockOSThread of a
// process starts a thread, which costs more than loading a small object does.
func lockThread() (unlock func(), err error) {
	var all, old unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	runtime.LockOSThread()
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &old); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("mask signals: %w", err)
	}
	return func() {
		_ = unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		runtime.UnlockOSThread()
	}, nil
}

// holdStdFDs makes sure that fds 0, 1 and 2 are taken: 0 means 'none' in many attrs.
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
			return nil, fmt.Errorf("hold fd %d: %w", want, err)
		}
		held = append(held, fd)
	}
	return release, nil
}

// loading is a load under way.
type loading struct {
	*Skeleton
	spec *Spec
	opts *LoadOptions

	*loaderMap
	// quick lets other threads help, and the loader resolve CO-RE.
	quick bool
	// logStep is the step whose verifier log goes to log, -1 for none, loaderLog for the loader's own.
	logStep int
	log     []byte
	// logs is the context of a loader that can be signed.
	logs *LogRequest // the first of as many as logRequests says
	// missing are weak kfuncs of a failed program, see noteMissing.
	missing []string
}

// attempt runs the loader once. Either the skeleton owns all that was made,
// or nothing is left of it.
func (l *loading) attempt() *LoadError {
	if l.spec.Signed != nil {
		if done, failure := l.spec.Signed.loads.attempt(l); done {
			return failure
		}
	}
	var err error
	op := ""
	if l.loaderMap, op, err = newLoaderMap(l.spec.Blob); err != nil {
		return l.fail(op, err)
	}
	defer l.loaderMap.close()
	if err := l.patch(); err != nil {
		return l.fail(opPatch, err)
	}
	loader, failure := l.spec.Loader, (*LoadError)(nil)
	if l.spec.Outside != nil {
		loader, failure = l.spec.Outside.create(l)
	}
	if failure == nil {
		failure = l.checkTargets()
	}
	if failure == nil {
		failure = l.run(loader)
	}
	return l.settle(failure)
}

// settle takes over what the loader has made, or gives it back.
func (l *loading) settle(failure *LoadError) *LoadError {
	if failure == nil {
		failure = l.check()
	}
	if failure == nil {
		failure = l.takeOver()
	}
	if failure != nil {
		l.unmapArenas()
	}
	l.closeRest(failure != nil)
	return failure
}

// patch writes into the blob what is known only now.
func (l *loading) patch() error {
	for i := range l.maps {
		m := &l.maps[i]
		if err := m.fit(); err != nil {
			return err
		}
		spec := m.spec()
		if n := m.MaxEntries(); n != spec.MaxEntries {
			(*sys.MapCreateAttr)(l.at(spec.Attr)).MaxEntries = n
		}
		if a := l.area(i); spec.Data != 0 && a != nil && a.p != nil {
			copy(l.mem[spec.Data:][:spec.dataSize()], a.bytes())
		}
	}
	for i := range l.programs {
		p := &l.programs[i]
		if p.AutoLoad() != p.spec.AutoLoad {
			attr := (*sys.ProgLoadAttr)(l.at(p.spec.Attr))
			attr.InsnCnt = 0
			if p.AutoLoad() {
				attr.InsnCnt = p.spec.Insns
			}
		}
	}
	if l.spec.NoAddresses != 0 && !kernelTakesKfuncAddresses() {
		*l.slot(l.spec.NoAddresses) = 0
	}
	l.patchLog()
	return nil
}

// loaderLicense lets the loader call helpers that only GPL programs may call. It says nothing
// about the license of the object.
var loaderLicense = [...]byte{'D', 'u', 'a', 'l', ' ', 'B', 'S', 'D', '/', 'G', 'P', 'L', 0}

// checkTargets refuses programs that replace a function of another one, as
// long as there is no way to name that one. Kernels differ in what they say to it.
func (l *loading) checkTargets() *LoadError {
	for i, step := range l.spec.Steps {
		if step.Kind != StepLoadProgram {
			continue
		}
		if p := &l.programs[step.Index]; p.AutoLoad() && p.spec.Type == unix.BPF_PROG_TYPE_EXT {
			e := l.failStep(i, unix.EINVAL)
			e.Hint = "a freplace program needs the program that it replaces a function of"
			return e
		}
	}
	return nil
}

// run loads the loader program and runs it.
func (l *loading) run(loader string) *LoadError {
	if l.spec.Parts != nil {
		return l.spec.Parts.run(l, loader)
	}
	attr := l.loaderAttr(loader)
	prog, failure := l.loadLoader(&attr, loaderAttrSize)
	runtime.KeepAlive(loader)
	if failure != nil {
		return failure
	}
	return l.start(prog)
}

// loadLoader loads the loader program. What the attr refers to has to be kept alive, but for the loader's map.
func (l *loading) loadLoader(attr *sys.ProgLoadAttr, size uintptr) (prog int, failure *LoadError) {
	prog, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(attr), size)
	runtime.KeepAlive(l.loaderMap)
	if err != nil {
		return -1, l.fail(opLoadLoader, err)
	}
	return prog, nil
}

// loaderAttrSize is how much of its attr the kernel has to see.
const loaderAttrSize = unsafe.Offsetof(sys.ProgLoadAttr{}.FdArray) + 8

// loaderAttr is the attr of the loader program.
func (l *loading) loaderAttr(loader string) sys.ProgLoadAttr {
	attr := sys.ProgLoadAttr{
		ProgType:  unix.BPF_PROG_TYPE_SYSCALL,
		InsnCnt:   uint32(len(loader) / 8),
		Insns:     uint64(uintptr(unsafe.Pointer(unsafe.StringData(loader)))),
		License:   uint64(uintptr(unsafe.Pointer(&loaderLicense))),
		ProgFlags: unix.BPF_F_SLEEPABLE,
		FdArray:   uint64(uintptr(unsafe.Pointer(&l.loaderMap.fd))),
	}
	copy(attr.ProgName[:], "__loader.prog")
	if l.logStep == loaderLog {
		attr.LogLevel, attr.LogSize, attr.LogBuf = 1, uint32(len(l.log)), bufAddr(l.log)
	}
	return attr
}

// start runs the loader program, and lets it go.
func (l *loading) start(prog int) *LoadError {
	defer unix.Close(prog)
	run := sys.ProgRunAttr{ProgFd: uint32(prog)}
	if l.logs != nil {
		run.CtxIn = uint64(uintptr(unsafe.Pointer(l.logs)))
		run.CtxSizeIn = uint32(l.spec.logRequests()) * uint32(unsafe.Sizeof(*l.logs))
	}
	_, err := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&run), unsafe.Offsetof(run.BatchSize))
	runtime.KeepAlive(l.logs)
	if err == nil && int32(run.Retval) < 0 {
		err = unix.Errno(-int32(run.Retval)) // that of the hash check, the only one there is
	}
	if err != nil {
		return l.fail(opRunLoader, err)
	}
	return nil
}

// check looks for the first step that failed and should not have.
func (l *loading) check() *LoadError {
	for i, step := range l.spec.Steps {
		if errno := l.errno(step); errno != 0 && !l.mayFail(step) {
			l.noteMissing(step)
			return l.failStep(i, errno)
		}
	}
	return nil
}

// errno is how a step has ended.
func (l *loading) errno(step Step) unix.Errno {
	if step.Kind.finds() {
		return l.found(step.Result).errno()
	}
	if r := *l.slot(step.Result); r < 0 {
		return unix.Errno(-r)
	}
	return 0
}

// mayFail tells steps whose failure is nothing to report.
func (l *loading) mayFail(step Step) bool {
	switch step.Kind {
	case StepLoadProgram:
		return !l.programs[step.Index].AutoLoad()
	case StepFindExtern:
		e := &l.spec.Externs[step.Index]
		return e.Weak || !l.wanted(e.Programs)
	case StepFindTarget:
		for i := range l.programs {
			if p := &l.programs[i]; p.spec.Target == step.Index && p.AutoLoad() {
				return false
			}
		}
		return true
	}
	return false
}

// wanted tells whether any of these programs is to be loaded.
func (l *loading) wanted(programs []int32) bool {
	for _, p := range programs {
		if l.programs[p].AutoLoad() {
			return true
		}
	}
	return false
}

// takeOver makes the fds of maps and programs the skeleton's own, and maps global data.
func (l *loading) takeOver() *LoadError {
	if i, err := l.attachAreas(); err != nil {
		return l.fail(opMapData+l.spec.Maps[i].Name, err)
	}
	for i := range l.areas {
		if a := &l.areas[i]; l.maps[a.of].arena() != nil {
			a.unmap()
		}
	}
	if l.opts.Externs {
		l.externs = l.readExterns()
	}
	for i := range l.maps {
		l.maps[i].fd.set(int(*l.slot(l.spec.Maps[i].Slot)))
	}
	for i := range l.programs {
		if p := &l.programs[i]; p.AutoLoad() {
			p.fd.set(int(*l.slot(p.spec.Slot)))
		}
	}
	return nil
}

// closeRest closes what the loader has opened for its own use, and after a failure everything.
func (l *loading) closeRest(failed bool) {
	for _, step := range l.spec.Steps {
		num := 0
		switch step.Kind {
		case StepLoadBTF, StepCreateInner:
			num = int(*l.slot(step.Result))
		case StepCreateMap, StepLoadProgram:
			if failed {
				num = int(*l.slot(step.Result))
			}
		case StepFindTarget:
			if f := l.found(step.Result); f.errno() == 0 {
				num = f.btfFD()
			}
		case StepFindExtern:
			if f := l.found(step.Result); f.errno() == 0 && l.spec.Externs[step.Index].Kind != KsymAddr {
				num = f.btfFD()
			}
		}
		if num > 0 {
			unix.Close(num)
		}
	}
}
