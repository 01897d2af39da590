package load

import (
	"runtime"
	"slices"
	"sync"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/kernelbtf"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// Cloner is a program of a loaded object that can be loaded again any number of times, each time
// for another target.
//
// The loader has run once more for it, with the object's maps in their slots, and has loaded
// nothing but BTF. The attr of the program is complete, its externs are resolved, and all files
// that it refers to are open, so each clone is one plain BPF_PROG_LOAD. A Cloner is safe for
// concurrent use, except for Close.
type Cloner struct {
	e       engine
	program int32
	step    int

	// system makes the system calls if no loader program has run, one at a time, under mu. It is
	// nil otherwise.
	system Kernel

	mu      sync.Mutex
	found   int
	kernel  *kernelbtf.Functions // read once many names have been looked up
	noIndex bool
}

// manyNames is the number of names that the kernel is asked to find, at 0.3 ms each, before its BTF
// is read, which takes 10 ms.
const manyNames = 16

// ClonerMaker prepares a program to be loaded again. maps are the file descriptors of the object's
// maps, in the order of the Spec, and must stay open until Close.
type ClonerMaker func(s *spec.Spec, features unsafe.Pointer, maps []int, program int32) (*Cloner, *spec.Failure)

// NewCloner is the ClonerMaker that runs the loader in the kernel.
func NewCloner(s *spec.Spec, features unsafe.Pointer, maps []int, program int32) (*Cloner, *spec.Failure) {
	return newCloner(s, features, program, func(t *Cloner) *spec.Failure { return t.prepare(maps) })
}

// newCloner makes a Cloner that is set up to load only BTF, externs and program, and calls prepare.
func newCloner(s *spec.Spec, features unsafe.Pointer, program int32, prepare func(*Cloner) *spec.Failure) (*Cloner, *spec.Failure) {
	changed := *s
	changed.Maps = slices.Clone(s.Maps)
	changed.Kconfig, changed.Sums = "", spec.Sums{}
	for i := range changed.Maps {
		changed.Maps[i].Outside = false // no map is created
	}
	t := &Cloner{program: program, e: engine{Loaded: Loaded{spec: &changed}, req: Request{Spec: &changed, Features: features}}}
	e := &t.e
	for i := range changed.Steps {
		switch changed.Steps[i].Kind {
		case spec.StepLoadBTF, spec.StepFindExtern, spec.StepLoadProgram:
		default:
			e.req.Skip = append(e.req.Skip, i)
		}
	}
	for i := range changed.Programs {
		if changed.Programs[i].AutoLoad {
			e.req.Wanted = append(e.req.Wanted, Wanted{Program: int32(i)})
		}
	}
	if t.step = e.stepOf(program); t.step < 0 {
		return nil, e.fail(spec.OpPatch, spec.DamagedError("no step loads the program"))
	}
	release, err := holdStdFDs()
	if err != nil {
		return nil, e.fail(spec.OpHoldFDs, err)
	}
	defer release()
	failure := prepare(t)
	if failure != nil && interrupted(failure) {
		unlock, err := LockThread()
		if err != nil {
			return nil, e.fail(spec.OpMaskSignals, err)
		}
		defer unlock()
		failure = prepare(t)
	}
	if failure != nil {
		return nil, failure
	}
	return t, nil
}

// prepare runs the loader program. After a failure, it leaves nothing open.
func (t *Cloner) prepare(maps []int) *spec.Failure {
	e := &t.e
	blob, op, errno := newBlobMap(e.spec.Blob, 0, 0)
	if errno != 0 {
		return e.fail(op, errno)
	}
	e.blob = blob
	return t.runLoader(maps, func() *spec.Failure {
		loader, failure := e.spec.Loader, (*spec.Failure)(nil)
		if e.spec.BTF.Outside {
			loader, failure = e.createOutside()
		}
		if failure == nil {
			failure = e.run(e.without(loader, e.req.Skip))
		}
		return failure
	})
}

// runLoader runs the loader with the maps in their slots.
func (t *Cloner) runLoader(maps []int, run func() *spec.Failure) *spec.Failure {
	e := &t.e
	if err := e.patch(); err != nil {
		e.blob.close()
		return e.fail(spec.OpPatch, err)
	}
	for i, fd := range maps {
		*e.blob.slot(e.spec.Maps[i].Slot) = int32(fd)
	}
	failure := run()
	if failure == nil {
		failure = e.check()
	}
	for i := range e.spec.Steps {
		step := &e.spec.Steps[i]
		if failure != nil || step.Kind != spec.StepFindExtern {
			continue
		}
		if x := &e.spec.Externs[step.Index]; !x.Weak && slices.Contains(x.Programs, t.program) {
			if errno := e.errno(step); errno != 0 {
				failure = e.failStep(i, errno)
			}
		}
	}
	if failure != nil {
		t.Close()
		return failure
	}
	p := &e.spec.Programs[t.program]
	(*sys.ProgLoadAttr)(e.blob.at(p.Attr)).InsnCnt = p.Insns
	return nil
}

// Close releases the resources that clones need.
func (t *Cloner) Close() {
	t.e.closeRest(false) // the maps belong to the caller
	t.e.blob.close()
}

// Load loads the program for a target, and returns its file descriptor, which the caller owns.
func (t *Cloner) Load(target *Target) (int, *spec.Failure) {
	target.Program = t.program
	found, failure := t.find(target)
	defer found.release()
	if failure != nil {
		return -1, failure
	}
	attr, size, insns := t.e.programAgain(t.step)
	if size == 0 {
		return -1, t.fail(target, unix.EINVAL)
	}
	attr.AttachBtfId, attr.AttachBtfObjFd = found.btfID, uint32(found.fd)
	size = max(size, uintptr(targetEnd))
	num, errno := t.loadProgram(&attr, size)
	if errno == unix.EAGAIN || errno == unix.EINTR {
		if unlock, err := LockThread(); err == nil {
			num, errno = t.loadProgram(&attr, size)
			unlock()
		}
	}
	if errno == 0 {
		runtime.KeepAlive(insns)
		return num, nil
	}
	failure = t.fail(target, errno)
	failure.Log, _ = withLog(func(l *logBuffer) (int, unix.Errno) {
		attr.LogLevel, attr.LogSize, attr.LogBuf = 1, l.size(), l.addr()
		return t.loadProgram(&attr, max(size, unsafe.Offsetof(attr.LogBuf)+8))
	})
	runtime.KeepAlive(insns)
	return -1, failure
}

// loadProgram makes the system call.
func (t *Cloner) loadProgram(attr *sys.ProgLoadAttr, size uintptr) (int, unix.Errno) {
	if t.system == nil {
		return sys.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), size)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.system.BPF(sys.CmdProgLoad, unsafe.Pointer(attr), size)
}

