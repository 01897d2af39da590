package load

import (
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
)

// An Extern describes how an extern was resolved.
type Extern struct {
	_ incomparable

	Spec *spec.ExternSpec
	// Found is false for a weak symbol that the kernel does not have.
	Found bool
	// BTFID is the symbol's type in the BTF of vmlinux or of the module; 0 for a KsymAddr.
	BTFID uint32
	// Address is the address in kallsyms, for a KsymAddr.
	Address uint64
	// Module is the kernel module that has the symbol, "" for vmlinux.
	Module string
}

// ReadExterns reads the results of the loader's lookups. The fds of modules' BTF must still be
// open.
func ReadExterns(l *Loaded) []Extern {
	externs := make([]Extern, len(l.spec.Externs))
	for i := range externs {
		x := &l.spec.Externs[i]
		e := &externs[i]
		e.Spec = x
		f := l.blob.found(x.Slot)
		if f.errno() != 0 {
			continue
		}
		e.Found = true
		if x.Kind == spec.KsymAddr {
			e.Address = uint64(l.blob.found(x.Slot + 2))
			continue
		}
		e.BTFID = f.btfID()
		if fd := f.btfFD(); fd > 0 {
			e.Module = sys.BtfName(fd)
		}
	}
	return externs
}
