package sameload

import (
	"debug/elf"
	"errors"
	"fmt"
)

// PrefersFull reports whether libbpf's loader is not to be trusted with an object: one with weak
// kernel symbols. Where a program asks whether a weak kfunc is there and then calls it, the loader
// of Debian 12's libbpf finds the kfunc for the call and not for the question, so that the program
// never calls it.
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
