package uprobe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/unix"

	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// Options are options for attaching a uprobe. Nil means the defaults.
type Options struct {
	// Offset is an offset into the function, in bytes.
	Offset uint64
	// PID restricts the probe to one process. Zero means all processes.
	PID int
	// Cookie is the value that bpf_get_attach_cookie returns.
	Cookie uint64
	// Address is the function's virtual address in the file, as shown by nm. It is for files
	// without symbols: if it is set, the symbol is not looked up.
	Address uint64
	// RefCtrOffset is the offset in the file of a USDT probe's semaphore. Zero means none.
	RefCtrOffset uint64
}

// Attach attaches a program to the entry of a function in a file. Its error is a
// [*runtime.ProgramError], which wraps [ErrNoSymbol] if the file has no such function.
func Attach(p runtime.UprobeProgram, file, symbol string, opts *Options) (*runtime.Link, error) {
	return attach(p, nil, "uprobe", file, symbol, opts)
}

// AttachReturn attaches a program to the return of a function in a file; see [Attach]. Do not use
// it on functions of Go programs: they crash if their stack is moved during the call.
func AttachReturn(p runtime.UprobeProgram, file, symbol string, opts *Options) (*runtime.Link, error) {
	return attach(p, nil, "uretprobe", file, symbol, opts)
}

// Attach is like the function [Attach], but does not open the file again.
func (f *File) Attach(p runtime.UprobeProgram, symbol string, opts *Options) (*runtime.Link, error) {
	return attach(p, f, "uprobe", f.path, symbol, opts)
}

// AttachReturn is like the function [AttachReturn], but does not open the file again.
func (f *File) AttachReturn(p runtime.UprobeProgram, symbol string, opts *Options) (*runtime.Link, error) {
	return attach(p, f, "uretprobe", f.path, symbol, opts)
}

func attach(p runtime.UprobeProgram, f *File, kind, file, symbol string, opts *Options) (*runtime.Link, error) {
	if opts == nil {
		opts = &Options{}
	}
	fail := func(err error) (*runtime.Link, error) {
		return nil, programError(p.Program, "attach "+kind+" to "+file+":"+symbol, err)
	}
	var err error
	if f == nil {
		if f, err = Open(file); err != nil {
			return fail(err)
		}
	}
	var offset uint64
	if opts.Address != 0 {
		offset, err = f.OffsetOf(opts.Address)
	} else {
		offset, err = f.Offset(symbol)
	}
	if err != nil {
		return fail(err)
	}
	how := &runtime.UprobeOptions{PID: opts.PID, RefCtrOffset: opts.RefCtrOffset, Cookie: opts.Cookie}
	if kind == "uretprobe" {
		return p.AttachUretprobe(f.path, offset+opts.Offset, how)
	}
	return p.AttachUprobe(f.path, offset+opts.Offset, how)
}

// programError returns an error like those of package runtime.
func programError(p *runtime.Program, op string, err error) error {
	name := ""
	if p != nil {
		name = p.Name()
	}
	return &runtime.ProgramError{Program: name, Op: op, Err: err}
}

// MultiOptions are options for attaching uprobes with one link. Nil means the defaults.
type MultiOptions struct {
	// PID restricts the probes to one process. Zero means all processes.
	PID int
	// Cookies are the values that bpf_get_attach_cookie returns, one for each symbol, or nil. All
	// functions that match a pattern have the pattern's cookie.
	Cookies []uint64
}

// AttachMulti attaches a program to the entries of several functions in a file, or to none (6.6). A
// symbol with * or ? is a pattern for all functions that match it.
func AttachMulti(p runtime.UprobeMultiProgram, file string, symbols []string, opts *MultiOptions) (*runtime.Link, error) {
	return attachMulti(p, nil, "uprobe.multi", file, symbols, opts)
}

// AttachReturnMulti attaches a program to the returns of several functions in a file, or to none
// (6.6); see [AttachMulti].
func AttachReturnMulti(p runtime.UprobeMultiProgram, file string, symbols []string, opts *MultiOptions) (*runtime.Link, error) {
	return attachMulti(p, nil, "uretprobe.multi", file, symbols, opts)
}

// AttachMulti is like the function [AttachMulti], but does not open the file again.
func (f *File) AttachMulti(p runtime.UprobeMultiProgram, symbols []string, opts *MultiOptions) (*runtime.Link, error) {
	return attachMulti(p, f, "uprobe.multi", f.path, symbols, opts)
}

// AttachReturnMulti is like the function [AttachReturnMulti], but does not open the file again.
func (f *File) AttachReturnMulti(p runtime.UprobeMultiProgram, symbols []string, opts *MultiOptions) (*runtime.Link, error) {
	return attachMulti(p, f, "uretprobe.multi", f.path, symbols, opts)
}

