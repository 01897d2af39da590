package uprobe

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func TestUSDTArgumentOperands(t *testing.T) {
	symbols := map[string]uint64{"counter": 0x5000, "a-b": 0}
	for machine, operands := range map[elf.Machine]map[string]usdtArg{
		elf.EM_X86_64: {
			"-4@$5":                 {value: 5, signed: true, size: 4},
			"4@$-9":                 {value: -9, size: 4},
			"8@$0xffffffffffffffff": {value: -1, size: 8},
			"8@%rax":                {kind: argReg, reg: 80, size: 8},
			"-4@%edi":               {kind: argReg, reg: 112, signed: true, size: 4},
			"2@%r9w":                {kind: argReg, reg: 64, size: 2},
			"-1@%sil":               {kind: argReg, reg: 104, signed: true, size: 1},
			"1@%r15b":               {kind: argReg, size: 1},
			"8@%rsp":                {kind: argReg, reg: 152, size: 8},
			"8@(%rsp)":              {kind: argDeref, reg: 152, size: 8},
			"-4@-1204(%rbp)":        {kind: argDeref, reg: 32, value: -1204, signed: true, size: 4},
			"4@0x10(%rbx)":          {kind: argDeref, reg: 40, value: 16, size: 4},
			"-4@-8(%rbp,%rax,4)":    {kind: argSIB, reg: 32, index: 80, scale: 2, value: -8, signed: true, size: 4},
			"1@(%r12,%rcx,8)":       {kind: argSIB, reg: 24, index: 88, scale: 3, size: 1},
			"1@-96(%rbp, %rax)":     {kind: argSIB, reg: 32, index: 80, value: -96, size: 1},
			"2@8(%rip)":             {kind: argDeref, reg: 128, value: 8, size: 2},
			"4@counter(%rip)":       {kind: argDeref, reg: 128, value: 0x1000, size: 4},
			"4@counter-4(%rip)":     {kind: argDeref, reg: 128, value: 0xffc, size: 4},
			"-8@16+counter(%rip)":   {kind: argDeref, reg: 128, value: 0x1010, signed: true, size: 8},
		},
		elf.EM_AARCH64: {
			"-4@5":         {value: 5, signed: true, size: 4},
			"8@-9":         {value: -9, size: 8},
			"8@x4":         {kind: argReg, reg: 32, size: 8},
			"-4@w30":       {kind: argReg, reg: 240, signed: true, size: 4},
			"8@sp":         {kind: argReg, reg: 248, size: 8},
			"4@[sp]":       {kind: argDeref, reg: 248, size: 4},
			"-4@[sp, 96]":  {kind: argDeref, reg: 248, value: 96, signed: true, size: 4},
			"1@[x19,-8]":   {kind: argDeref, reg: 152, value: -8, size: 1},
			"8@[x29, #16]": {kind: argDeref, reg: 232, value: 16, size: 8},
		},
		elf.EM_S390: {
			"-4@5":            {value: 5, signed: true, size: 4},
			"8@-9":            {value: -9, size: 8},
			"-8@%r0":          {kind: argReg, reg: 24, signed: true, size: 8},
			"2@%r15":          {kind: argReg, reg: 144, size: 2},
			"-2@-28(%r15)":    {kind: argDeref, reg: 144, value: -28, signed: true, size: 2},
			"4@160(%r1,%r15)": {kind: argSIB, reg: 144, index: 32, value: 160, size: 4},
		},
	} {
		site := usdtSite{machine: machine, address: 0x4000, symbol: func(name string) (uint64, bool) {
			address, ok := symbols[name]
			return address, ok
		}}
		var all []string
		for operand, want := range operands {
			all = append(all, operand)
			if got, err := site.parseArgs(operand); err != nil || !slices.Equal(got, []usdtArg{want}) {
				t.Errorf("%v: %s: %+v, %v, want %+v", machine, operand, got, err, want)
			}
		}
		all = all[:min(len(all), maxUSDTArgs)]
		got, err := site.parseArgs("  " + strings.Join(all, " \t") + " ")
		for i, operand := range all {
			if err != nil || len(got) != len(all) || got[i] != operands[operand] {
				t.Fatalf("%v: %q: %+v, %v", machine, all, got, err)
			}
		}
		if got, err := site.parseArgs(" "); err != nil || len(got) != 0 {
			t.Errorf("%v: no arguments: %+v, %v", machine, got, err)
		}
	}
	for machine, refused := range map[elf.Machine]map[string]string{
		elf.EM_X86_64: {
			"%rdi": "want SIZE@OPERAND", "3@%rax": "size 3", "0@%rax": "size 0", "-9@%rax": "want 1, 2, 4 or 8", "x@%rax": `size "x"`,
			"-128@%rax": "size 128", "8f@%xmm0": "floating-point", "8@%xmm0": `unknown register "%xmm0"`, "1@%ah": `unknown register "%ah"`, "8@%": "unknown register",
			"8@": "not an operand", "8@counter": "not an operand", "8@$": "not a 64-bit number", "8@$x": "not a 64-bit number", "8@8(%rax": "not an operand",
			"8@x(%rax)": "not a 64-bit number", "8@()": "unknown register", "8@(%rax,)": "unknown register", "8@(%rax,%rbx,3)": `scale "3"`, "8@(%rax,%rbx,)": "scale",
			"8@%fs:8(%rax)": "unknown register", "8@nothing(%rip)": "variable nothing is missing from", "8@a+counter(%rip)": "want a variable and a number",
			"8@-counter(%rip)": "want a variable", "8@99999999999999999999(%rax)": "64-bit number",
			"8@$1 8@%rax 4@%zmm1": `argument 2, "4@%zmm1"`, strings.Repeat("8@$1 ", 13): "more than 12",
		},
		elf.EM_AARCH64: {
			"8@x31": "unknown register", "8@d0": "unknown register", "8@[x0, x1]": "not a 64-bit number", "8@[x0": "not an operand", "8@": "unknown register", "8@[x0]!": "not an operand",
		},
		elf.EM_S390:  {"8@%r16": "unknown register", "8@%f0": "unknown register", "8@(%a1)": "unknown register", "8@": "not a 64-bit number"},
		elf.EM_RISCV: {"8@a0": "not supported"},
	} {
		site := usdtSite{machine: machine, symbol: func(name string) (uint64, bool) { return 0x5000, name == "counter" }}
		for text, want := range refused {
			if got, err := site.parseArgs(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %s: %+v, %v, want %q", machine, text, got, err, want)
			}
		}
	}
}

