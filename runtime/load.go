package runtime

import (
	"fmt"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
)

// LoadOptions change how an object is loaded. A nil *LoadOptions is the default.
type LoadOptions struct {
	// Externs asks how each extern was resolved: [ReadExterns], for [Skeleton.Externs].
	Externs ExternReader
	// Fallback says what to do where a loader program cannot do the load. It is for programs that
	// import package runtime/oldkernel, whose import alone sets one for all loads: this field is
	// for another one, such as oldkernel.Always.
	Fallback Fallback
	// Kfuncs compares the prototypes of kernel functions with the running kernel's, and refuses
	// what does not match: kfunccheck.Compare, of package runtime/kfunccheck. Nothing is compared
	// if it is not set.
	Kfuncs KfuncChecker
	// Kconfig is a kernel configuration for an object with __kconfig variables: what it has counts
	// before the machine's own, /proc/config.gz or else /boot/config-*, which is read for what it
	// does not have. [KconfigFile] and [KconfigReader] make one. It changes nothing about objects
	// without such variables.
	Kconfig *KconfigSource
	// Pins are about the maps that the source pins by name: where they are, /sys/fs/bpf if it is
	// nil, and what happens if one is there that is not as the object has it.
	Pins *PinOptions
	// Keyring has the certificates to verify a signed package with: the
	// session's keyring, if nothing else is said.
	Keyring Keyring
	// RequireSignature refuses to load what the kernel has not verified.
	RequireSignature bool
}

// Load brings the object into the kernel: all its maps, and all its programs but those that
// SetAutoLoad leaves out. A failed Load gives everything back and can be tried again; its error is
// a *[LoadError].
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

// Fallback has a load done in another way where the kernel has no loader programs or lacks what
// they need. Package runtime/oldkernel has them.
type Fallback func(*load.Features) *load.Features

// Interpreted reports whether the object was loaded without a loader program, for the kernel's
// sake: see package runtime/oldkernel, without which it never is.
func (s *Skeleton) Interpreted() bool { return s != nil && s.interpreted }

// request says what the caller has changed since Open.
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

// take makes what was loaded the skeleton's own.
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

// KfuncChecker compares kernel functions before a load; its error is a *[LoadError]. It is in a
// package of its own, runtime/kfunccheck, so that the code is only in programs that use it.
type KfuncChecker func(*load.Request) error

// Extern says how an extern was resolved: a kernel function or variable that a program refers to.
type Extern = load.Extern

// ExternReader reads how externs were resolved; [ReadExterns] is the only one.
type ExternReader func(*load.Loaded) []load.Extern

// ReadExterns is for [LoadOptions].Externs. It is a function, and not a flag, so that the code is
// only in programs that use it.
func ReadExterns(l *load.Loaded) []load.Extern { return load.ReadExterns(l) }

// Externs returns how each extern was resolved, in the order of the Spec. It is nil unless
// LoadOptions.Externs was set.
func (s *Skeleton) Externs() []Extern { return s.externs }

// Spec describes an object: its Name, and its Maps, Programs and Externs. A generated package has
// one, which [Skeleton.Spec] returns, and package loader makes one of an object file. The rest of
// it is for the loader, and may change with any version.
type Spec = spec.Spec

// MapSpec describes a map as the object defines it: Name, Type, KeySize,
// ValueSize, MaxEntries, Flags, Extra (map_extra), and Pinning, which is the
// number that the source gives. The rest is for the loader.
type MapSpec = spec.MapSpec

// ProgramSpec describes a program as the object defines it: Name, Section, Type,
// AttachType, Flags, AutoLoad, and AttachTo, which is the part of the section's
// name that says where to attach. The rest is for the loader.
type ProgramSpec = spec.ProgramSpec

// ExternSpec describes a symbol that the kernel resolves: its Name, and whether it
// is Weak. The rest is for the loader.
type ExternSpec = spec.ExternSpec
