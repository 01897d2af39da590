package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// This file checks the system calls of an interpreted loader. A loader in the kernel cannot refer
// to memory of the process, but the system calls of an interpreted one read, and write logs,
// wherever an attr points. So all addresses must be in the loader's own memory.

// checkAttr returns EFAULT if an attr refers to memory that is not the loader's, and EINVAL for a
// command that the kernel does not allow loaders either (syscall_prog_func_proto, bpf_sys_bpf).
func (c *interpreter) checkAttr(cmd sys.Cmd, raw []byte) unix.Errno {
	ok := true
	holds := func(address uint64, count, size uint32) {
		if total := uint64(count) * uint64(size); total > 0 {
			_, errno := c.memoryAt(address, total)
			ok = ok && errno == 0
		}
	}
	switch cmd {
	case sys.CmdMapCreate, sys.CmdMapFreeze:
	case sys.CmdMapUpdateElem:
		attr := attrIn[sys.MapElemAttr](raw)
		holds(attr.Key, 1, 1) // the map determines the size
		holds(attr.Value, 1, 1)
	case sys.CmdBtfLoad:
		attr := attrIn[sys.BtfLoadAttr](raw)
		holds(attr.Btf, 1, attr.BtfSize)
		holds(attr.BtfLogBuf, 1, attr.BtfLogSize)
	case sys.CmdProgLoad:
		attr := attrIn[sys.ProgLoadAttr](raw)
		holds(attr.License, 1, 1) // 128 bytes at most, copied as a string
		holds(attr.Insns, attr.InsnCnt, uint32(unsafe.Sizeof(sys.Insn{})))
		holds(attr.FuncInfo, attr.FuncInfoCnt, attr.FuncInfoRecSize)
		holds(attr.LineInfo, attr.LineInfoCnt, attr.LineInfoRecSize)
		holds(attr.CoreRelos, attr.CoreReloCnt, max(attr.CoreReloRecSize, uint32(unsafe.Sizeof(sys.CoreRelo{}))))
		holds(attr.LogBuf, 1, attr.LogSize)
		if attr.LogBuf != 0 && attr.LogSize == 0 || attr.Signature != 0 {
			ok = false
		}
		if ok && attr.FdArray != 0 && attr.InsnCnt > 0 {
			ok = c.holdsFDs(attr)
		}
	default:
		return unix.EINVAL
	}
	if !ok {
		return unix.EFAULT
	}
	return 0
}

// holdsFDs reports whether the fd_array entries that a program refers to are in the loader's
// memory.
func (c *interpreter) holdsFDs(attr *sys.ProgLoadAttr) bool {
	if _, errno := c.memoryAt(attr.FdArray, 4); errno != 0 {
		return false
	}
	room := (c.address(len(c.mem)) - attr.FdArray) / 4
	code, _ := c.memoryAt(attr.Insns, 8*uint64(attr.InsnCnt))
	for at := 0; at < len(code); at += 8 {
		insn := *(*sys.Insn)(unsafe.Pointer(&code[at]))
		if insn.Code != sys.OpLdImm64 {
			continue
		}
		at += 8
		_, src := registers(insn.Regs)
		if (src == sys.PseudoMapIdx || src == sys.PseudoMapIdxValue) && (insn.Imm < 0 || uint64(insn.Imm) >= room) {
			return false
		}
	}
	return true
}

// attrIn returns a copy of an attr, with zeros for the fields that raw lacks.
func attrIn[T any](raw []byte) *T {
	whole := new(T)
	copy(unsafe.Slice((*byte)(unsafe.Pointer(whole)), unsafe.Sizeof(*whole)), raw)
	return whole
}