// The bytes match the layout that compilers give the structs of usdt.bpf.h; for libbpf 1.7's, clang
// 14 to 22 and gcc 12.
func TestUSDTSpecs(t *testing.T) {
	args := []usdtArg{
		{value: -1, signed: true, size: 4},
		{kind: argReg, reg: 0x70, size: 8},
		{kind: argDeref, reg: 0x98, value: 0x1234, size: 1},
		{kind: argSIB, reg: 0x20, index: 0x50, scale: 3, value: 8, signed: true, size: 2},
	}
	for _, c := range []struct {
		size  int
		order byteOrder
		args  int
		want  []string
	}{
		{specSize, binary.LittleEndian, 3, []string{
			"ffffffffffffffff 00000000 0000 01 20", "0000000000000000 01000000 7000 00 00", "3412000000000000 02000000 9800 00 38",
		}},
		{specSize, binary.BigEndian, 3, []string{
			"ffffffffffffffff 00000000 0000 01 20", "0000000000000000 00000001 0070 00 00", "0000000000001234 00000002 0098 00 38",
		}},
		{specSizeSIB, binary.LittleEndian, 4, []string{
			"ffffffffffffffff 00 00 0000 00 00 0000 01 20 000000000000", "0000000000000000 01 00 0000 00 00 7000 00 00 000000000000",
			"3412000000000000 02 00 0000 00 00 9800 00 38 000000000000", "0800000000000000 03 00 5030 00 00 2000 01 30 000000000000",
		}},
		{specSizeSIB, binary.BigEndian, 4, []string{
			"ffffffffffffffff 00 00 0000 00 00 0000 01 20 000000000000", "0000000000000000 00 00 0000 01 00 0070 00 00 000000000000",
			"0000000000001234 00 00 0000 02 00 0098 00 38 000000000000", "0000000000000008 00 00 0503 03 00 0020 01 30 000000000000",
		}},
	} {
		raw := make([]byte, c.size)
		if err := encodeSpec(raw, args[:c.args], 0x0102030405060708, c.order); err != nil {
			t.Fatal(err)
		}
		var want []byte
		for _, text := range c.want {
			b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, b...)
		}
		want = append(want, make([]byte, c.size-16-len(want))...)
		want = c.order.AppendUint64(want, 0x0102030405060708)
		want = append(c.order.AppendUint16(want, uint16(c.args)), make([]byte, 6)...)
		if !bytes.Equal(raw, want) {
			t.Errorf("%d bytes, %v:\n%x, want\n%x", c.size, c.order, raw, want)
		}
	}
	if err := encodeSpec(make([]byte, specSize), args, 0, binary.LittleEndian); !errors.Is(err, errNoIndex) || !strings.Contains(err.Error(), "argument 3") {
		t.Errorf("an index in a layout without one: %v", err)
	}
}

