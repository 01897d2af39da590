package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A Request describes a load, including its changes to the object.
type Request struct {
	Spec *spec.Spec
	// Features is a *[Features]. It is untyped because each binary contains the descriptions of all
	// types that a Request refers to, and would then contain the code of unused features.
	Features unsafe.Pointer
	// Areas is the memory of global data, in the order of the maps. An area that has memory already
	// holds the initial value there, and gets the kernel's memory at the same address.
	Areas []Area
	// Entries lists the maps whose size differs from the object's.
	Entries []Entries
	// Wanted lists the programs that are loaded although the object excludes them, or the other way
	// round.
	Wanted []Wanted
	// Targets are the attach targets that replace those named by the programs' sections: a
	// *[Target] or nil. It is untyped because the description of the type would add 1 KB to each
	// binary.
	Targets unsafe.Pointer
	// FindTargets is [UseTargets] if there are Targets, for objects whose Features lack it.
	FindTargets func(*Request) *spec.Failure
	// loaded is the result of a load whose targets were found first.
	loaded *Loaded
	// Longer lists the steps whose attr must be longer than in the blob, nil for none. It is a
	// pointer because a Request is allocated for each load.
	Longer *[]Longer
	// Skip lists the steps that must not run, for any reason, by their indices in Spec.Steps.
	Skip []int
	// Pins is a *PinOptions, for the maps that the source pins by name; see [UsePins]. It is
	// untyped because the type would add 2 KB to each binary.
	Pins unsafe.Pointer
	// Externs is [ReadExterns], which reads how the externs were resolved, or nil if the result is
	// not needed.
	Externs func(*Loaded) []Extern
	// Kconfig is a *[KconfigSource], which is read for __kconfig variables before the machine's own
	// configuration; nil for none. It is untyped because the type's description would be in each
	// binary.
	Kconfig unsafe.Pointer
	// Keyring has the certificates that verify a signed package.
	Keyring Keyring
	// RequireSignature makes a load fail if the kernel has not verified the package.
	RequireSignature bool
	// token is the file descriptor of a BPF token, 0 for none: see token.go.
	token int32
}

func (r *Request) features() *Features { return (*Features)(r.Features) }

// findTargets returns the code that finds targets, or nil if it has nothing to do.
func (r *Request) findTargets() func(*Request) *spec.Failure {
	if find := r.features().Targets; find != nil {
		return find
	}
	return r.FindTargets
}

// incomparable makes a struct not comparable, which saves the code that compares it: 4 KB in a
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

// wants reports whether a program is to be loaded.
func (r *Request) wants(program int32) bool {
	for i := range r.Wanted {
		if w := &r.Wanted[i]; w.Program == program {
			return w.Load
		}
	}
	return r.Spec.Programs[program].AutoLoad
}

// Loaded is the result of a successful load. The caller owns each file descriptor that it requests,
// and must call Release when it has all of them.
type Loaded struct {
	// The Areas are mapped now, except those of arenas.
	Arenas []Area
	// Entries lists the maps whose size differs from the object's: requested, or fitted to the
	// machine.
	Entries []Entries
	// InnerBTF is for maps of maps.
	InnerBTF []InnerBTF
	Externs  []Extern
	// Signature describes what the kernel has verified. It is nil for a package that cannot be
	// signed.
	Signature *Verdict
	// Interpreted is set if the load did not run a loader program; see [Interpret].
	Interpreted bool

	spec *spec.Spec
	blob *blobMap
}

// A Verdict is the result of verifying a package's signature.
type Verdict struct {
	_ incomparable

	Verified bool
	Form     spec.SignedForm
	Keyring  Keyring // the keyring that has the certificate
	Reason   string  // why it was not verified
}

// MapFD returns the file descriptor of a map by its index. The caller then owns it.
func (l *Loaded) MapFD(i int) int { return int(*l.blob.slot(l.spec.Maps[i].Slot)) }

// ProgramFD returns the file descriptor of a program by its index, or 0 if it was not to be loaded.
func (l *Loaded) ProgramFD(i int) int { return max(0, int(*l.blob.slot(l.spec.Programs[i].Slot))) }

// Release closes the loader's map.
func (l *Loaded) Release() { l.blob.close() }

// Features holds the code that not every object needs. Generated code refers only to the features
// of its object, so the linker omits the others; see [AllFeatures].
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
	// Room is for requests that extend attrs: [UseRoom].
	Room func() Room
	// Kconfig is for objects with __kconfig variables: [UseKconfig].
	Kconfig func() Hook
	// OddBTF is for objects whose BTF kernels may reject: [UseOddBTF].
	OddBTF func(*engine, *spec.Failure) *spec.Failure
	// Targets is for objects with programs whose section names no target, and for requests with
	// targets: [UseTargets].
	Targets func(*Request) *spec.Failure
	// Reuse is for maps that exist before the load: [UseReuse], [AddExisting], [UsePins].
	Reuse Reuse
}

// AllFeatures returns all features, for objects that are known only at run time.
func AllFeatures() *Features {
	return &Features{
		Outside: UseOutside, Parts: UseParts, Signed: UseSigned, Inner: UseInner, Room: UseRoom, Kconfig: UseKconfig, OddBTF: UseOddBTF, Targets: UseTargets,
		Reuse: UsePins,
	}
}

// Hook is code that runs at two points of a load.
type Hook struct {
	patch  func(*engine) error         // when the blob is patched
	loaded func(*engine) *spec.Failure // when the loader has run
}

// Outside creates what the loader must not create, and returns a loader without these steps.
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
