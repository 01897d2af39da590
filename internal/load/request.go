package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A Request describes a load, and its changes to the object.
type Request struct {
	Spec *spec.Spec
	// Features is a *[Features]. It has no type: all that a Request refers to is described in each
	// binary, and so would the code be that it does without.
	Features unsafe.Pointer
	// Areas are the memory of global data, in the order of the maps. One that has memory already
	// has the initial value there, and gets the kernel's memory at the same address.
	Areas []Area
	// Entries are the maps whose size is not the object's.
	Entries []Entries
	// Wanted are the programs that are loaded although the object does not say so, or the other way
	// round.
	Wanted []Wanted
	// Targets are what programs are loaded for, in the place of what their sections name: a
	// *[Target] or nil, without that type, whose description is 1 KB in each binary.
	Targets unsafe.Pointer
	// FindTargets is [UseTargets] where there are Targets, for objects whose Features do without.
	FindTargets func(*Request) *spec.Failure
	// loaded is the result of a load whose targets were found first.
	loaded *Loaded
	// Longer are the steps whose attr has to be longer than in the blob, nil for none. By a
	// pointer, since a Request is allocated for each load.
	Longer *[]Longer
	// Skip are the steps that must not run, by their indices in Spec.Steps, whatever the reason.
	Skip []int
	// Pins is a *PinOptions, about the maps that the source pins by name; see [UsePins]. Types of
	// fields are in each binary: that one is 2 KB.
	Pins unsafe.Pointer
	// Externs reads what became of the externs, nil if nobody wants to know: [ReadExterns].
	Externs func(*Loaded) []Extern
	// Kconfig is a *[KconfigSource], which is read for __kconfig variables before the machine's own
	// configuration; nil for none. It has no type, whose description would be in each binary.
	Kconfig unsafe.Pointer
	// Keyring has the certificates to verify a signed package with.
	Keyring Keyring
	// RequireSignature refuses to load what the kernel has not verified.
	RequireSignature bool
	// token is the file descriptor of a BPF token, 0 for none: see token.go.
	token int32
}

func (r *Request) features() *Features { return (*Features)(r.Features) }

// findTargets returns the code that finds targets, nil if there is nothing for it to do.
func (r *Request) findTargets() func(*Request) *spec.Failure {
	if find := r.features().Targets; find != nil {
		return find
	}
	return r.FindTargets
}

// incomparable makes structs not comparable, which saves the code that compares them: 4 KB in a
// small program. As the first field it takes no space.
type incomparable = [0][]byte

// Entries is the number of entries of a map.
type Entries struct {
	Map        int32 // index in Spec.Maps
	MaxEntries uint32
}

// Wanted sets whether a program is loaded.
type Wanted struct {
	_ incomparable

	Program int32 // index in Spec.Programs
	Load    bool
}

// wants reports whether the program of that index is to be loaded.
func (r *Request) wants(program int32) bool {
	for i := range r.Wanted {
		if w := &r.Wanted[i]; w.Program == program {
			return w.Load
		}
	}
	return r.Spec.Programs[program].AutoLoad
}

// Loaded is the result of a successful load. The caller owns each file descriptor that it requests,
// and calls Release when it has all of them.
type Loaded struct {
	// Areas are mapped now, but for those of arenas.
	Arenas []Area
	// Entries are the maps whose size is not the object's: asked for, or fitted to the machine.
	Entries []Entries
	// InnerBTF are for the maps of maps.
	InnerBTF []InnerBTF
	Externs  []Extern
	// Signature says what the kernel has verified, nil for a package that cannot be signed.
	Signature *Verdict
	// Interpreted is set if no loader program has run: [Interpret].
	Interpreted bool

	spec *spec.Spec
	blob *blobMap
}

// A Verdict is the result of verifying a package's signature.
type Verdict struct {
	_ incomparable

	Verified bool
	Form     spec.SignedForm
	Keyring  Keyring // that has the certificate
	Reason   string  // why it was not verified
}

// MapFD returns the file descriptor of the map of that index, which the caller owns from then on.
func (l *Loaded) MapFD(i int) int { return int(*l.blob.slot(l.spec.Maps[i].Slot)) }

