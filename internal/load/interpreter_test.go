package load

import (
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec/spectest"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// deafKernel refuses every call and records its arguments.
type deafKernel struct {
	cmds  []sys.Cmd
	names []string
}

func (k *deafKernel) BPF(cmd sys.Cmd, attr unsafe.Pointer, size uintptr) (int, unix.Errno) {
	k.cmds = append(k.cmds, cmd)
	return -1, unix.EPERM
}

func (k *deafKernel) FindBTF(name string, kind uint8) (uint32, int, unix.Errno) {
	k.names = append(k.names, name)
	return 0, 0, unix.ENOENT
}

func (k *deafKernel) FindSymbol(name string) (uint64, unix.Errno) {
	k.names = append(k.names, name)
	return 0, unix.ENOENT
}

// code returns a loader with these instructions.
func code(insns ...sys.Insn) string {
	b := make([]byte, 0, 8*len(insns))
	for _, insn := range insns {
		b = append(b, make([]byte, 8)...)
		put(b[len(b)-8:], insn)
	}
	return string(b)
}

// Running a loader with unsupported instructions returns an errno and touches only the loader's
// memory.
func TestInterpreterRefuses(t *testing.T) {
	blob := func(dst uint8, offset int32) []sys.Insn {
		return []sys.Insn{{Code: sys.OpLdImm64, Regs: regs(dst, sys.PseudoMapIdxValue)}, {Imm: offset}}
	}
	exit := sys.Insn{Code: sys.OpExit}
	for name, tt := range map[string]struct {
		loader string
		want   unix.Errno
	}{
		"nothing":               {"", unix.EINVAL},
		"no end":                {code(sys.Insn{Code: sys.OpMovImm}), unix.EFAULT},
		"an endless loop":       {code(sys.Insn{Code: sys.OpJa, Off: -1}), unix.EINVAL},
		"a jump out":            {code(sys.Insn{Code: sys.OpJa, Off: 99}, exit), unix.EFAULT},
		"a jump before":         {code(sys.Insn{Code: sys.OpJa, Off: -2}, exit), unix.EFAULT},
		"memory before":         {code(append(blob(6, 0), sys.Insn{Code: sys.OpStx64, Regs: regs(6, 0), Off: -8}, exit)...), unix.EFAULT},
		"memory after":          {code(append(blob(6, 1<<30), sys.Insn{Code: sys.OpLdx64, Regs: regs(0, 6)}, exit)...), unix.EFAULT},
		"the null pointer":      {code(sys.Insn{Code: sys.OpLdx64, Regs: regs(0, 3)}, exit), unix.EFAULT},
		"half a number":         {code(sys.Insn{Code: sys.OpLdImm64}), unix.EINVAL},
		"a register too many":   {code(sys.Insn{Code: sys.OpMovImm, Regs: regs(11, 0)}, exit), unix.EINVAL},
		"a division":            {code(sys.Insn{Code: sys.ALU64 | sys.DIV}, exit), unix.EINVAL},
		"a helper that is none": {code(sys.Insn{Code: sys.OpCall, Imm: 1}, exit), unix.EINVAL},
		"an attr of nothing":    {code(sys.Insn{Code: sys.OpCall, Imm: sys.FuncSysBPF}, exit), unix.EFAULT},
		"calls in calls":        {code(sys.Insn{Code: sys.OpCall, Regs: regs(0, sys.PseudoCall), Imm: -1}, exit), unix.EINVAL},
		"all is well":           {code(append(blob(6, 0), sys.Insn{Code: sys.OpStx64, Regs: regs(6, 0)}, exit)...), 0},
	} {
		c, errno := newInterpreter(spectest.New(), 0, new(deafKernel))
		if errno != 0 {
			t.Fatal(errno)
		}
		if got := c.run(tt.loader, 0, func() bool { return false }); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		c.close()
	}
}

// Arbitrary instructions do not harm the process.
func TestInterpreterRunsArbitraryCode(t *testing.T) {
	c, errno := newInterpreter(spectest.New(), 0, new(deafKernel))
	if errno != 0 {
		t.Fatal(errno)
	}
	defer c.close()
	random := rand.New(rand.NewPCG(1, 2))
	ops := []uint8{
		sys.OpMovImm, sys.OpMovReg, sys.OpAddImm, sys.OpAddReg, sys.OpSubReg, sys.OpMulImm, sys.OpRshImm, sys.OpNeg, sys.OpLdImm64,
		sys.OpLdx32, sys.OpLdx64, sys.OpStx8, sys.OpStx16, sys.OpStx32, sys.OpStx64, sys.OpCall, sys.OpExit, sys.OpJa, sys.OpJeqImm, sys.OpJgtImm,
	}
	helpers := []int32{sys.FuncSysBPF, sys.FuncBtfFindByNameKind, sys.FuncKallsymsLookupName}
	ran := 0
	for range 20000 {
		insns := []sys.Insn{{Code: sys.OpLdImm64, Regs: regs(6, sys.PseudoMapIdxValue)}, {}}
		for range 1 + random.IntN(30) {
			insn := sys.Insn{Code: ops[random.IntN(len(ops))], Regs: regs(uint8(random.IntN(12)), uint8(random.IntN(12))), Off: int16(random.IntN(64) - 8), Imm: int32(random.IntN(512))}
			if insn.Code == sys.OpCall && random.IntN(2) == 0 {
				insn.Regs, insn.Imm = 0, helpers[random.IntN(len(helpers))]
			}
			insns = append(insns, insn)
		}
		if c.run(code(append(insns, sys.Insn{Code: sys.OpExit})...), 0, func() bool { return false }) == 0 {
			ran++
		}
	}
	if ran == 0 {
		t.Error("none ran to its end")
	}
}

// readingKernel reads everything that an attr refers to, as runtime/oldkernel does, and fails the
// test for an address that is not the loader's.
type readingKernel struct {
	deafKernel
	t *testing.T
	c *interpreter
}

func (k *readingKernel) BPF(cmd sys.Cmd, p unsafe.Pointer, size uintptr) (int, unix.Errno) {
	read := func(address uint64, size uint64) []byte {
		first := k.c.address(0)
		if size > 0 && (address < first || address-first > uint64(len(k.c.mem)) || size > uint64(len(k.c.mem))-(address-first)) {
			k.t.Fatalf("command %d: %d bytes at %#x, the memory is %d bytes at %#x", cmd, size, address, len(k.c.mem), first)
		}
		if size == 0 {
			return nil
		}
		return k.c.mem[address-first:][:size]
	}
	raw := unsafe.Slice((*byte)(p), size)
	read(uint64(uintptr(p)), uint64(size))
	switch cmd {
	case sys.CmdBtfLoad:
		attr := attrIn[sys.BtfLoadAttr](raw)
		read(attr.Btf, uint64(attr.BtfSize))
		read(attr.BtfLogBuf, uint64(attr.BtfLogSize))
	case sys.CmdProgLoad:
		attr := attrIn[sys.ProgLoadAttr](raw)
		code := read(attr.Insns, 8*uint64(attr.InsnCnt))
		read(attr.LogBuf, uint64(attr.LogSize))
		read(attr.CoreRelos, 16*uint64(attr.CoreReloCnt))
		for at := 0; at+8 <= len(code); at += 8 {
			insn := *(*sys.Insn)(unsafe.Pointer(&code[at]))
			if insn.Code != sys.OpLdImm64 {
				continue
			}
			at += 8
			_, src := registers(insn.Regs)
			if attr.FdArray != 0 && (src == sys.PseudoMapIdx || src == sys.PseudoMapIdxValue) {
				read(attr.FdArray+4*uint64(int64(insn.Imm)), 4)
			}
		}
	case sys.CmdMapCreate, sys.CmdMapFreeze, sys.CmdMapUpdateElem:
	default:
		k.t.Fatalf("command %d is not for loaders", cmd)
	}
	return int(size), 0
}

// FuzzInterpreter interprets arbitrary instructions on arbitrary blobs. No access, and no address
// in an attr, is outside the loader's memory.
func FuzzInterpreter(f *testing.F) {
	s := spectest.New()
	f.Add([]byte(s.Loader), []byte(s.Blob), uint32(0))
	call := func(cmd, size int32) []byte {
		return []byte(code(
			sys.Insn{Code: sys.OpLdImm64, Regs: regs(2, sys.PseudoMapIdxValue)}, sys.Insn{},
			// The addresses in the attr become the blob's.
			sys.Insn{Code: sys.OpLdx64, Regs: regs(4, 2), Off: 8}, sys.Insn{Code: sys.OpAddReg, Regs: regs(4, 2)},
			sys.Insn{Code: sys.OpStx64, Regs: regs(2, 4), Off: 8},
			sys.Insn{Code: sys.OpLdx64, Regs: regs(4, 2), Off: 16}, sys.Insn{Code: sys.OpAddReg, Regs: regs(4, 2)},
			sys.Insn{Code: sys.OpStx64, Regs: regs(2, 4), Off: 16},
			sys.Insn{Code: sys.OpLdx64, Regs: regs(4, 2), Off: 120}, sys.Insn{Code: sys.OpAddReg, Regs: regs(4, 2)},
			sys.Insn{Code: sys.OpStx64, Regs: regs(2, 4), Off: 120},
			sys.Insn{Code: sys.OpMovImm, Regs: regs(1, 0), Imm: cmd}, sys.Insn{Code: sys.OpMovImm, Regs: regs(3, 0), Imm: size},
			sys.Insn{Code: sys.OpCall, Imm: sys.FuncSysBPF}, sys.Insn{Code: sys.OpExit},
		))
	}
	blob := make([]byte, 512)
	blob[4], blob[8], blob[16], blob[120] = 2, 200, 196, 192
	put(blob[200:], sys.Insn{Code: sys.OpLdImm64, Regs: regs(1, sys.PseudoMapIdx), Imm: 3})
	f.Add(call(int32(sys.CmdProgLoad), 144), blob, uint32(1))
	f.Add(call(int32(sys.CmdBtfLoad), 32), blob, uint32(1))
	f.Add(call(int32(sys.CmdMapUpdateElem), 32), blob, uint32(2))
	f.Fuzz(func(t *testing.T, loader, blob []byte, extra uint32) {
		s := spectest.New()
		s.Blob, s.Loader = string(blob), string(loader)
		k := &readingKernel{t: t}
		c, errno := newInterpreter(s, extra%4096, k)
		if errno != 0 {
			t.Fatal(errno)
		}
		defer c.close()
		k.c = c
		c.run(s.Loader, extra, func() bool { return extra%2 == 0 })
	})
}
