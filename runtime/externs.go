package runtime

// Extern is what became of an extern when its object was loaded.
type Extern struct {
	Spec *ExternSpec
	// Found is false for a weak symbol that the kernel does not have.
	Found bool
	// BTFID is the symbol's type in the BTF of vmlinux or of the module; 0 for a KsymAddr.
	BTFID uint32
	// Address is what kallsyms says, for a KsymAddr.
	Address uint64
	// Module is the kernel module that has the symbol, "" for vmlinux.
	Module string
}

// Externs returns what became of each extern, in the order of the Spec. It is nil unless
// LoadOptions.Externs was set.
func (s *Skeleton) Externs() []Extern { return s.externs }

// readExterns reads the results of the loader's look-ups while the fds of
// modules' BTFs are open.
func (l *loading) readExterns() []Extern {
	externs := make([]Extern, len(l.spec.Externs))
	for i := range externs {
		spec := &l.spec.Externs[i]
		e := &externs[i]
		e.Spec = spec
		f := l.found(spec.Slot)
		if f.errno() != 0 {
			continue
		}
		e.Found = true
		if spec.Kind == KsymAddr {
			e.Address = uint64(l.found(spec.Slot + 2))
			continue
		}
		e.BTFID = f.btfID()
		if fd := f.btfFD(); fd > 0 {
			e.Module = btfName(fd)
		}
	}
	return externs
}
