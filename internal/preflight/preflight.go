// Package preflight reports what an object needs and a kernel lacks, given only the kernel's BTF.
// It makes no BPF system calls: internal/load interprets the object's loader, and the package
// answers in place of the kernel.
package preflight

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/core"
	"github.com/bpf2lskel/bpf2lskel/internal/explain"
	"github.com/bpf2lskel/bpf2lskel/internal/load"
	"github.com/bpf2lskel/bpf2lskel/internal/since"
	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// A Finding is something that a kernel lacks.
type Finding struct {
	What    string // "field pid_links of struct task_struct", "helper bpf_loop needs Linux 5.17"
	Program string // that needs it, "" for a map
	// Strong is set if the load fails because of it. A weak finding is guarded, declared weak, or
	// in a program that is not loaded by default.
	Strong bool
	// Why is the reason that the finding is weak.
	Why string
}

// A Report holds the findings for a kernel.
type Report struct {
	Kernel   string
	Findings []Finding
	// NoLoaders is set for a kernel that needs package runtime/oldkernel for this object.
	NoLoaders bool
}

// Strong reports whether the load fails.
func (r *Report) Strong() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Strong })
}

// Check compares an object with a kernel.
func Check(s *spec.Spec, kernel *Kernel) (*Report, error) {
	c := &check{spec: s, kernel: kernel, report: &Report{Kernel: kernel.Name}}
	var err error
	if c.core, err = core.New(s, kernel); err != nil {
		return nil, err
	}
	c.maps()
	for i := range s.Steps {
		if s.Steps[i].Kind == spec.StepLoadProgram {
			c.order = append(c.order, s.Steps[i].Index)
		}
	}
	usesCORE := slices.ContainsFunc(s.Programs, func(p spec.ProgramSpec) bool { return p.CORERelos != 0 })
	c.report.NoLoaders = !kernel.has("bpf_prog_type", sys.ProgTypeSyscall) || usesCORE && !kernel.hasEnum("bpf_core_relo_kind")

	req := &load.Request{Spec: s, Features: unsafe.Pointer(allFeatures())}
	for i := range s.Programs {
		req.Wanted = append(req.Wanted, load.WantedProgram(int32(i)))
	}
	loaded, failure := load.Interpret(req, c)
	if failure != nil {
		return nil, fmt.Errorf("%s: %w", failure.Operation(), failure.Err)
	}
	for i := range s.Maps {
		unix.Close(loaded.MapFD(i))
	}
	for i := range s.Programs {
		unix.Close(loaded.ProgramFD(i))
	}
	for i := range loaded.Arenas {
		loaded.Arenas[i].Unmap()
	}
	for _, b := range loaded.InnerBTF {
		unix.Close(b.FD)
	}
	loaded.Release()
	return c.report, nil
}

// check answers for the kernel: a load.Kernel.
type check struct {
	spec   *spec.Spec
	kernel *Kernel
	core   *core.Core
	report *Report
	order  []int32 // of programs, as they are loaded
	loaded int
}

func (c *check) add(f Finding) {
	if !slices.Contains(c.report.Findings, f) {
		c.report.Findings = append(c.report.Findings, f)
	}
}

func (c *check) maps() {
	for i := range c.spec.Maps {
		if m := &c.spec.Maps[i]; !c.kernel.has("bpf_map_type", m.Type) {
			c.add(Finding{What: said("map "+m.Name+": type", m.Type, since.MapType(m.Type)), Strong: true})
		}
	}
}

// said names a number that the kernel does not know.
func said(what string, n uint32, f since.Feature) string {
	if f.Name == "" {
		return fmt.Sprintf("%s %d", what, n)
	}
	return what + " " + f.String()
}

// forProgram adds what a program lacks.
func (c *check) forProgram(p *spec.ProgramSpec, f Finding) {
	f.Program = p.Name
	if f.Strong && !p.AutoLoad {
		f.Strong, f.Why = false, "the program is loaded only when asked for"
	}
	c.add(f)
}