// For each compiler's output of the macros, the probes are the ones that readelf shows.
func TestUSDTReadelf(t *testing.T) {
	files := []string{"/usr/bin/python3.11", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"}
	for _, cc := range []string{"gcc", "clang"} {
		for _, flags := range []string{"-O0", "-O2", "-O2 -fPIC -shared"} {
			file := filepath.Join(t.TempDir(), "probed")
			args := append(strings.Fields(flags), "-o", file, "testdata/probed.c")
			if out, err := exec.Command(cc, args...).CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
				t.Fatalf("%s is missing: .ci/setup.sh test installs it", cc)
			} else if err != nil {
				t.Fatalf("%s %q: %v\n%s", cc, args, err, out)
			}
			files = append(files, file)
		}
	}
	for i, file := range files {
		if _, err := os.Stat(file); err != nil && i < 2 {
			continue // on other distributions
		}
		want := readelf(t, file)
		got, err := ReadUSDT(file)
		if err != nil || len(got) == 0 || len(got) != len(want) {
			t.Errorf("%s: %d probes, readelf has %d: %v", file, len(got), len(want), err)
			continue
		}
		f, err := openUSDT(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for j, p := range got {
			text := p.Provider + ":" + p.Name + " " + p.Args
			if text != want[j] {
				t.Errorf("%s: %q, readelf says %q", file, text, want[j])
			}
			// The arguments that compilers emit can be parsed.
			site := usdtSite{machine: f.machine, address: p.address, symbol: f.variable}
			if args, err := site.parseArgs(p.Args); err != nil || len(args) != strings.Count(p.Args, "@") {
				t.Errorf("%s: %s: %d arguments, %v", file, text, len(args), err)
			}
			// The instruction at the probe is a nop.
			if b := make([]byte, 1); f.machineCode(b, p.Offset) != nil || f.machine == elf.EM_X86_64 && b[0] != 0x90 {
				t.Errorf("%s: %s: at offset %#x is %#x", file, text, p.Offset, b)
			}
		}
	}
}

func (f *usdtFile) machineCode(b []byte, offset uint64) error {
	_, err := f.file.ReadAt(b, int64(offset))
	return err
}

// readelf returns probes as PROVIDER:NAME ARGUMENTS.
func readelf(t *testing.T, file string) (probes []string) {
	t.Helper()
	out, err := exec.Command("readelf", "-n", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	provider, name := "", ""
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Provider":
			provider = value
		case "Name":
			name = value
		case "Arguments":
			probes = append(probes, provider+":"+name+" "+value)
		}
	}
	return probes
}

