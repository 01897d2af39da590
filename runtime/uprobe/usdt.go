package uprobe

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
	"github.com/bpf2lskel/bpf2lskel/runtime"
)

// USDTOptions are options for attaching to a USDT probe. Nil means the defaults.
type USDTOptions struct {
	// PID restricts the probe to one process. Zero means all processes. If it is set, a library
	// without a directory is the one that the process has mapped, in its own mount namespace.
	PID int
	// Cookie is the value that bpf_usdt_cookie returns.
	Cookie uint64
}

// AttachUSDT attaches a program to a USDT probe in a file, at all places where the compiler has put
// the probe. The program's source includes <bpf/usdt.bpf.h>, whose functions read the probe's
// arguments. s is the program's skeleton, which Core of a generated skeleton returns. AttachUSDT
// supports 64-bit files for x86-64, arm64 and s390x, and is safe for concurrent use.
//
// A program of section usdt is attached to all places with one link, if the kernel has such links
// (6.6). The error is a [*runtime.ProgramError], which wraps [ErrNoUSDT] if the file has no such
// probe. The Link has no file descriptor: it cannot be pinned or updated.
//
// The skeleton's map __bpf_usdt_specs has an entry for each distinct description of the arguments,
// from this call until the Link is closed. Two skeletons must not share that map.
func AttachUSDT(s *runtime.Skeleton, p runtime.USDTProgram, file, provider, name string, opts *USDTOptions) (*runtime.Link, error) {
	what := "attach to USDT probe " + file + ":" + provider + ":" + name
	if opts == nil {
		opts = &USDTOptions{}
	}
	l, err := attachUSDT(s, p.Program, what, file, provider, name, opts)
	if err == nil {
		return l, nil
	}
	return nil, programError(p.Program, what, err)
}

// AttachSectionUSDT attaches a program to the probe that its section names, such as
// usdt/libc.so.6:libc:setjmp. If the section does not name a probe, it fails with
// [runtime.ErrNoAttachTarget].
func AttachSectionUSDT(s *runtime.Skeleton, p runtime.USDTProgram, opts *USDTOptions) (*runtime.Link, error) {
	kind, rest, name, err := section(p.Program, "usdt")
	if err != nil {
		return nil, programError(p.Program, "attach by section", err)
	}
	i := strings.LastIndex(rest, ":")
	if kind == "" || i <= 0 || i == len(rest)-1 {
		return nil, programError(p.Program, "attach by section", fmt.Errorf("section %q: want usdt/FILE:PROVIDER:NAME: %w", p.Spec().Section, runtime.ErrNoAttachTarget))
	}
	return AttachUSDT(s, p, rest[:i], rest[i+1:], name, opts)
}

