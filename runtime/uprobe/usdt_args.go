package uprobe

import (
	"debug/elf"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The compiler describes each argument of a USDT probe as N@OPERAND: N is the size in bytes,
// negative for signed arguments, and OPERAND is the location in assembler syntax when the probe
// fires (https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation).

// maxUSDTArgs is BPF_USDT_MAX_ARG_CNT of usdt.bpf.h.
const maxUSDTArgs = 12

// usdtArgKind is enum __bpf_usdt_arg_type.
type usdtArgKind uint8

const (
	argConst usdtArgKind = iota // a constant
	argReg                      // in a register
	argDeref                    // in memory, at a register plus an offset
	argSIB                      // in memory, at a register plus an offset plus a scaled register
)

// usdtArg is the location of an argument, and how to extend it to 64 bits.
type usdtArg struct {
	kind   usdtArgKind
	value  int64  // the constant, or the offset in memory
	reg    uint16 // offset of the register in struct pt_regs, in bytes
	index  uint16 // offset of the scaled register
	scale  uint8  // number of bits to shift it by
	signed bool
	size   uint8 // in bytes: 1, 2, 4 or 8
}

// usdtSite is what operands may refer to besides registers.
type usdtSite struct {
	machine elf.Machine
	// address is the probe's virtual address in the file.
	address uint64
	// symbol returns a variable's virtual address in the file.
	symbol func(name string) (uint64, bool)
}

// parseArgs parses a probe's arguments.
func (s *usdtSite) parseArgs(text string) ([]usdtArg, error) {
	var args []usdtArg
	for rest := strings.TrimLeft(text, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		one := rest[:argLen(rest)]
		rest = rest[len(one):]
		arg, err := s.parseArg(one)
		if err != nil {
			return nil, fmt.Errorf("argument %d, %q: %w", len(args), one, err)
		}
		if len(args) == maxUSDTArgs {
			return nil, fmt.Errorf("more than %d arguments", maxUSDTArgs)
		}
		args = append(args, arg)
	}
	return args, nil
}

// argLen returns the length of the first argument, which ends at a blank outside brackets.
func argLen(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		case ' ', '\t':
			if depth <= 0 {
				return i
			}
		}
	}
	return len(text)
}

func (s *usdtSite) parseArg(text string) (usdtArg, error) {
	size, operand, ok := strings.Cut(text, "@")
	if !ok {
		return usdtArg{}, errors.New("missing size: want SIZE@OPERAND")
	}
	if strings.HasSuffix(size, "f") {
		return usdtArg{}, errors.New("floating-point numbers are not supported")
	}
	n, err := strconv.ParseInt(size, 10, 8)
	if err != nil {
		return usdtArg{}, fmt.Errorf("size %q is not a number", size)
	}
	signed := n < 0
	if signed {
		n = -n
	}
	switch n {
	case 1, 2, 4, 8:
	default:
		return usdtArg{}, fmt.Errorf("size %d: want 1, 2, 4 or 8 bytes", n)
	}
	var arg usdtArg
	switch s.machine {
	case elf.EM_X86_64:
		arg, err = s.parseX86(operand)
	case elf.EM_AARCH64:
		arg, err = parseARM64(operand)
	case elf.EM_S390:
		arg, err = parseS390(operand)
	default:
		err = fmt.Errorf("arguments on %v are not supported", s.machine)
	}
	arg.signed, arg.size = signed, uint8(n)
	return arg, err
}

// parseX86 parses $5, %rax, -20(%rbp), -20(%rbp,%rax,4) and variable+8(%rip).
func (s *usdtSite) parseX86(operand string) (arg usdtArg, err error) {
	if number, ok := strings.CutPrefix(operand, "$"); ok {
		arg.value, err = parseNumber(number)
		return arg, err
	}
	if strings.HasPrefix(operand, "%") {
		arg.kind = argReg
		arg.reg, err = x86Register(operand)
		return arg, err
	}
	offset, inner, err := cutMemory(operand, "(", ")")
	if err != nil {
		return arg, err
	}
	base, index, indexed := strings.Cut(inner, ",")
	arg.kind = argDeref
	if arg.reg, err = x86Register(base); err != nil {
		return arg, err
	}
	if indexed {
		index, scale, scaled := strings.Cut(index, ",")
		arg.kind = argSIB
		if arg.index, err = x86Register(index); err != nil {
			return arg, err
		}
		if scaled {
			if arg.scale, err = scaleBits(strings.TrimSpace(scale)); err != nil {
				return arg, err
			}
		}
	}
	if arg.kind == argDeref && arg.reg == x86RIP {
		arg.value, err = s.relative(offset)
		return arg, err
	}
	if offset != "" {
		arg.value, err = parseNumber(offset)
	}
	return arg, err
}

// relative returns the distance from the probe to name, name+8, 8+name or 8. While the program
// runs, the instruction pointer is the probe's address, wherever the file is mapped.
func (s *usdtSite) relative(expr string) (int64, error) {
	name, offset := "", int64(0)
	for _, term := range terms(expr) {
		switch {
		case startsNumber(term):
			n, err := parseNumber(strings.TrimPrefix(term, "+"))
			if err != nil {
				return 0, err
			}
			offset += n
		case name != "" || strings.HasPrefix(term, "-"):
			return 0, fmt.Errorf("address %q: want a variable and a number", expr)
		default:
			name = strings.TrimPrefix(term, "+")
		}
	}
	if name == "" {
		return offset, nil
	}
	address, ok := s.symbol(name)
	if !ok {
		return 0, fmt.Errorf("variable %s is missing from the file's symbol tables, or ambiguous", name)
	}
	return int64(address+uint64(offset)) - int64(s.address), nil
}