func TestParseMapping(t *testing.T) {
	libc := codeRange{0x7f1c0a000000, 0x7f1c0a1b2000, 0x26000, "/usr/lib/libc.so.6"}
	removed := codeRange{0x400000, 0x401000, 0, "/a b/libc.so.6 (deleted)"}
	for line, want := range map[string]*codeRange{
		"7f1c0a000000-7f1c0a1b2000 r-xp 00026000 08:01 1234      /usr/lib/libc.so.6": &libc,
		"00400000-00401000 r-xp 00000000 08:01 1234      /a b/libc.so.6 (deleted)":   &removed,
		"7f1c0a000000-7f1c0a1b2000 rw-p 00026000 08:01 1234      /usr/lib/libc.so.6": nil,
		"7f1c0a000000-7f1c0a1b2000 r-xp 00000000 00:00 0         [vdso]":             nil,
		"7f1c0a000000-7f1c0a1b2000 r-xp 00000000 00:00 0 ":                           nil,
		"x-7f1c0a1b2000 r-xp 00026000 08:01 1234 /x":                                 nil, "2-1 r-xp 00026000 08:01 1234 /x": nil, "": nil, "x": nil, "a b c d e f": nil,
	} {
		if r, ok := parseMapping(line); ok != (want != nil) || ok && r != *want {
			t.Errorf("%q: %+v, %v", line, r, ok)
		}
	}
	if got := removed.link(5); got != "/proc/5/map_files/400000-401000" {
		t.Errorf("link %s", got)
	}
}

// A function of this process is found at its address.
func TestMappedAddress(t *testing.T) {
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	f, err := newELF(exe)
	if err != nil {
		t.Skipf("not on this kernel: %v", err) // a 32-bit process
	}
	want := uint64(reflect.ValueOf(TestMappedAddress).Pointer())
	offset, err := f.offset(want, 1, true)
	if err != nil {
		t.Fatal(err) // an executable that can be anywhere
	}
	got, err := mappedAddress(os.Getpid(), exe, offset)
	if os.Getuid() != 0 && errors.Is(err, unix.ESRCH) {
		t.Skipf("not on this kernel: only root can follow map_files: %v", err)
	}
	if err != nil || got != want {
		t.Errorf("%#x, %v, want %#x", got, err, want)
	}
	if _, err := mappedAddress(os.Getpid(), exe, 1<<40); !errors.Is(err, unix.ESRCH) {
		t.Errorf("past the end: %v", err)
	}
}

// No file makes the reader panic or use much memory.
func FuzzUSDT(f *testing.F) {
	f.Add(tinyUSDT("8@%rax", binary.LittleEndian, elf.EM_X86_64))
	f.Add(tinyUSDT("8@[sp, 8]", binary.LittleEndian, elf.EM_AARCH64))
	f.Add(tinyUSDT("8@8(%r1)", binary.BigEndian, elf.EM_S390))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		readAll(raw)
		runtime.ReadMemStats(&after)
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+100*len(raw)); took > most {
			t.Errorf("%d bytes of memory for a file of %d", took, len(raw))
		}
	})
}

// readAll does everything that is done with a file before attaching.
func readAll(raw []byte) {
	file, err := newELF(bytes.NewReader(raw))
	if err != nil {
		return
	}
	probes, err := file.probes(func(*USDTProbe) bool { return true })
	if err != nil {
		return
	}
	file.variable("x")
	for _, p := range probes {
		site := usdtSite{machine: file.machine, address: p.address, symbol: func(string) (uint64, bool) { return 1, true }}
		if args, err := site.parseArgs(p.Args); err == nil {
			_ = encodeSpec(make([]byte, specSizeSIB), args, 0, binary.NativeEndian)
		}
	}
}