// BPF implements load.Kernel: whatever is created is a file that is none of the kernel's objects.
func (c *check) BPF(cmd sys.Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	switch cmd {
	case sys.CmdProgLoad:
		whole := new(sys.ProgLoadAttr)
		size = min(size, unsafe.Sizeof(*whole))
		copy(unsafe.Slice((*byte)(unsafe.Pointer(whole)), size), unsafe.Slice((*byte)(attr), size))
		if c.loaded < len(c.order) {
			c.program(&c.spec.Programs[c.order[c.loaded]], whole)
			c.loaded++
		}
	case sys.CmdMapCreate, sys.CmdBtfLoad:
	default:
		return 0, 0
	}
	// Arenas are mapped, which this file can be too.
	fd, err := unix.Open("/dev/zero", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, sys.ErrnoOf(err)
	}
	return fd, 0
}

// FindBTF implements load.Kernel.
func (c *check) FindBTF(name string, kind uint8) (id uint32, fd int, errno unix.Errno) {
	if c.kernel.find(name, kind) {
		return 1, 0, 0
	}
	return 0, 0, c.missing(name)
}

// FindSymbol implements load.Kernel.
func (c *check) FindSymbol(name string) (address uint64, errno unix.Errno) {
	if c.kernel.symbols == nil || c.kernel.symbols[name] {
		return 1 << 40, 0
	}
	return 0, c.missing(name)
}

// missing notes a symbol that the kernel does not have. What is strong is answered all the same, so
// that the rest is looked at.
func (c *check) missing(name string) unix.Errno {
	errno := unix.Errno(0)
	for i := range c.spec.Externs {
		e := &c.spec.Externs[i]
		if sys.EssentialName(e.Name) != name {
			continue
		}
		f := Finding{What: e.Kind.String() + " " + e.Name, Strong: !e.Weak}
		if e.Weak {
			f.Why, errno = "it is declared __weak", unix.ENOENT
		}
		for _, p := range e.Programs {
			c.forProgram(&c.spec.Programs[p], f)
		}
	}
	for i := range c.spec.Programs {
		p := &c.spec.Programs[i]
		if p.Target < 0 || c.spec.Targets[p.Target].Name != name {
			continue
		}
		f := Finding{What: "attach target " + name, Strong: true}
		if module := c.spec.Targets[p.Target].Module; module != "" && !c.kernel.hasModules() {
			f.Strong, f.Why = false, "it may be in module "+module+", whose BTF was not given"
		}
		c.forProgram(p, f)
	}
	return errno
}

