//vmtest:all

//go:build amd64 || arm64 || s390x

package uprobe_test

import (
	"bufio"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bpf2lskel/bpf2lskel/internal/errtype"
	"github.com/bpf2lskel/bpf2lskel/internal/guest"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/usdt"
	"github.com/bpf2lskel/bpf2lskel/internal/kindtest/usdtindex"
	"github.com/bpf2lskel/bpf2lskel/internal/usdtsites"
	"github.com/bpf2lskel/bpf2lskel/runtime"
	"github.com/bpf2lskel/bpf2lskel/runtime/uprobe"
)

// The test binary is also the process with the probes. For each line that it reads, it passes them
// once and writes the value of the semaphore.
func init() {
	serveUSDT = func() {
		_, _, semaphore := usdtsites.Addresses()
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			usdtsites.Fire()
			fmt.Println(*semaphore)
		}
	}
}

// sdtNote is a probe, as the assembler's note describes it.
type sdtNote struct {
	name, args               string
	address, base, semaphore uint64
}

func (n *sdtNote) bytes() []byte {
	order := binary.NativeEndian
	var desc []byte
	for _, address := range []uint64{n.address, n.base, n.semaphore} {
		desc = order.AppendUint64(desc, address)
	}
	desc = append(desc, "test\x00"+n.name+"\x00"+n.args+"\x00"...)
	var raw []byte
	for _, word := range []int{8, len(desc), 3} {
		raw = order.AppendUint32(raw, uint32(word))
	}
	raw = append(append(raw, "stapsdt\x00"...), desc...)
	for len(raw)%4 != 0 {
		raw = append(raw, 0)
	}
	return raw
}

// withNotes replaces the sections of a 64-bit file with the notes, .stapsdt.base at the given
// address, and a symbol named "variable" at data.
func withNotes(raw []byte, base, data uint64, notes ...sdtNote) []byte {
	order := binary.NativeEndian
	names := []byte{0}
	headers := []elf.Section64{{}}
	add := func(name string, s elf.Section64, content any) {
		for len(raw)%8 != 0 {
			raw = append(raw, 0)
		}
		s.Name, s.Off = uint32(len(names)), uint64(len(raw))
		names = append(names, name+"\x00"...)
		if name == ".shstrtab" {
			content = names
		}
		raw, _ = binary.Append(raw, order, content)
		s.Size = uint64(len(raw)) - s.Off
		headers = append(headers, s)
	}
	var all []byte
	for i := range notes {
		all = append(all, notes[i].bytes()...)
	}
	add(".note.stapsdt", elf.Section64{Type: uint32(elf.SHT_NOTE), Addralign: 4}, all)
	add(".stapsdt.base", elf.Section64{Type: uint32(elf.SHT_PROGBITS), Addr: base, Addralign: 1}, []byte{0})
	add(".symtab", elf.Section64{Type: uint32(elf.SHT_SYMTAB), Link: 4, Info: 1, Addralign: 8, Entsize: elf.Sym64Size}, []elf.Sym64{
		{}, {Name: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_OBJECT), Shndx: 2, Value: data},
	})
	add(".strtab", elf.Section64{Type: uint32(elf.SHT_STRTAB), Addralign: 1}, []byte("\x00variable\x00"))
	add(".shstrtab", elf.Section64{Type: uint32(elf.SHT_STRTAB), Addralign: 1}, nil)
	add("", elf.Section64{}, []byte{}) // aligns
	at := uint64(len(raw))
	headers = headers[:6]
	raw, _ = binary.Append(raw, order, headers)
	order.PutUint64(raw[0x28:], at)                   // e_shoff
	order.PutUint16(raw[0x3c:], uint16(len(headers))) // e_shnum
	order.PutUint16(raw[0x3e:], 5)                    // e_shstrndx
	return raw
}

