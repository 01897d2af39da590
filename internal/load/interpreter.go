package load

import (
	"unsafe"

	"github.com/bpf2lskel/bpf2lskel/internal/spec"
	"github.com/bpf2lskel/bpf2lskel/internal/sys"
	"github.com/bpf2lskel/bpf2lskel/internal/unix"
)

// interpreter runs a loader in the process. Its memory is one mapping: the blob, room for longer
// attrs, the context, and the stack. It accesses nothing outside this mapping. Since the mapping is
// not Go memory, addresses in registers stay valid.
type interpreter struct {
	blobMap // without a map: mem is the whole memory

	kernel  Kernel
	context uint32 // offset of the context in the memory
	regs    [11]uint64
	pc      int
	calls   []frame
	// refused is set between a failed helper call and the instruction that stores its result.
	refused bool
}

// frame holds what a return from one of the loader's own functions restores. Only [Room] appends
// such functions.
type frame struct {
	pc   int
	regs [5]uint64 // R6 to R10
}

const (
	stackSize = 512 // MAX_BPF_STACK
	maxCalls  = 1   // functions call no others
)

func newInterpreter(s *spec.Spec, extra uint32, kernel Kernel) (*interpreter, unix.Errno) {
	context := (uint32(len(s.Blob)) + extra + 7) &^ 7
	size := context + stackSize*(1+maxCalls) + max(8, uint32(s.LogRequests())*uint32(unsafe.Sizeof(spec.LogRequest{})))
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, sys.ErrnoOf(err)
	}
	c := &interpreter{blobMap: blobMap{fd: -1, mem: unsafe.Slice((*byte)(p), size)}, kernel: kernel, context: context}
	copy(c.mem, s.Blob)
	return c, 0
}

// run executes the loader once, with a part's number as its context. After each step that leaves an
// errno, it calls stop to decide whether to continue. The returned errno is the interpreter's own:
// EFAULT for memory that is not the loader's, EINVAL for an instruction that loaders do not use.
func (c *interpreter) run(loader string, part uint32, stop func() bool) unix.Errno {
	*(*uint32)(unsafe.Pointer(&c.mem[c.context])) = part
	c.calls, c.refused = c.calls[:0], false
	c.regs = [11]uint64{}
	c.regs[1] = c.address(int(c.context))
	c.regs[10] = c.address(len(c.mem))
	// Loaders have no loops: each instruction outside functions is executed at most once.
	insns := len(loader) / 8
	c.pc = 0
	for range 2 * insns {
		if c.pc < 0 || c.pc >= insns {
			return unix.EFAULT
		}
		insn := insnAt(loader, c.pc)
		c.pc++
		done, errno := c.step(insn, loader)
		if done || errno != 0 {
			return errno
		}
		if c.refused && sys.Class(insn.Code) == sys.STX {
			c.refused = false
			if stop() {
				return 0
			}
		}
	}
	return unix.EINVAL
}

func (c *interpreter) step(insn sys.Insn, loader string) (done bool, errno unix.Errno) {
	dst, src := registers(insn.Regs)
	if int(max(dst, src)) >= len(c.regs) {
		return false, unix.EINVAL
	}
	operand := uint64(int64(insn.Imm))
	if insn.Code&sys.X != 0 {
		operand = c.regs[src]
	}
	switch sys.Class(insn.Code) {
	case sys.ALU64:
		value, ok := alu(insn.Code&0xf0, c.regs[dst], operand, 63)
		if !ok {
			return false, unix.EINVAL
		}
		c.regs[dst] = value
	case sys.ALU:
		value, ok := alu(insn.Code&0xf0, uint64(uint32(c.regs[dst])), uint64(uint32(operand)), 31)
		if !ok {
			return false, unix.EINVAL
		}
		c.regs[dst] = uint64(uint32(value))
	case sys.LD:
		if insn.Code != sys.OpLdImm64 || c.pc >= len(loader)/8 {
			return false, unix.EINVAL
		}
		next := insnAt(loader, c.pc)
		c.pc++
		c.regs[dst] = uint64(uint32(insn.Imm)) | uint64(uint32(next.Imm))<<32
		if src == sys.PseudoMapIdxValue { // map 0, the only one
			c.regs[dst] = c.address(int(next.Imm))
		}
	case sys.LDX:
		at, errno := c.access(c.regs[src], insn.Off, insn.Code)
		if errno != 0 {
			return false, errno
		}
		switch insn.Code {
		case sys.OpLdx32:
			c.regs[dst] = uint64(*(*uint32)(at))
		case sys.OpLdx64:
			c.regs[dst] = *(*uint64)(at)
		default:
			return false, unix.EINVAL
		}
	case sys.STX:
		at, errno := c.access(c.regs[dst], insn.Off, insn.Code)
		if errno != 0 {
			return false, errno
		}
		switch value := c.regs[src]; insn.Code {
		case sys.OpStx8:
			*(*uint8)(at) = uint8(value)
		case sys.OpStx16:
			*(*uint16)(at) = uint16(value)
		case sys.OpStx32:
			*(*uint32)(at) = uint32(value)
		case sys.OpStx64:
			*(*uint64)(at) = value
		default:
			return false, unix.EINVAL
		}
	case sys.JMP:
		return c.jump(insn, c.regs[dst], src, operand)
	default:
		return false, unix.EINVAL
	}
	return false, 0
}