func attachMulti(p runtime.UprobeMultiProgram, f *File, kind, file string, symbols []string, opts *MultiOptions) (*runtime.Link, error) {
	if opts == nil {
		opts = &MultiOptions{}
	}
	fail := func(err error) (*runtime.Link, error) {
		return nil, programError(p.Program, "attach "+kind+" to "+file+":"+strings.Join(symbols, ","), err)
	}
	if opts.Cookies != nil && len(opts.Cookies) != len(symbols) {
		return fail(fmt.Errorf("%d Cookies for %d symbols: %w", len(opts.Cookies), len(symbols), unix.EINVAL))
	}
	var err error
	if f == nil {
		if f, err = Open(file); err != nil {
			return fail(err)
		}
	}
	offsets, cookies, err := f.offsets(symbols, opts.Cookies)
	if err != nil {
		return fail(err)
	}
	how := &runtime.UprobeMultiOptions{PID: opts.PID, Cookies: cookies}
	if kind == "uretprobe.multi" {
		return p.AttachUretprobeMulti(f.path, offsets, how)
	}
	return p.AttachUprobeMulti(f.path, offsets, how)
}

// offsets returns the offsets of all functions that symbols name or match, without duplicates.
func (f *File) offsets(symbols []string, cookies []uint64) (offsets, each []uint64, err error) {
	seen := map[uint64]bool{}
	for i, symbol := range symbols {
		names := []string{symbol}
		if isPattern(symbol) {
			if names, err = f.Match(symbol); err != nil {
				return nil, nil, err
			}
			if len(names) == 0 {
				return nil, nil, fmt.Errorf("%s: no function matches %q: %w", f.path, symbol, ErrNoSymbol)
			}
		}
		for _, name := range names {
			offset, err := f.Offset(name)
			if err != nil {
				return nil, nil, err
			}
			if seen[offset] {
				continue // two names of one function
			}
			seen[offset] = true
			offsets = append(offsets, offset)
			if cookies != nil {
				each = append(each, cookies[i])
			}
		}
	}
	return offsets, each, nil
}

// AttachSection attaches a program to what its section names, such as uprobe//usr/bin/bash:readline
// or uretprobe/libc.so.6:malloc+0x10. If the section names nothing, it fails with
// [runtime.ErrNoAttachTarget]. An offset in the section's name is added to the one in opts.
func AttachSection(p runtime.UprobeProgram, opts *Options) (*runtime.Link, error) {
	kind, file, symbol, err := section(p.Program, "uprobe", "uretprobe")
	if err != nil {
		return nil, programError(p.Program, "attach by section", err)
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if i := strings.LastIndex(symbol, "+"); i >= 0 {
		offset, err := strconv.ParseUint(symbol[i+1:], 0, 64)
		if err != nil {
			return nil, programError(p.Program, "attach by section", fmt.Errorf("offset in section %q: %w", p.Spec().Section, err))
		}
		symbol = symbol[:i]
		o.Offset += offset
	}
	return attach(p, nil, kind, file, symbol, &o)
}

// AttachSectionMulti attaches a program to what its section names, such as
// uprobe.multi//usr/bin/bash:read*. If the section names nothing, it fails with
// [runtime.ErrNoAttachTarget].
func AttachSectionMulti(p runtime.UprobeMultiProgram, opts *MultiOptions) (*runtime.Link, error) {
	kind, file, symbol, err := section(p.Program, "uprobe.multi", "uretprobe.multi", "uprobe.session")
	if err != nil {
		return nil, programError(p.Program, "attach by section", err)
	}
	return attachMulti(p, nil, kind, file, []string{symbol}, opts)
}

// section parses a section's name, such as uprobe.s//usr/bin/bash:readline.
func section(p *runtime.Program, kinds ...string) (kind, file, symbol string, err error) {
	if p == nil {
		return "", "", "", fmt.Errorf("the program is nil: use a program of a skeleton")
	}
	spec := p.Spec()
	kind, _, _ = strings.Cut(strings.TrimPrefix(spec.Section, "?"), "/")
	kind = strings.TrimSuffix(kind, ".s") // sleepable
	i := strings.LastIndex(spec.AttachTo, ":")
	for _, k := range kinds {
		if k == kind && i > 0 && i < len(spec.AttachTo)-1 {
			return kind, spec.AttachTo[:i], spec.AttachTo[i+1:], nil
		}
	}
	return "", "", "", fmt.Errorf("section %q: %w", spec.Section, runtime.ErrNoAttachTarget)
}