// Numbers that no register contains by chance.
const (
	constants      = "8@$-2 -8@$-9223372036854775808 4@$-1 -4@$-9 2@$65537 -2@$65535 1@$300 -1@$-300 8@$18446744073709551615"
	constantsOther = "8@-2 -8@-9223372036854775808 4@-1 -4@-9 2@65537 -2@65535 1@300 -1@-300 8@18446744073709551615"
)

var constantValues = []int64{-2, -1 << 63, 0xffffffff, -9, 1, -1, 44, -44, -1}

// usdtFile returns a copy of this binary with probes.
func usdtFile(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	site, data, semaphore := usdtsites.Addresses()
	at := func(i uintptr) uint64 { return uint64(site + i*usdtsites.Size) }
	count := uint64(uintptr(unsafe.Pointer(semaphore)))
	numbers := constants
	if goruntime.GOARCH != "amd64" {
		numbers = constantsOther
	}
	const base = 0x1000
	notes := []sdtNote{
		{"registers", usdtsites.Registers, at(0), base, 0},
		{"memory", usdtsites.Memory, at(1), base, 0},
		{"constants", numbers, at(2), base, 0},
		{"counted", "", at(0), base, count},
		// A probe in three places, two of which have the same arguments.
		{"spread", "", at(0), base, count},
		{"spread", "-4@" + strings.Fields(usdtsites.Registers)[1][3:], at(1), base, count},
		{"spread", "", at(2), base, count},
		// As if prelink had moved the file by 0x100.
		{"prelinked", usdtsites.Registers, at(1) - 0x100, base - 0x100, count - 0x100},
		{"index", usdtsites.Index, at(1), base, 0},
		{"bad", "8@%rax 16f@%xmm0", at(0), base, 0},
		{"many", strings.Repeat("8@"+strings.Fields(usdtsites.Registers)[0][2:]+" ", 13), at(0), base, 0},
		{"astray", "", 0x10, base, 0},
	}
	if goruntime.GOARCH == "amd64" {
		notes = append(notes, sdtNote{"variable", "4@variable+16(%rip) -4@20+variable(%rip) -2@variable-2(%rip)", at(1), base, 0})
	}
	file := filepath.Join(t.TempDir(), "libprobed.so.1")
	if err := os.WriteFile(file, withNotes(raw, base, uint64(data), notes...), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// usdtProcess is a running copy of the test binary.
type usdtProcess struct {
	t   *testing.T
	pid int
	in  io.Writer
	out *bufio.Reader
}

func startUSDT(t *testing.T, file string) *usdtProcess {
	t.Helper()
	cmd := exec.Command(file)
	cmd.Env = append(os.Environ(), "PROBED=usdt")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return &usdtProcess{t, cmd.Process.Pid, in, bufio.NewReader(out)}
}

// fire makes the process pass the probes and returns the semaphore.
func (p *usdtProcess) fire() string {
	p.t.Helper()
	fmt.Fprintln(p.in)
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func loadUSDT(t *testing.T, pid int) *usdt.Skeleton {
	t.Helper()
	s, err := usdt.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	s.Rodata.Pid = uint32(pid)
	s.Maps.BpfUsdtSpecs.SetMaxEntries(16)
	s.Progs.OnNamed.SetAutoLoad(true)
	s.Progs.OnSleepable.SetAutoLoad(true)
	s.Progs.OnSingle.SetAutoLoad(true)
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	return s
}

// Every kind of program gets the process's arguments of each size and sign, in registers, in memory
// and as constants.
func TestAttachUSDTArguments(t *testing.T) {
	needUprobes(t)
	file := usdtFile(t)
	process := startUSDT(t, file)
	values := usdtsites.Values[:]
	probes := map[string][]int64{
		"registers": values, "memory": append(slices.Clone(values), usdtsites.Before), "constants": constantValues, "prelinked": values,
	}
	if goruntime.GOARCH == "amd64" {
		probes["variable"] = []int64{values[2], values[3], usdtsites.Before}
	}
	s := loadUSDT(t, process.pid)
	for kind, program := range map[string]runtime.USDTProgram{
		"multi": s.Progs.OnProbe, "sleepable": s.Progs.OnSleepable, "single": runtime.NewUSDTProgram(s.Progs.OnSingle.Program),
	} {
		for name, want := range probes {
			for _, pid := range []int{0, process.pid} {
				s.Bss.Hits, s.Bss.Count = 0, -1
				l, err := uprobe.AttachUSDT(s.Core(), program, file, "test", name, &uprobe.USDTOptions{PID: pid, Cookie: 1<<63 + 5})
				if err != nil {
					t.Errorf("%s, %s: %v", kind, name, err)
					continue
				}
				process.fire()
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				n := atomic.LoadUint64(&s.Bss.Hits)
				process.fire()
				if n == 0 || atomic.LoadUint64(&s.Bss.Hits) != n || s.Bss.Cookie != 1<<63+5 || int(s.Bss.Count) != len(want) {
					t.Errorf("%s, %s: %d hits, %d after Close, cookie %#x, %d arguments", kind, name, n, s.Bss.Hits, s.Bss.Cookie, s.Bss.Count)
					continue
				}
				for i := range s.Bss.Args {
					switch {
					case i >= len(want):
						if unix.Errno(-s.Bss.Results[i]) != unix.ENOENT || s.Bss.Args[i] != 0 {
							t.Errorf("%s, %s: argument %d: %d, %d", kind, name, i, s.Bss.Args[i], s.Bss.Results[i])
						}
					case s.Bss.Args[i] != want[i] || s.Bss.Results[i] != 0:
						t.Errorf("%s, %s: argument %d is %#x, want %#x, result %d", kind, name, i, s.Bss.Args[i], want[i], s.Bss.Results[i])
					}
				}
			}
		}
	}
}

// A probe in several places is attached in all of them, and its semaphore counts the observers in
// each process.
func TestAttachUSDTSemaphores(t *testing.T) {
	needUprobes(t)
	file := usdtFile(t)
	one, other := startUSDT(t, file), startUSDT(t, file)
	s := loadUSDT(t, 0)
	for kind, program := range map[string]runtime.USDTProgram{
		"multi": s.Progs.OnProbe, "single": runtime.NewUSDTProgram(s.Progs.OnSingle.Program),
	} {
		s.Bss.Hits = 0
		if a, b := one.fire(), other.fire(); a != "0" || b != "0" {
			t.Fatalf("%s: semaphores %s and %s, want 0", kind, a, b)
		}
		l, err := uprobe.AttachUSDT(s.Core(), program, file, "test", "counted", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := one.fire(), other.fire(); a != "1" || b != "1" || s.Bss.Hits < 2 {
			t.Errorf("%s: semaphores %s and %s, want 1; %d hits", kind, a, b, s.Bss.Hits)
		}
		third := startUSDT(t, file) // starts while the probe is observed
		if c := third.fire(); c != "1" {
			t.Errorf("%s: semaphore of a new process %s, want 1", kind, c)
		}
		// Three places share one semaphore in one process. The kernel counts places, and the first
		// one is counted already.
		spread, err := uprobe.AttachUSDT(s.Core(), program, file, "test", "spread", &uprobe.USDTOptions{PID: other.pid})
		if err != nil {
			t.Fatal(err)
		}
		s.Bss.Hits = 0
		before := one.fire()
		ofOne := s.Bss.Hits
		if b := other.fire(); before != "1" || b != "3" || s.Bss.Hits < ofOne+4 {
			t.Errorf("%s: semaphores %s and %s, want 1 and 3; %d and %d hits", kind, before, b, ofOne, s.Bss.Hits-ofOne)
		}
		if err := errors.Join(spread.Close(), l.Close(), l.Close()); err != nil {
			t.Error(err)
		}
		if a, b, c := one.fire(), other.fire(), third.fire(); a != "0" || b != "0" || c != "0" {
			t.Errorf("%s: semaphores %s, %s and %s after Close, want 0", kind, a, b, c)
		}
	}
}

// An argument may be in memory addressed by two registers, if the object's header supports that.
func TestAttachUSDTIndex(t *testing.T) {
	needUprobes(t)
	if usdtsites.Index == "" {
		guest.NotHere(t, "%s has no such operands", goruntime.GOARCH)
	}
	file := usdtFile(t)
	process := startUSDT(t, file)
	s, err := usdtindex.Load()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer s.Close()
	l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, file, "test", "index", &uprobe.USDTOptions{PID: process.pid, Cookie: 9})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	process.fire()
	if s.Bss.Hits == 0 || s.Bss.Value != usdtsites.Values[4] || s.Bss.Cookie != 9 || s.Bss.Count != 1 {
		t.Errorf("%d hits, value %#x, want %#x, cookie %d, %d arguments", s.Bss.Hits, s.Bss.Value, usdtsites.Values[4], s.Bss.Cookie, s.Bss.Count)
	}
}

// An object that is told that the kernel lacks cookies finds the arguments by instruction pointer.
func TestAttachUSDTWithoutCookies(t *testing.T) {
	withoutCookies(t, func(s *usdt.Skeleton) runtime.USDTProgram {
		s.Kconfig.LINUX_HAS_BPF_COOKIE = false
		s.Progs.OnSingle.SetAutoLoad(true)
		return runtime.NewUSDTProgram(s.Progs.OnSingle.Program)
	})
}

func withoutCookies(t *testing.T, choose func(s *usdt.Skeleton) runtime.USDTProgram) {
	needUprobes(t)
	file := usdtFile(t)
	process := startUSDT(t, file)
	s, err := usdt.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Rodata.Pid = uint32(process.pid)
	program := choose(s)
	if err := s.Load(); err != nil {
		t.Fatalf("%+v", err)
	}
	for range 2 {
		s.Bss.Hits = 0
		l, err := uprobe.AttachUSDT(s.Core(), program, file, "test", "registers", &uprobe.USDTOptions{Cookie: 7})
		if err != nil {
			t.Fatal(err)
		}
		_, err = uprobe.AttachUSDT(s.Core(), program, file, "test", "counted", nil)
		if !errors.Is(err, unix.EBUSY) {
			t.Errorf("a second one at the same place: %v", err)
		}
		memory, err := uprobe.AttachUSDT(s.Core(), program, file, "test", "memory", nil)
		if err != nil {
			t.Fatal(err)
		}
		memory.Close()
		process.fire()
		if s.Bss.Hits == 0 || s.Bss.Cookie != 7 || s.Bss.Count != 8 || !slices.Equal(s.Bss.Args[:8], usdtsites.Values[:]) {
			t.Errorf("%d hits, cookie %d, %d arguments, %#x", s.Bss.Hits, s.Bss.Cookie, s.Bss.Count, s.Bss.Args)
		}
		l.Close()
		it := s.Maps.BpfUsdtIpToSpecId.Iterate()
		for ip := range it.All() {
			t.Errorf("%#x is still in the map", ip)
		}
	}
}

// A section names the probe, and a library without a path is the one that the process has mapped.
func TestAttachUSDTSection(t *testing.T) {
	needUprobes(t)
	file := usdtFile(t)
	process := startUSDT(t, file)
	s := loadUSDT(t, process.pid)
	l, err := uprobe.AttachSectionUSDT(s.Core(), s.Progs.OnNamed, &uprobe.USDTOptions{PID: process.pid})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if process.fire(); s.Bss.Hits == 0 || !slices.Equal(s.Bss.Args[:8], usdtsites.Values[:]) {
		t.Errorf("%d hits, arguments %#x", s.Bss.Hits, s.Bss.Args)
	}
	if _, err := uprobe.AttachSectionUSDT(s.Core(), s.Progs.OnProbe, nil); !errors.Is(err, runtime.ErrNoAttachTarget) {
		t.Errorf("a section without a target: %v", err)
	}
	if _, err := uprobe.AttachSectionUSDT(s.Core(), s.Progs.OnNamed, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of no process: %v", err)
	}
}

// A failed attach returns an error that names the program, the file, the probe and the argument,
// and uses no resources.
func TestAttachUSDTRefused(t *testing.T) {
	needUprobes(t)
	file := usdtFile(t)
	s, other := loadUSDT(t, 0), loadUSDT(t, 0)
	attach := func(s *usdt.Skeleton, p runtime.USDTProgram, file, name string, opts *uprobe.USDTOptions) error {
		l, err := uprobe.AttachUSDT(s.Core(), p, file, "test", name, opts)
		if err == nil {
			l.Close()
		}
		return err
	}
	for what, c := range map[string]struct {
		err  error
		text string
	}{
		"no probe":        {attach(s, s.Progs.OnProbe, file, "none", nil), "no such USDT probe: the file has test:astray, test:bad"},
		"no file":         {attach(s, s.Progs.OnProbe, "/nowhere", "registers", nil), "/nowhere"},
		"no probes":       {attach(s, s.Progs.OnProbe, "/proc/self/exe", "registers", nil), "no section .note.stapsdt"},
		"no process":      {attach(s, s.Progs.OnProbe, "libx.so", "registers", &uprobe.USDTOptions{PID: 1 << 30}), "no process 1073741824"},
		"no code":         {attach(s, s.Progs.OnProbe, file, "astray", nil), "probe test:astray: place: the file has no code at address 0x10"},
		"13 arguments":    {attach(s, s.Progs.OnProbe, file, "many", nil), "more than 12 arguments"},
		"another program": {attach(s, other.Progs.OnProbe, file, "registers", nil), "the program belongs to another skeleton"},
		"no program":      {attach(s, runtime.USDTProgram{}, file, "registers", nil), "the program is nil"},
		"a negative PID":  {attach(s, s.Progs.OnProbe, file, "registers", &uprobe.USDTOptions{PID: -1}), "PID -1"},
	} {
		e, ok := errtype.Of[*runtime.ProgramError](c.err)
		if !ok || !strings.HasPrefix(e.Op, "attach to USDT probe ") || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
	bad := attach(s, s.Progs.OnProbe, file, "bad", nil)
	if goruntime.GOARCH == "amd64" {
		if want := `argument 1, "16f@%xmm0": floating-point numbers are not supported`; bad == nil || !strings.Contains(bad.Error(), want) {
			t.Errorf("a bad argument: %v", bad)
		}
		if err := attach(s, s.Progs.OnProbe, file, "index", nil); err == nil || !strings.Contains(err.Error(), "libbpf 1.7") {
			t.Errorf("memory addressed by two registers: %v", err)
		}
	}
	// Nothing is left in use: as many attachments succeed as there are entries.
	var links []*runtime.Link
	most := int(s.Maps.BpfUsdtSpecs.MaxEntries())
	for range most {
		l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, file, "test", "registers", nil)
		if err != nil {
			t.Fatalf("after %d: %v", len(links), err)
		}
		links = append(links, l)
	}
	if err := attach(s, s.Progs.OnProbe, file, "registers", nil); !errors.Is(err, unix.E2BIG) || !strings.Contains(err.Error(), "BPF_USDT_MAX_SPEC_CNT") {
		t.Errorf("one more than %d: %v", most, err)
	}
	if err := attach(other, other.Progs.OnProbe, file, "registers", nil); err != nil {
		t.Errorf("another skeleton: %v", err)
	}
	links[3].Close()
	if err := attach(s, s.Progs.OnProbe, file, "registers", nil); err != nil {
		t.Errorf("after one is closed: %v", err)
	}
	for _, l := range links {
		l.Close()
	}

	// Attaching before the load and after Close fails.
	unloaded, err := usdt.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := attach(unloaded, unloaded.Progs.OnProbe, file, "registers", nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("before Load: %v", err)
	}
	unloaded.Close()
	if err := attach(unloaded, unloaded.Progs.OnProbe, file, "registers", nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Probes can be attached and detached concurrently, and the skeleton closed meanwhile.
func TestAttachUSDTConcurrently(t *testing.T) {
	needUprobes(t)
	file := usdtFile(t)
	s := loadUSDT(t, 0)
	var wait sync.WaitGroup
	kept := make([]*runtime.Link, 4)
	for i := range kept {
		wait.Go(func() {
			for _, name := range []string{"counted", "spread", "counted"} {
				l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, file, "test", name, nil)
				if err != nil {
					t.Error(err)
					return
				}
				if kept[i] != nil {
					if err := kept[i].Close(); err != nil {
						t.Error(err)
					}
				}
				kept[i] = l
			}
		})
	}
	wait.Wait()
	wait.Go(func() { s.Close() })
	for range 4 {
		wait.Go(func() {
			l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, file, "test", "counted", nil)
			if err == nil {
				err = l.Close()
			}
			if err != nil && !errors.Is(err, os.ErrClosed) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for _, l := range kept {
		if err := l.Close(); err != nil {
			t.Errorf("after the skeleton's Close: %v", err)
		}
	}
}

// In the kernel's view, a program in section usdt has one link for all places if the kernel
// supports such links, or one per place.
func TestAttachUSDTLinks(t *testing.T) {
	needUprobes(t)
	guest.Only(t)
	file := usdtFile(t)
	s := loadUSDT(t, 0)
	before := countLinks(t)
	l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, file, "test", "spread", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := 1
	if guest.Key() == "6.1" {
		want = 3
	}
	if n := countLinks(t) - before; n != want {
		t.Errorf("%d links, want %d", n, want)
	}
	l.Close()
	if n := countLinks(t) - before; n != 0 {
		t.Errorf("%d links after Close", n)
	}
}

// A probe in a program built by Debian fires, with its argument. It only fires if its semaphore is
// set.
func TestAttachUSDTDebian(t *testing.T) {
	needUprobes(t)
	guest.Only(t)
	const python = "/usr/bin/python3.11"
	cmd := exec.Command(python, "-I", "-S", "-c", `
import gc, sys
gc.disable()
while sys.stdin.readline():
	gc.collect(1)
	print(0, flush=True)
`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}()
	process := &usdtProcess{t, cmd.Process.Pid, in, bufio.NewReader(out)}
	process.fire() // the process has started
	s := loadUSDT(t, process.pid)
	for _, program := range []runtime.USDTProgram{s.Progs.OnProbe, runtime.NewUSDTProgram(s.Progs.OnSingle.Program)} {
		s.Bss.Hits = 0
		l, err := uprobe.AttachUSDT(s.Core(), program, python, "python", "gc__start", nil)
		if err != nil {
			t.Fatal(err)
		}
		process.fire()
		if s.Bss.Hits == 0 || s.Bss.Count != 1 || s.Bss.Results[0] != 0 || s.Bss.Args[0] != 1 {
			t.Errorf("%v: %d hits, %d arguments, the generation is %d, want 1, result %d", l, s.Bss.Hits, s.Bss.Count, s.Bss.Args[0], s.Bss.Results[0])
		}
		l.Close()
	}
	// All of Python's probes can be attached to.
	probes, err := uprobe.ReadUSDT(python)
	if err != nil || len(probes) < 8 {
		t.Fatalf("%d probes, %v", len(probes), err)
	}
	for _, p := range probes {
		l, err := uprobe.AttachUSDT(s.Core(), s.Progs.OnProbe, python, p.Provider, p.Name, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		defer l.Close()
	}
	process.fire()
}

// countLinks counts this process's BPF links.
func countLinks(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		info, err := os.ReadFile("/proc/self/fdinfo/" + e.Name())
		if err == nil && strings.Contains(string(info), "link_type:") {
			n++
		}
	}
	return n
}