// jump executes an instruction of class JMP.
func (c *interpreter) jump(insn sys.Insn, value uint64, src uint8, operand uint64) (done bool, errno unix.Errno) {
	taken := false
	switch insn.Code & 0xf0 {
	case sys.EXIT:
		if len(c.calls) == 0 {
			return true, 0
		}
		f := c.calls[len(c.calls)-1]
		c.calls = c.calls[:len(c.calls)-1]
		c.pc = f.pc
		copy(c.regs[6:], f.regs[:])
	case sys.CALL:
		if src != sys.PseudoCall {
			errno := c.helper(insn.Imm)
			c.refused = int64(c.regs[0]) < 0
			return false, errno
		}
		if len(c.calls) == maxCalls {
			return false, unix.EINVAL
		}
		c.calls = append(c.calls, frame{pc: c.pc, regs: [5]uint64(c.regs[6:11])})
		c.regs[10] -= stackSize
		c.pc += int(insn.Imm)
	case sys.JA:
		taken = true
	case sys.JEQ:
		taken = value == operand
	case sys.JNE:
		taken = value != operand
	case sys.JGT:
		taken = value > operand
	default:
		return false, unix.EINVAL
	}
	if taken {
		c.pc += int(insn.Off)
	}
	return false, 0
}

// alu computes the operations of ALU and ALU64; shift is the mask for shift counts.
func alu(op uint8, a, b uint64, shift uint64) (uint64, bool) {
	switch op {
	case sys.ADD:
		return a + b, true
	case sys.SUB:
		return a - b, true
	case sys.MUL:
		return a * b, true
	case sys.OR:
		return a | b, true
	case sys.AND:
		return a & b, true
	case sys.XOR:
		return a ^ b, true
	case sys.LSH:
		return a << (b & shift), true
	case sys.RSH:
		return a >> (b & shift), true
	case sys.ARSH:
		if shift == 31 {
			return uint64(int64(int32(a)) >> (b & shift)), true
		}
		return uint64(int64(a) >> (b & shift)), true
	case sys.NEG:
		return -a, true
	case sys.MOV:
		return b, true
	}
	return 0, false
}

// helper calls a helper by its number, with R1 to R5 as arguments, and stores the result in R0.
func (c *interpreter) helper(number int32) unix.Errno {
	r := &c.regs
	switch number {
	case sys.FuncSysBPF:
		attr, errno := c.memoryAt(r[2], r[3])
		if errno != 0 {
			return errno
		}
		cmd := sys.Cmd(r[1])
		if errno := c.checkAttr(cmd, attr); errno != 0 {
			return errno
		}
		num, errno := c.kernel.BPF(cmd, unsafe.Pointer(&attr[0]), uintptr(len(attr)))
		r[0] = result(uint64(uint32(num)), errno)
	case sys.FuncBtfFindByNameKind:
		name, errno := c.name(r[1], r[2])
		if errno != 0 {
			return errno
		}
		id, fd, errno := c.kernel.FindBTF(name, uint8(r[3]))
		r[0] = result(uint64(id)|uint64(uint32(fd))<<32, errno)
	case sys.FuncKallsymsLookupName:
		name, errno := c.name(r[1], r[2])
		if errno != 0 {
			return errno
		}
		to, errno := c.access(r[4], 0, sys.OpStx64)
		if errno != 0 {
			return errno
		}
		if r[3] != 0 { // flags must be 0, as in the kernel
			r[0] = result(0, unix.EINVAL)
			break
		}
		address, errno := c.kernel.FindSymbol(name)
		*(*uint64)(to) = address
		r[0] = result(0, errno)
	default:
		return unix.EINVAL
	}
	return 0
}

func result(value uint64, errno unix.Errno) uint64 {
	if errno != 0 {
		return uint64(-int64(errno))
	}
	return value
}

// name reads a string of size bytes, including the terminating zero.
func (c *interpreter) name(at, size uint64) (string, unix.Errno) {
	b, errno := c.memoryAt(at, size)
	if errno != 0 {
		return "", errno
	}
	return unix.ByteSliceToString(b), 0
}

// address returns the address of the byte at an offset in the memory, as a register value.
func (c *interpreter) address(at int) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(c.mem)))) + uint64(at)
}

// memoryAt returns the memory of size bytes at an address. A size of 0 is an error.
func (c *interpreter) memoryAt(at, size uint64) ([]byte, unix.Errno) {
	off := at - c.address(0)
	if total := uint64(len(c.mem)); size == 0 || off >= total || size > total-off {
		return nil, unix.EFAULT
	}
	return c.mem[off:][:size], 0
}

// access returns a pointer to what an instruction with opcode op reads or writes.
func (c *interpreter) access(base uint64, off int16, op uint8) (unsafe.Pointer, unix.Errno) {
	size := [...]uint64{4, 2, 1, 8}[op>>3&3] // W, H, B, DW
	b, errno := c.memoryAt(base+uint64(int64(off)), size)
	if errno != 0 {
		return nil, errno
	}
	if at := unsafe.Pointer(&b[0]); uintptr(at)%uintptr(size) == 0 || size == 1 {
		return at, 0
	}
	return nil, unix.EFAULT // blobs are aligned
}

// registers splits the byte that holds dst_reg and src_reg.
func registers(b uint8) (dst, src uint8) {
	if regs(1, 0) == 1 {
		return b & 0xf, b >> 4
	}
	return b >> 4, b & 0xf
}
