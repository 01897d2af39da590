package load

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// engine is a load in progress.
type engine struct {
	Loaded
	// req is a value, not a pointer: one allocation takes less memory and time than two.
	req Request

	// quick lets other threads help, and makes the loader resolve CO-RE.
	quick bool
	// again is set if another attempt is worthwhile: the failed attempt was a quick one that does
	// not show the reason, or the failed step succeeds by itself.
	again bool
	// verified is set while the kernel has verified the signature of the running loader.
	verified bool
	// asked is the number of elements of Request.Skip that the caller has set. It is valid once
	// reuses is set, the blob that existing maps were last put into.
	asked  int32
	reuses *blobMap
	// finish, if set, is called instead of attachAreas once everything is loaded, and does what
	// attachAreas does too.
	finish func(*engine) *spec.Failure
	// logs is the context of a loader that can be signed: the first of Spec.LogRequests elements.
	logs *spec.LogRequest
	// lines is the line info of a loader with appended functions: one line for each function, as
	// the kernel requires (check_btf_line). It is nil for other loaders. It is a pointer because an
	// engine is allocated for each load.
	lines *[]sys.LineInfo
}

// attempt runs the loader once. After a failure, it leaves nothing open.
func (e *engine) attempt() *spec.Failure {
	e.again, e.lines = false, nil
	if e.spec.Signed != nil {
		if done, failure := e.req.features().Signed().attempt(e); done {
			return failure
		}
	}
	extra := uint32(0)
	if e.req.Longer != nil {
		extra = e.req.features().Room().extra(&e.req)
	}
	blob, op, errno := newBlobMap(e.spec.Blob, extra, e.req.token)
	if errno != 0 {
		return e.fail(op, errno)
	}
	e.blob = blob
	if err := e.patch(); err != nil {
		e.blob.close()
		return e.fail(spec.OpPatch, err)
	}
	loader, failure := e.spec.Loader, (*spec.Failure)(nil)
	if e.req.features().Reuse != nil {
		failure = e.req.features().Reuse(e)
	}
	if failure == nil && e.req.features().Outside != nil && e.spec.Outside() {
		loader, failure = e.req.features().Outside().create(e)
	}
	if failure == nil && len(e.req.Skip) > 0 {
		loader = e.without(loader, e.req.Skip)
	}
	if failure == nil && extra > 0 {
		loader = e.req.features().Room().make(e, loader)
	}
	if failure == nil {
		failure = e.run(loader)
	}
	return e.settle(failure)
}

// settle maps the loader's maps after a success, and closes everything after a failure.
func (e *engine) settle(failure *spec.Failure) *spec.Failure {
	if failure == nil {
		failure = e.check()
	}
	if failure == nil && e.req.features().Inner != nil && e.spec.HasInner() {
		failure = e.req.features().Inner().loaded(e)
	}
	if failure == nil {
		if e.finish != nil {
			failure = e.finish(e)
		} else {
			failure = e.attachAreas()
		}
	}
	if failure != nil && !interrupted(failure) {
		e.investigate(failure)
	}
	if failure == nil && e.req.Externs != nil {
		e.Externs = e.req.Externs(&e.Loaded)
	}
	e.closeRest(failure != nil)
	if failure != nil {
		unmapAreas(e.Arenas)
		for i := range e.InnerBTF {
			unix.Close(e.InnerBTF[i].FD)
		}
		e.Arenas, e.InnerBTF = nil, nil
		e.blob.close()
	}
	return failure
}

// patch writes values that are known only now into the blob.
func (e *engine) patch() error {
	if err := e.fit(); err != nil {
		return err
	}
	for i := range e.Entries {
		n := &e.Entries[i]
		(*sys.MapCreateAttr)(e.blob.at(e.spec.Maps[n.Map].Attr)).MaxEntries = n.MaxEntries
	}
	for i := range e.req.Areas {
		a := &e.req.Areas[i]
		if m := &e.spec.Maps[a.Map]; m.Data != 0 && a.P != nil {
			copy(e.blob.mem[m.Data:][:m.MappedSize()], a.Bytes())
		}
	}
	if e.spec.Kconfig != "" {
		if err := e.req.features().Kconfig().patch(e); err != nil {
			return err
		}
	}
	for i := range e.req.Wanted {
		w := &e.req.Wanted[i]
		p := &e.spec.Programs[w.Program]
		attr := (*sys.ProgLoadAttr)(e.blob.at(p.Attr))
		attr.InsnCnt = 0
		if w.Load {
			attr.InsnCnt = p.Insns
		}
	}
	if e.req.features().Inner != nil && e.spec.HasInner() {
		if err := e.req.features().Inner().patch(e); err != nil {
			return err
		}
	}
	if e.spec.NoAddresses != 0 && !kernelTakesKfuncAddresses() {
		*e.blob.slot(e.spec.NoAddresses) = 0
	}
	return nil
}

// run loads the loader program and runs it.
func (e *engine) run(loader string) *spec.Failure {
	if e.spec.Phases != nil {
		return e.req.features().Parts().run(e, loader)
	}
	attr := e.loaderAttr(loader)
	prog, failure := e.loadLoader(&attr, loaderAttrSize)
	runtime.KeepAlive(loader)
	if failure != nil {
		return failure
	}
	return e.start(prog)
}

// loaderLicense lets the loader call helpers that only GPL programs may call. It is unrelated to
// the license of the object.
var loaderLicense = [...]byte{'D', 'u', 'a', 'l', ' ', 'B', 'S', 'D', '/', 'G', 'P', 'L', 0}