// tinyUSDT returns a small file with a probe.
func tinyUSDT(args string, order byteOrder, machine elf.Machine) []byte {
	desc := order.AppendUint64(nil, 0x40)
	desc = append(desc, make([]byte, 16)...)
	desc = append(desc, "p\x00n\x00"+args+"\x00"...)
	note := order.AppendUint32(nil, 8)
	note = order.AppendUint32(note, uint32(len(desc)))
	note = order.AppendUint32(note, noteSDT)
	note = append(append(note, "stapsdt\x00"...), desc...)
	for len(note)%8 != 0 {
		note = append(note, 0)
	}
	names := []byte("\x00.note.stapsdt\x00\x00")
	h := elf.Header64{
		Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Phoff: 64, Shoff: 64 + 56, Ehsize: 64,
		Phentsize: 56, Phnum: 1, Shentsize: 64, Shnum: 3, Shstrndx: 2,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_VERSION], h.Ident[elf.EI_DATA] = byte(elf.ELFCLASS64), 1, byte(elf.ELFDATA2LSB)
	if order.Uint16([]byte{0, 1}) == 1 {
		h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	at := uint64(64 + 56 + 3*64)
	var raw []byte
	for _, part := range []any{
		h,
		elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_X), Filesz: at, Memsz: at},
		[]elf.Section64{
			{},
			{Name: 1, Type: uint32(elf.SHT_NOTE), Off: at, Size: uint64(len(note))},
			{Name: 15, Type: uint32(elf.SHT_STRTAB), Off: at + uint64(len(note)), Size: uint64(len(names))},
		},
		note, names,
	} {
		raw, _ = binary.Append(raw, order, part)
	}
	return raw
}

// countingReader counts the bytes read.
type countingReader struct {
	*bytes.Reader
	read int
}

func (r *countingReader) ReadAt(p []byte, at int64) (int, error) {
	n, err := r.Reader.ReadAt(p, at)
	r.read += n
	return n, err
}

// A file with many sections that are the same symbol table, and a probe that names many variables,
// is read once.
func TestUSDTManySymbolTables(t *testing.T) {
	const count = 1000
	raw := tinyUSDT("8@x(%rip)", binary.LittleEndian, elf.EM_X86_64)
	table := make([]elf.Section64, count)
	_, err := binary.Decode(raw[64+56:], binary.LittleEndian, table[:3])
	if err != nil {
		t.Fatal(err)
	}
	at := uint64(len(raw))
	for i := range table[3:] {
		table[3+i] = elf.Section64{Type: uint32(elf.SHT_SYMTAB), Size: at + count*64, Link: 3}
	}
	raw, err = binary.Append(raw, binary.LittleEndian, table)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(raw[0x28:], at)
	binary.LittleEndian.PutUint16(raw[0x3c:], count)
	r := &countingReader{Reader: bytes.NewReader(raw)}
	f, err := newELF(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x", "y", "z"} {
		if address, ok := f.variable(name); ok {
			t.Errorf("variable %s is at %#x", name, address)
		}
	}
	if r.read > 4*len(raw) {
		t.Errorf("read %d bytes of a file of %d", r.read, len(raw))
	}
}

func TestTinyUSDT(t *testing.T) {
	for _, c := range []struct {
		args    string
		order   byteOrder
		machine elf.Machine
	}{
		{"8@%rax", binary.LittleEndian, elf.EM_X86_64}, {"8@8(%r1)", binary.BigEndian, elf.EM_S390},
	} {
		f, err := newELF(bytes.NewReader(tinyUSDT(c.args, c.order, c.machine)))
		if err != nil {
			t.Fatal(err)
		}
		list, err := f.probes(func(*USDTProbe) bool { return true })
		if want := (USDTProbe{Provider: "p", Name: "n", Args: c.args, Offset: 0x40, address: 0x40}); err != nil || len(list) != 1 || list[0] != want {
			t.Errorf("%+v, %v", list, err)
		}
	}
}
