package sys

// Insn is struct bpf_insn as the kernel reads it. Regs holds dst_reg and src_reg, bit-fields of
// four bits each: dst_reg in the low half on little endian, in the high half on big endian.
type Insn struct {
	Code uint8
	Regs uint8
	Off  int16
	Imm  int32
}

// Class returns the class of an opcode, such as [ALU64].
func Class(op uint8) uint8 { return op & 0x07 }

// Parts of an opcode, include/uapi/linux/bpf.h and bpf_common.h.
const (
	// Classes.
	LD    = 0x00
	LDX   = 0x01
	ST    = 0x02
	STX   = 0x03
	ALU   = 0x04
	JMP   = 0x05
	JMP32 = 0x06
	ALU64 = 0x07

	// Sizes of loads and stores.
	W  = 0x00
	H  = 0x08
	B  = 0x10
	DW = 0x18

	// Modes of loads and stores.
	IMM    = 0x00
	MEM    = 0x60
	ATOMIC = 0xc0

	// Operations of ALU and ALU64.
	ADD  = 0x00
	SUB  = 0x10
	MUL  = 0x20
	DIV  = 0x30
	OR   = 0x40
	AND  = 0x50
	LSH  = 0x60
	RSH  = 0x70
	NEG  = 0x80
	MOD  = 0x90
	XOR  = 0xa0
	MOV  = 0xb0
	ARSH = 0xc0
	END  = 0xd0

	// Operations of JMP and JMP32.
	JA   = 0x00
	JEQ  = 0x10
	JGT  = 0x20
	JNE  = 0x50
	JLT  = 0xa0
	CALL = 0x80
	EXIT = 0x90

	// The second operand: an immediate or a register.
	K = 0x00
	X = 0x08
)

// Whole opcodes.
const (
	OpMovImm   = ALU64 | MOV | K
	OpMov32Imm = ALU | MOV | K
	OpMovReg   = ALU64 | MOV | X
	OpMov32Reg = ALU | MOV | X
	OpAddImm   = ALU64 | ADD | K
	OpAddReg   = ALU64 | ADD | X
	OpSubReg   = ALU64 | SUB | X
	OpMulImm   = ALU64 | MUL | K
	OpMulReg   = ALU64 | MUL | X
	OpAndImm   = ALU64 | AND | K
	OpAndReg   = ALU64 | AND | X
	OpAnd32Imm = ALU | AND | K
	OpOrImm    = ALU64 | OR | K
	OpOrReg    = ALU64 | OR | X
	OpXorImm   = ALU64 | XOR | K
	OpXorReg   = ALU64 | XOR | X
	OpRshImm   = ALU64 | RSH | K
	OpArshImm  = ALU64 | ARSH | K
	OpNeg      = ALU64 | NEG
	OpLdImm64  = LD | IMM | DW
	OpLdx32    = LDX | MEM | W
	OpLdx64    = LDX | MEM | DW
	OpStx8     = STX | MEM | B
	OpStx16    = STX | MEM | H
	OpStx32    = STX | MEM | W
	OpStx64    = STX | MEM | DW
	OpAtomic64 = STX | ATOMIC | DW
	OpCall     = JMP | CALL
	OpExit     = JMP | EXIT
	OpJa       = JMP | JA
	OpJeqImm   = JMP | JEQ | K
	OpJgtImm   = JMP | JGT | K
	OpJneImm   = JMP | JNE | K
	OpJltImm   = JMP | JLT | K
	OpJne32Imm = JMP32 | JNE | K
)

// Values of src_reg that give imm a special meaning.
const (
	PseudoMapFd       = 1 // ld_imm64: a map's file descriptor
	PseudoMapValue    = 2 // ld_imm64: the same, the next imm is an offset into the map's value
	PseudoBtfID       = 3 // ld_imm64: a BTF ID, the next imm its BTF's file descriptor
	PseudoFunc        = 4 // ld_imm64: a distance in instructions
	PseudoMapIdx      = 5 // ld_imm64: an index into fd_array
	PseudoMapIdxValue = 6 // ld_imm64: the same, the next imm is an offset into the map's value

	PseudoCall      = 1 // call: a distance in instructions
	PseudoKfuncCall = 2 // call: a BTF ID, off is an index into fd_array
)

// FuncInfo is struct bpf_func_info.
type FuncInfo struct {
	InsnOff uint32
	TypeId  uint32
}

// LineInfo is struct bpf_line_info.
type LineInfo struct {
	InsnOff     uint32
	FileNameOff uint32
	LineOff     uint32
	LineCol     uint32
}

// CoreRelo is struct bpf_core_relo; InsnOff counts bytes.
type CoreRelo struct {
	InsnOff      uint32
	TypeId       uint32
	AccessStrOff uint32
	Kind         uint32
}

// enum bpf_core_relo_kind.
const (
	CoreFieldByteOffset = iota
	CoreFieldByteSize
	CoreFieldExists
	CoreFieldSigned
	CoreFieldLshiftU64
	CoreFieldRshiftU64
	CoreTypeIDLocal
	CoreTypeIDTarget
	CoreTypeExists
	CoreTypeSize
	CoreEnumvalExists
	CoreEnumvalValue
	CoreTypeMatches
)