// terms returns the terms of a sum, each with its sign.
func terms(expr string) []string {
	var list []string
	for expr != "" {
		end := len(expr)
		if i := strings.IndexAny(expr[1:], "+-"); i >= 0 {
			end = i + 1
		}
		list, expr = append(list, expr[:end]), expr[end:]
	}
	return list
}

// parseARM64 parses 5, x0, w0, [sp] and [sp, 96].
func parseARM64(operand string) (arg usdtArg, err error) {
	if startsNumber(strings.TrimPrefix(operand, "#")) {
		arg.value, err = parseNumber(strings.TrimPrefix(operand, "#"))
		return arg, err
	}
	if !strings.HasPrefix(operand, "[") {
		arg.kind = argReg
		arg.reg, err = arm64Register(operand)
		return arg, err
	}
	_, inner, err := cutMemory(operand, "[", "]")
	if err != nil {
		return arg, err
	}
	base, offset, ok := strings.Cut(inner, ",")
	arg.kind = argDeref
	if arg.reg, err = arm64Register(strings.TrimSpace(base)); err == nil && ok {
		arg.value, err = parseNumber(strings.TrimPrefix(strings.TrimSpace(offset), "#"))
	}
	return arg, err
}

// parseS390 parses 5, %r2, 160(%r15) and 160(%r1,%r15), in which the first register is the index.
func parseS390(operand string) (arg usdtArg, err error) {
	if strings.HasPrefix(operand, "%") {
		arg.kind = argReg
		arg.reg, err = s390Register(operand)
		return arg, err
	}
	if !strings.Contains(operand, "(") {
		arg.value, err = parseNumber(operand)
		return arg, err
	}
	offset, inner, err := cutMemory(operand, "(", ")")
	if err != nil {
		return arg, err
	}
	arg.kind = argDeref
	if index, base, ok := strings.Cut(inner, ","); ok {
		arg.kind, inner = argSIB, base
		if arg.index, err = s390Register(index); err != nil {
			return arg, err
		}
	}
	if arg.reg, err = s390Register(inner); err == nil && offset != "" {
		arg.value, err = parseNumber(offset)
	}
	return arg, err
}

// cutMemory splits an operand such as -20(%rbp).
func cutMemory(operand, open, end string) (offset, inner string, err error) {
	offset, inner, ok := strings.Cut(operand, open)
	inner, closed := strings.CutSuffix(inner, end)
	if !ok || !closed {
		return "", "", errors.New("not an operand: want a constant, a register, or memory at a register")
	}
	return strings.TrimSpace(offset), inner, nil
}

func startsNumber(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return text != "" && text[0] >= '0' && text[0] <= '9'
}

// parseNumber parses a 64-bit number, signed or unsigned: the bits are the same.
func parseNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 0, 64)
	if err == nil {
		return n, nil
	}
	if u, err := strconv.ParseUint(text, 0, 64); err == nil {
		return int64(u), nil
	}
	return 0, fmt.Errorf("%q is not a 64-bit number", text)
}

// scaleBits returns the number of bits to shift an index by.
func scaleBits(scale string) (uint8, error) {
	switch scale {
	case "1":
		return 0, nil
	case "2":
		return 1, nil
	case "4":
		return 2, nil
	case "8":
		return 3, nil
	}
	return 0, fmt.Errorf("scale %q: want 1, 2, 4 or 8", scale)
}

// x86Registers are the registers in the order of the kernel's struct pt_regs
// (arch/x86/include/asm/ptrace.h), with all their names. "" is a register that operands cannot
// name.
var x86Registers = [...]string{
	"r15 r15d r15w r15b", "r14 r14d r14w r14b", "r13 r13d r13w r13b", "r12 r12d r12w r12b", "rbp ebp bp bpl", "rbx ebx bx bl",
	"r11 r11d r11w r11b", "r10 r10d r10w r10b", "r9 r9d r9w r9b", "r8 r8d r8w r8b", "rax eax ax al", "rcx ecx cx cl",
	"rdx edx dx dl", "rsi esi si sil", "rdi edi di dil", "", "rip eip", "", "", "rsp esp sp spl",
}

// x86RIP is the offset of the instruction pointer.
const x86RIP = 16 * 8

func x86Register(name string) (uint16, error) {
	name = strings.TrimSpace(name)
	bare, ok := strings.CutPrefix(name, "%")
	if ok && bare != "" {
		for i, names := range x86Registers {
			for _, n := range strings.Fields(names) {
				if n == bare {
					return uint16(i * 8), nil
				}
			}
		}
	}
	return 0, unknownRegister(name)
}

// arm64Register returns a register's offset in struct user_pt_regs
// (arch/arm64/include/uapi/asm/ptrace.h), with which the kernel's struct pt_regs begins: x0 to x30
// and the stack pointer.
func arm64Register(name string) (uint16, error) {
	if name == "sp" {
		return 31 * 8, nil
	}
	if len(name) > 1 && (name[0] == 'x' || name[0] == 'w') {
		if n, err := strconv.ParseUint(name[1:], 10, 8); err == nil && n < 31 {
			return uint16(n * 8), nil
		}
	}
	return 0, unknownRegister(name)
}

// s390Register returns a register's offset in user_pt_regs (arch/s390/include/uapi/asm/ptrace.h),
// with which the kernel's struct pt_regs begins: a word, the program status word of 16 bytes, and
// the 16 registers.
func s390Register(name string) (uint16, error) {
	name = strings.TrimSpace(name)
	if number, ok := strings.CutPrefix(name, "%r"); ok {
		if n, err := strconv.ParseUint(number, 10, 8); err == nil && n < 16 {
			return uint16(24 + n*8), nil
		}
	}
	return 0, unknownRegister(name)
}

func unknownRegister(name string) error { return fmt.Errorf("unknown register %q", name) }