// program looks at a program as it would be loaded.
func (c *check) program(p *spec.ProgramSpec, attr *sys.ProgLoadAttr) {
	if !c.kernel.has("bpf_prog_type", p.Type) {
		c.forProgram(p, Finding{What: said("program type", p.Type, since.ProgramType(p.Type)), Strong: true})
	}
	if p.Type != sys.ProgTypeStructOps && p.AttachType != 0 && !c.kernel.has("bpf_attach_type", p.AttachType) {
		f := Finding{What: said("attach type", p.AttachType, since.AttachType(p.AttachType)), Strong: true}
		if !checksAttachType(p.Type) {
			f.Strong, f.Why = false, "the kernel loads it all the same"
		}
		c.forProgram(p, f)
	}
	for _, f := range since.Flags(p.Type, attr.ProgFlags) {
		if !c.kernel.knows(f) {
			c.forProgram(p, Finding{What: f.String(), Strong: true})
		}
	}
	if spec.LacksTarget(p) {
		c.forProgram(p, Finding{What: "attach target", Why: "the section names none: SetAttachTarget or SetAttachTargetProgram does before Load"})
	}
	insns := slices.Clone(unsafe.Slice((*sys.Insn)(pointer(attr.Insns)), attr.InsnCnt))
	var relos []sys.CoreRelo
	if attr.CoreReloCnt > 0 {
		relos = unsafe.Slice((*sys.CoreRelo)(pointer(attr.CoreRelos)), attr.CoreReloCnt)
		if err := c.core.Apply(insns, relos); err != nil {
			c.forProgram(p, Finding{What: err.Error(), Strong: true})
			return
		}
	}
	reached := reachable(insns, c.constants)
	always := reachable(insns, c.withoutConfig)
	for _, r := range relos {
		at := int(r.InsnOff / 8)
		if insns[at] != (sys.Insn{Code: sys.OpCall, Imm: spec.BadRelo}) {
			continue
		}
		f := Finding{What: explain.Relocation(c.spec, r, c.core.HasRoot(r)), Strong: always[at]}
		switch {
		case f.Strong:
		case reached[at]:
			f.Why = asksConfig
		default:
			f.Why = "the program checks for it"
		}
		c.forProgram(p, f)
	}
	for at, insn := range insns {
		if isNewAtomic(insn) && reached[at] && !c.kernel.knows(since.Atomics) {
			c.forProgram(p, Finding{What: since.Atomics.String(), Strong: always[at]})
		}
		if insn.Code != sys.OpCall || core.SourceOf(insn) != 0 || insn.Imm == spec.BadRelo || !reached[at] {
			continue
		}
		if n := uint32(insn.Imm); !c.kernel.has("bpf_func_id", n) {
			f := Finding{What: said("helper", n, since.Helper(n)), Strong: always[at]}
			if !f.Strong {
				f.Why = asksConfig
			}
			c.forProgram(p, f)
		} else if gplOnly[n] && !c.hasGPLLicense() {
			c.forProgram(p, Finding{
				What: fmt.Sprintf("a license that is compatible with the GPL, for helper %d: the object's is %q", n, c.license()), Strong: always[at],
			})
		}
	}
}

// constants returns the initial value of a read-only map.
func (c *check) constants(slot int32) string {
	for i := range c.spec.Maps {
		if m := &c.spec.Maps[i]; m.Slot == spec.Slot(slot) && m.Kind == spec.ROData && m.Data != 0 {
			return c.spec.Blob[m.Data:][:m.ValueSize]
		}
	}
	return ""
}

// withoutConfig is constants for a kernel whose configuration has nothing of what the object asks
// for: LINUX_HAS_BPF_COOKIE, for one. What is reached all the same does not depend on it.
func (c *check) withoutConfig(slot int32) string {
	for i := range c.spec.Maps {
		if m := &c.spec.Maps[i]; m.Slot == spec.Slot(slot) && m.Kind == spec.Kconfig {
			return strings.Repeat("\x00", int(m.ValueSize))
		}
	}
	return c.constants(slot)
}

const asksConfig = "the program asks the kernel's configuration before"

// checksAttachType reports whether the kernel looks at the attach type when a program is loaded
// (bpf_prog_load_check_attach).
func checksAttachType(progType uint32) bool {
	switch progType {
	case sys.ProgTypeKprobe, sys.ProgTypeXDP, sys.ProgTypeSchedCLS, sys.ProgTypeSKSKB, sys.ProgTypeSKReuseport, sys.ProgTypePerfEvent:
		return false
	}
	return true
}

// pointer is what a field of an attr has the address of: memory of the interpreter's.
func pointer(address uint64) unsafe.Pointer {
	at := uintptr(address)
	return *(*unsafe.Pointer)(unsafe.Pointer(&at))
}

// allFeatures are what any object may need. Pins and the configuration of this machine, and targets
// that are chosen later, are not the object's.
func allFeatures() *load.Features {
	f := load.AllFeatures()
	f.Reuse, f.Targets, f.Kconfig = nil, nil, load.NoKconfig
	return f
}

var bigEndian = binary.NativeEndian.Uint16([]byte{0, 1}) == 1