func (t *Cloner) fail(target *Target, errno unix.Errno) *spec.Failure {
	f := t.e.failStep(t.step, errno)
	what := target.Name
	if what == "" {
		what = "another program"
	}
	f.Doing = "load a clone of program " + t.e.spec.Programs[t.program].Name + " for " + what
	return f
}

// find finds a target. After many lookups, it reads the kernel's BTF and finds names there that are
// unique.
func (t *Cloner) find(target *Target) (foundTarget, *spec.Failure) {
	if t.system != nil && target.Open == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.e.findBy(t.system, target)
	}
	if target.Open == nil && target.Kind == sys.BtfKindFunc && target.Module == "" {
		if kernel := t.index(); kernel != nil {
			if id := kernel.ID(target.Name); id != 0 {
				return foundTarget{btfID: id}, nil
			}
		}
	}
	// A separate engine, since other goroutines use t.e at the same time.
	e := engine{Loaded: Loaded{spec: t.e.spec}, req: Request{Spec: t.e.spec, Features: t.e.req.Features}}
	e.req.Wanted = []Wanted{{Program: t.program, Load: true}}
	found, failure := e.findTargets([]*Target{target})
	if len(found) == 0 {
		return foundTarget{}, failure
	}
	return found[0], failure
}

// index returns the kernel's BTF, or nil while few names have been looked up.
func (t *Cloner) index() *kernelbtf.Functions {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.found++; t.found > manyNames && t.kernel == nil && !t.noIndex {
		kernel, err := kernelbtf.Read()
		t.kernel, t.noIndex = kernel, err != nil
	}
	return t.kernel
}