// loaderAttrSize is the number of bytes of the loader's attr that are passed to the kernel.
const loaderAttrSize = unsafe.Offsetof(sys.ProgLoadAttr{}.FdArray) + 8

// loaderAttr returns the attr of the loader program.
func (e *engine) loaderAttr(loader string) sys.ProgLoadAttr { return loaderAttr(e.blob, loader) }

func loaderAttr(blob *blobMap, loader string) sys.ProgLoadAttr {
	attr := sys.ProgLoadAttr{
		ProgType:  sys.ProgTypeSyscall,
		InsnCnt:   uint32(len(loader) / 8),
		Insns:     sys.StringAddr(loader),
		License:   sys.Addr(unsafe.Pointer(&loaderLicense)),
		ProgFlags: sys.FlagSleepable,
		FdArray:   sys.Addr(unsafe.Pointer(&blob.fd)),
	}
	copy(attr.ProgName[:], "__loader.prog")
	return attr
}

// loadLoader loads the loader program. The caller must keep alive everything that the attr refers
// to, except the loader's map.
func (e *engine) loadLoader(attr *sys.ProgLoadAttr, size uintptr) (prog int, failure *spec.Failure) {
	if token := e.req.token; token != 0 {
		attr.ProgFlags |= sys.FlagTokenFd
		attr.ProgTokenFd = token
		size = unsafe.Offsetof(attr.FdArrayCnt)
	}
	prog, errno := sys.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), size)
	runtime.KeepAlive(e.blob)
	if errno == 0 {
		return prog, nil
	}
	failure = e.fail(spec.OpLoadLoader, errno)
	if !interrupted(failure) && failure.Errno != unix.EMFILE {
		e.loaderLog(failure, attr, size)
	}
	return -1, failure
}

// start runs the loader program, and closes it.
func (e *engine) start(prog int) *spec.Failure {
	defer unix.Close(prog)
	run := sys.ProgRunAttr{ProgFd: uint32(prog)}
	if e.logs != nil {
		run.CtxIn = sys.Addr(unsafe.Pointer(e.logs))
		run.CtxSizeIn = uint32(e.spec.LogRequests()) * uint32(unsafe.Sizeof(*e.logs))
	}
	_, errno := sys.BPF(sys.CmdProgRun, unsafe.Pointer(&run), unsafe.Offsetof(run.BatchSize))
	runtime.KeepAlive(e.logs)
	if errno == 0 && int32(run.Retval) < 0 {
		errno = unix.Errno(-int32(run.Retval)) // the error of the hash check, the only one that the loader returns
	}
	if errno != 0 {
		return e.fail(spec.OpRunLoader, errno)
	}
	return nil
}

// check returns the failure of the first step that failed and should not have, or nil.
func (e *engine) check() *spec.Failure {
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		if errno := e.errno(step); errno != 0 && !e.mayFail(i, step) {
			return e.failStep(i, errno)
		}
	}
	return nil
}

// errno returns the error of a step, or 0.
func (e *engine) errno(step *spec.Step) unix.Errno {
	if step.Kind.Finds() {
		return e.blob.found(step.Result).errno()
	}
	if r := *e.blob.slot(step.Result); r < 0 {
		return unix.Errno(-r)
	}
	return 0
}

// mayFail reports whether to ignore a step's failure.
func (e *engine) mayFail(i int, step *spec.Step) bool {
	if slices.Contains(e.req.Skip, i) {
		return true
	}
	switch step.Kind {
	case spec.StepLoadProgram:
		return !e.req.wants(step.Index)
	case spec.StepFindExtern:
		x := &e.spec.Externs[step.Index]
		return x.Weak || !slices.ContainsFunc(x.Programs, e.req.wants)
	case spec.StepFindTarget:
		for i := range e.spec.Programs {
			if e.spec.Programs[i].Target == step.Index && e.req.wants(int32(i)) {
				return false
			}
		}
		return true
	}
	return false
}

// missing returns the names of weak kfuncs that a program refers to but that were not found.
func (e *engine) missing(program int32) (names []string) {
	for i := range e.spec.Externs {
		x := &e.spec.Externs[i]
		if x.Kind == spec.Kfunc && x.Weak && e.blob.found(x.Slot).errno() != 0 && slices.Contains(x.Programs, program) {
			names = append(names, x.Name)
		}
	}
	return names
}

// closeRest closes the files that only the loader needed, or all files after a failure.
func (e *engine) closeRest(failed bool) {
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		num := 0
		switch step.Kind {
		case spec.StepLoadBTF, spec.StepCreateInner:
			num = int(*e.blob.slot(step.Result))
		case spec.StepCreateMap, spec.StepLoadProgram:
			if failed {
				num = int(*e.blob.slot(step.Result))
			}
		case spec.StepFindTarget:
			if f := e.blob.found(step.Result); f.errno() == 0 {
				num = f.btfFD()
			}
		case spec.StepFindExtern:
			if f := e.blob.found(step.Result); f.errno() == 0 && e.spec.Externs[step.Index].Kind != spec.KsymAddr {
				num = f.btfFD()
			}
		}
		if num > 0 {
			unix.Close(num)
		}
	}
}

// without returns a loader that skips these steps.
func (e *engine) without(loader string, steps []int) string {
	insns := []byte(loader)
	var nop [8]byte // if true goto +0
	nop[0] = sys.OpJa
	for _, i := range steps {
		step := &e.spec.Steps[i]
		for insn := step.Start; insn < step.End; insn++ {
			copy(insns[8*insn:], nop[:])
		}
	}
	return unsafe.String(unsafe.SliceData(insns), len(insns))
}