// ProgramFD returns the file descriptor of the program of that index, 0 if it was not to be loaded.
func (l *Loaded) ProgramFD(i int) int { return max(0, int(*l.blob.slot(l.spec.Programs[i].Slot))) }

// Release lets go of the loader's map.
func (l *Loaded) Release() { l.blob.close() }

// Features holds the code that not every object needs. Generated code names the features of its
// object, so that the linker omits the others; see [AllFeatures].
type Features struct {
	// Outside is for objects with maps, or BTF, that are created before the loader runs:
	// [UseOutside].
	Outside func() Outside
	// Parts is for loaders that work in parts: [UseParts].
	Parts func() Parts
	// Signed is for packages that can be signed: [UseSigned].
	Signed func() Signed
	// Inner is for objects with maps of maps: [UseInner].
	Inner func() Hook
	// Room is for requests that make attrs longer: [UseRoom].
	Room func() Room
	// Kconfig is for objects with __kconfig variables: [UseKconfig].
	Kconfig func() Hook
	// OddBTF is for objects whose BTF kernels may refuse: [UseOddBTF].
	OddBTF func(*engine, *spec.Failure) *spec.Failure
	// Targets is for objects with programs whose section names no target, and for requests with
	// targets: [UseTargets].
	Targets func(*Request) *spec.Failure
	// Reuse is for maps that exist before the load: [UseReuse], [AddExisting], [UsePins].
	Reuse Reuse
}

// AllFeatures are for objects that are known only at run time.
func AllFeatures() *Features {
	return &Features{
		Outside: UseOutside, Parts: UseParts, Signed: UseSigned, Inner: UseInner, Room: UseRoom, Kconfig: UseKconfig, OddBTF: UseOddBTF, Targets: UseTargets,
		Reuse: UsePins,
	}
}

// Hook is code that has something to do at two moments of a load.
type Hook struct {
	patch  func(*engine) error         // when the blob is patched
	loaded func(*engine) *spec.Failure // when the loader has run
}

// Outside creates what must not be created inside the loader, and returns a loader without these
// steps.
type Outside struct {
	create func(*engine) (loader string, failure *spec.Failure)
}

// Parts runs a loader that works in parts.
type Parts struct {
	check func(*spec.Spec) error
	run   func(e *engine, loader string) *spec.Failure
	again func(e *engine, f *spec.Failure) bool
}

// Signed loads a package in a way that the kernel can verify.
type Signed struct {
	changed func(*Request) *spec.Failure
	attempt func(*engine) (done bool, failure *spec.Failure)
}

// UseOutside returns the code for objects with parts that are created outside.
func UseOutside() Outside { return Outside{(*engine).createOutside} }

// UseParts returns the code for loaders in parts.
func UseParts() Parts {
	return Parts{(*spec.Spec).CheckParts, (*engine).runParts, (*engine).partsAgain}
}

// UseSigned returns the code for packages that can be signed.
func UseSigned() Signed { return Signed{(*Request).changed, (*engine).attemptSigned} }

// Check returns an error if the Spec is damaged, or if Features lacks code that it needs.
func (f *Features) Check(s *spec.Spec) error {
	if err := s.Check(); err != nil {
		return err
	}
	needs := ""
	switch {
	case s.Outside() && f.Outside == nil:
		needs = "Outside"
	case s.HasInner() && f.Inner == nil:
		needs = "Inner"
	case s.Phases != nil && f.Parts == nil, s.CORE.ValueCount > 0 && s.Phases == nil:
		needs = "Parts"
	case s.Signed != nil && f.Signed == nil:
		needs = "Signed"
	case s.Kconfig != "" && f.Kconfig == nil:
		needs = "Kconfig"
	}
	if needs != "" {
		return spec.DamagedError("the Go file: the object needs Use" + needs)
	}
	if s.Phases != nil {
		return f.Parts().check(s)
	}
	return nil
}

// interrupted reports whether a load failed only because a signal was pending.
func interrupted(f *spec.Failure) bool { return f.Errno == unix.EAGAIN || f.Errno == unix.EINTR }
