//go:build !windows

package ebpfinterop

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// AttachUprobe attaches a program to the entry of a function, given by its name in an executable or
// library. opts may be nil.
func AttachUprobe(p runtime.UprobeProgram, file, symbol string, opts *link.UprobeOptions) (link.Link, error) {
	return attach(p, file, func(ex *link.Executable, prog *ebpf.Program) (link.Link, error) {
		return ex.Uprobe(symbol, prog, opts)
	})
}

// AttachUretprobe attaches a program to the return of a function, given by its name in an
// executable or library. opts may be nil.
func AttachUretprobe(p runtime.UprobeProgram, file, symbol string, opts *link.UprobeOptions) (link.Link, error) {
	return attach(p, file, func(ex *link.Executable, prog *ebpf.Program) (link.Link, error) {
		return ex.Uretprobe(symbol, prog, opts)
	})
}

// AttachUprobeMulti attaches a program to the entries of several functions, given by their names in
// an executable or library (6.6). opts may be nil.
func AttachUprobeMulti(p runtime.UprobeMultiProgram, file string, symbols []string, opts *link.UprobeMultiOptions) (link.Link, error) {
	return attach(p, file, func(ex *link.Executable, prog *ebpf.Program) (link.Link, error) {
		return ex.UprobeMulti(symbols, prog, opts)
	})
}

// AttachUretprobeMulti attaches a program to the returns of several functions, given by their names
// in an executable or library (6.6). opts may be nil.
func AttachUretprobeMulti(p runtime.UprobeMultiProgram, file string, symbols []string, opts *link.UprobeMultiOptions) (link.Link, error) {
	return attach(p, file, func(ex *link.Executable, prog *ebpf.Program) (link.Link, error) {
		return ex.UretprobeMulti(symbols, prog, opts)
	})
}

// AttachUprobeSection attaches a program to what its section names, such as
// uprobe//usr/bin/bash:readline or uretprobe//usr/lib/libc.so.6:malloc+0x10.
func AttachUprobeSection(p runtime.UprobeProgram) (link.Link, error) {
	spec := p.Spec()
	kind, _, _ := strings.Cut(strings.TrimPrefix(spec.Section, "?"), "/")
	file, symbol, ok := cutLast(spec.AttachTo, ":")
	if !ok || !strings.HasPrefix(kind, "uprobe") && !strings.HasPrefix(kind, "uretprobe") {
		return nil, fmt.Errorf("program %s: attach by section %q: %w", p.Name(), spec.Section, runtime.ErrNoAttachTarget)
	}
	var opts link.UprobeOptions
	symbol, offset, ok := cutLast(symbol, "+")
	if ok {
		n, err := strconv.ParseUint(offset, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("program %s: offset in section %q: %w", p.Name(), spec.Section, err)
		}
		opts.Offset = n
	}
	if strings.HasPrefix(kind, "uret") {
		return AttachUretprobe(p, file, symbol, &opts)
	}
	return AttachUprobe(p, file, symbol, &opts)
}

// cutLast is strings.Cut around the last sep. Without one, it returns s, "", false.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// attach opens a file and attaches p. The link keeps a reference to the program, so the duplicate
// can be closed afterwards.
func attach(p runtime.AnyProgram, file string, do func(*link.Executable, *ebpf.Program) (link.Link, error)) (link.Link, error) {
	prog, err := Program(p)
	if err != nil {
		return nil, err
	}
	defer prog.Close()
	ex, err := link.OpenExecutable(file)
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", p.Name(), err)
	}
	l, err := do(ex, prog)
	if err != nil {
		return nil, fmt.Errorf("program %s: attach to %s: %w", p.Name(), file, err)
	}
	return l, nil
}