func attachUSDT(s *runtime.Skeleton, p *runtime.Program, what, file, provider, name string, opts *USDTOptions) (*runtime.Link, error) {
	switch {
	case p == nil:
		return nil, errors.New("the program is nil: use a program of a skeleton")
	case s == nil:
		return nil, errors.New("the skeleton is nil: pass what Core of a generated skeleton returns")
	case s.ProgramByName(p.Name()) != p:
		return nil, fmt.Errorf("the program belongs to another skeleton: %w", unix.EINVAL)
	case opts.PID < 0:
		return nil, fmt.Errorf("PID %d: %w", opts.PID, unix.EINVAL)
	}
	m, err := findSpecsMap(s)
	if err != nil {
		return nil, err
	}
	path, err := findMapped(opts.PID, file)
	if err != nil {
		return nil, err
	}
	f, err := openUSDT(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	places, err := f.named(provider, name)
	if err != nil {
		return nil, err
	}
	a := &usdtAttachment{program: p, path: path, pid: opts.PID, places: places, specs: m, table: specTableOf(m)}
	if err := a.start(s, f, opts.Cookie); err != nil {
		a.undo()
		return nil, err
	}
	return runtime.NewLink(p, what, a.undo), nil
}

// usdtAttachment is an attachment of a program to all places of a probe.
type usdtAttachment struct {
	program *runtime.Program
	path    string
	pid     int
	places  []USDTProbe
	specs   *runtime.Map
	table   *specTable

	ids     []uint32 // entries of specs in use
	cookies []uint64 // for each place, the entry that describes its arguments
	links   []*runtime.Link

	// For kernels without cookies: the map from addresses to entries, and the addresses in it.
	byIP *runtime.HashMap[uint64, uint32]
	ips  []uint64
}

// start describes the arguments and attaches the program. After a failure, undo reverts what it has
// done.
func (a *usdtAttachment) start(s *runtime.Skeleton, f *usdtFile, cookie uint64) error {
	cookies, err := usesCookies(s)
	if err != nil {
		return err
	}
	if err := a.describe(f, cookie); err != nil {
		return err
	}
	if cookies {
		return a.attach()
	}
	if err := a.mapPlaces(s, f); err != nil {
		return err
	}
	return a.attachEach(func(int) uint64 { return 0 })
}

// describe stores where the arguments are. Places with the same text share an entry.
func (a *usdtAttachment) describe(f *usdtFile, cookie uint64) error {
	site := usdtSite{machine: f.machine, symbol: f.variable}
	shared := map[string]uint32{}
	for i := range a.places {
		p := &a.places[i]
		key := p.Args
		if strings.Contains(key, "rip") {
			key = fmt.Sprintf("%s %#x", key, p.address) // the operand is relative to the place
		}
		id, ok := shared[key]
		if !ok {
			site.address = p.address
			args, err := site.parseArgs(p.Args)
			if err != nil {
				return err
			}
			if id, err = a.table.take(a.specs); err != nil {
				return err
			}
			a.ids = append(a.ids, id)
			if err := putSpec(a.specs, id, args, cookie); err != nil {
				return err
			}
			shared[key] = id
		}
		a.cookies = append(a.cookies, uint64(id))
	}
	return nil
}

// attach attaches the program with one link for all places if possible, otherwise with one for
// each.
func (a *usdtAttachment) attach() error {
	if a.program.Spec().AttachType == sys.AttachTraceUprobeMulti {
		multi := runtime.NewUprobeMultiProgram(a.program)
		has, err := hasUprobeMulti(multi, a.pid)
		if err != nil {
			return err
		}
		if has {
			return a.attachMulti(multi)
		}
	}
	return a.attachEach(func(i int) uint64 { return a.cookies[i] })
}

func (a *usdtAttachment) attachEach(cookie func(i int) uint64) error {
	p := runtime.NewUprobeProgram(a.program)
	for i := range a.places {
		place := &a.places[i]
		l, err := p.AttachUprobe(a.path, place.Offset, &runtime.UprobeOptions{
			PID: a.pid, RefCtrOffset: place.RefCtrOffset, Cookie: cookie(i),
		})
		if err != nil {
			return err
		}
		a.links = append(a.links, l)
	}
	return nil
}

func (a *usdtAttachment) attachMulti(p runtime.UprobeMultiProgram) error {
	opts := &runtime.UprobeMultiOptions{PID: a.pid, Cookies: a.cookies}
	offsets := make([]uint64, len(a.places))
	counters := make([]uint64, len(a.places))
	for i := range a.places {
		offsets[i], counters[i] = a.places[i].Offset, a.places[i].RefCtrOffset
	}
	opts.RefCtrOffsets = counters
	l, err := p.AttachUprobeMulti(a.path, offsets, opts)
	if err != nil {
		return err
	}
	a.links = append(a.links, l)
	return nil
}

// hasUprobeMulti reports whether the kernel has uprobe links for many places (6.6). It tries to
// attach to a directory, which is impossible: the error is EBADF if the kernel has such links,
// EINVAL if not (bpf_uprobe_multi_link_attach).
//
// In the first kernels with such links, a process ID selected only the main thread (fixed in 6.10
// by 46ba0e49b642, "bpf: fix multi-uprobe PID filtering logic", and in stable releases). The fix
// rejects negative IDs with EINVAL before it checks the file.
func hasUprobeMulti(p runtime.UprobeMultiProgram, pid int) (bool, error) {
	try := func(pid int) error {
		l, err := p.AttachUprobeMulti("/", []uint64{0}, &runtime.UprobeMultiOptions{PID: pid})
		if err == nil {
			l.Close()
		}
		return err
	}
	switch err := try(0); {
	case errors.Is(err, unix.EINVAL):
		return false, nil
	case !errors.Is(err, unix.EBADF):
		return false, err
	}
	if pid != 0 && !errors.Is(try(-1), unix.EINVAL) {
		return false, fmt.Errorf("this kernel's uprobe links restrict probes to a thread instead of a process (fixed in Linux 6.10): "+
			"do not set PID, or use section \"uprobe\": %w", errors.ErrUnsupported)
	}
	return true, nil
}

// undo detaches the program, and then frees the descriptions, which programs no longer read.
func (a *usdtAttachment) undo() error {
	var errs []error
	for _, l := range a.links {
		errs = append(errs, l.Close())
	}
	for _, ip := range a.ips {
		_ = a.byIP.Delete(ip) // no longer in use; this fails if the skeleton is closed
	}
	a.table.giveBack(a.ids)
	a.links, a.ips, a.ids = nil, nil, nil
	return errors.Join(errs...)
}
