package sameload

import (
	"debug/elf"
	"errors"
	"fmt"
)

// PrefersFull reports whether libbpf's loader cannot be trusted with an object because it has weak
// kernel symbols. If a program tests whether a weak kfunc exists and then calls it, the loader of
// Debian 12's libbpf resolves the call but not the test, so the program never calls it.
func PrefersFull(obj string) (bool, error) {
	f, err := elf.Open(obj)
	if err != nil {
		return false, err
	}
	defer f.Close()
	syms, err := f.Symbols()
	if errors.Is(err, elf.ErrNoSymbols) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", obj, err)
	}
	for _, s := range syms {
		if s.Section == elf.SHN_UNDEF && elf.ST_BIND(s.Info) == elf.STB_WEAK {
			return true, nil
		}
	}
	return false, nil
}
