package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// LoadOptions change how an object is loaded. A nil *LoadOptions means the defaults.
type LoadOptions struct {
	// Externs requests how each extern was resolved, for [Skeleton.Externs]. Set it to
	// [ReadExterns].
	Externs ExternReader
	// Fallback is used where a loader program cannot do the load. Importing package
	// runtime/oldkernel sets one for all loads. Set this field to use a different one, such as
	// oldkernel.Always.
	Fallback Fallback
	// Kfuncs compares the prototypes of kernel functions with those of the running kernel, and
	// refuses mismatches. Set it to kfunccheck.Compare, from package runtime/kfunccheck. If it is
	// nil, nothing is compared.
	Kfuncs KfuncChecker
	// Kconfig is a kernel configuration for an object with __kconfig variables. It takes precedence
	// over the machine's own, /proc/config.gz or else /boot/config-*, which is read only for names
	// that Kconfig lacks. [KconfigFile] and [KconfigReader] make one. Objects without such
	// variables ignore it.
	Kconfig *KconfigSource
	// Pins says where the maps are that the source pins by name, and what to do if a pinned map
	// does not match the object. If it is nil, they are in /sys/fs/bpf, and a mismatch is an error.
	Pins *PinOptions
	// Keyring has the certificates that a signed package is verified against. The zero value is the
	// session's keyring.
	Keyring Keyring
	// RequireSignature refuses to load a package that the kernel has not verified.
	RequireSignature bool
}

// Load loads the object into the kernel: all its maps, and all its programs except those disabled
// with SetAutoLoad. A failed Load releases everything it created and can be retried. Its error is a
// *[LoadError].
func (s *Skeleton) Load(opts *LoadOptions) error {
	if s == nil || s.spec == nil {
		return errNoSkeleton
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(opts)
}

func (s *Skeleton) load(opts *LoadOptions) error {
	if s.fitted != nil {
		return s.fitted(unsafe.Pointer(opts))
	}
	if err := s.ready(); err != nil {
		return fmt.Errorf("load %s: %w", s.spec.Name, err)
	}
	req := s.request(opts)
	if opts != nil && opts.Kfuncs != nil {
		checked := req // req itself stays on the stack
		if err := opts.Kfuncs(&checked); err != nil {
			return err
		}
		req = checked
	}
	if opts != nil && opts.Fallback != nil {
		req.Features = unsafe.Pointer(opts.Fallback((*load.Features)(req.Features)))
	} else if load.Old != nil {
		req.Features = unsafe.Pointer(load.Old.Fallback((*load.Features)(req.Features)))
	}
	loaded, failure := load.Run(&req)
	if failure != nil {
		if failure.Lost {
			s.state = closed
		}
		return newLoadError(failure)
	}
	s.take(loaded)
	loaded.Release()
	s.state = loadedState
	return nil
}

// Fallback selects another way to load where the kernel has no loader programs or lacks something
// they need. Package runtime/oldkernel provides fallbacks.
type Fallback func(*load.Features) *load.Features

// Interpreted reports whether the object was loaded without a loader program because the kernel
// could not run one. It is always false without package runtime/oldkernel.
func (s *Skeleton) Interpreted() bool { return s != nil && s.interpreted }

// request describes the load, including what the caller has changed since Open.
func (s *Skeleton) request(opts *LoadOptions) load.Request {
	req := load.Request{Spec: s.spec, Features: s.features, Areas: s.areas}
	if opts != nil {
		req.Externs, req.Pins, req.Kconfig = opts.Externs, unsafe.Pointer(opts.Pins), unsafe.Pointer(opts.Kconfig)
		req.Keyring, req.RequireSignature = load.Keyring(opts.Keyring), opts.RequireSignature
	}
	for i := range s.maps {
		if n := s.maps[i].MaxEntries(); n != s.spec.Maps[i].MaxEntries {
			req.Entries = append(req.Entries, load.Entries{Map: int32(i), MaxEntries: n})
		}
	}
	for i := range s.programs {
		p := &s.programs[i]
		if want := p.wanted(); want != s.spec.Programs[i].AutoLoad {
			req.Wanted = append(req.Wanted, load.Wanted{Program: int32(i), Load: want})
		}
		if c := chosenFor(p); c != nil {
			req.FindTargets = c.use
			req.Targets = c.after(int32(i), req.Targets)
		}
	}
	return req
}

// take moves what was loaded into the skeleton.
func (s *Skeleton) take(l *load.Loaded) {
	for _, n := range l.Entries {
		s.maps[n.Map].own().maxEntries = n.MaxEntries
	}
	for i := range l.Arenas {
		s.maps[l.Arenas[i].Map].own().arena = &l.Arenas[i]
	}
	for _, b := range l.InnerBTF {
		s.maps[b.Map].own().btf.set(b.FD)
	}
	for i := range s.maps {
		s.maps[i].fd.give(l.MapFD(i))
	}
	for i := range s.programs {
		if p := &s.programs[i]; p.wanted() {
			p.fd.give(l.ProgramFD(i))
		}
	}
	s.externs, s.interpreted = l.Externs, l.Interpreted
	if v := l.Signature; v != nil {
		s.signature = &Signature{Verified: v.Verified, Form: v.Form, Keyring: Keyring(v.Keyring), Reason: v.Reason}
	}
}

// KfuncChecker compares kernel functions before a load. Its error is a *[LoadError]. The code is in
// a separate package, runtime/kfunccheck, so that only programs that use it contain it.
type KfuncChecker func(*load.Request) error

// Extern describes how an extern, a kernel function or variable that a program refers to, was
// resolved.
type Extern = load.Extern

// ExternReader reads how externs were resolved. [ReadExterns] is the only one.
type ExternReader func(*load.Loaded) []load.Extern

// ReadExterns is the value to set [LoadOptions].Externs to. It is a function rather than a flag so
// that only programs that use it contain the code.
func ReadExterns(l *load.Loaded) []load.Extern { return load.ReadExterns(l) }

// Externs returns how each extern was resolved, in the order of the Spec. It returns nil unless
// LoadOptions.Externs was set.
func (s *Skeleton) Externs() []Extern { return s.externs }

// Spec describes an object: its Name, Maps, Programs and Externs. A generated package contains one,
// which [Skeleton.Spec] returns; package loader makes one from an object file. The other fields are
// for the loader and may change in any version.
type Spec = spec.Spec

// MapSpec describes a map as the object defines it: Name, Type, KeySize, ValueSize, MaxEntries,
// Flags, Extra (map_extra), and Pinning, which is the number in the source. The other fields are
// for the loader.
type MapSpec = spec.MapSpec

// ProgramSpec describes a program as the object defines it: Name, Section, Type, AttachType, Flags,
// AutoLoad, and AttachTo, the part of the section's name that says where to attach. The other
// fields are for the loader.
type ProgramSpec = spec.ProgramSpec

// ExternSpec describes a symbol that the kernel resolves: its Name, and whether it is Weak. The
// other fields are for the loader.
type ExternSpec = spec.ExternSpec
