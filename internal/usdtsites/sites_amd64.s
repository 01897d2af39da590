#include "textflag.h"

TEXT ·Fire(SB), NOSPLIT, $8-0
	MOVQ $0x8877665544332211, AX
	MOVQ $-5, BX
	MOVQ $0xffffffff80000001, CX
	MOVQ $0x00000000fffffff0, DX
	MOVQ $0x12348001, SI
	MOVQ $0x8001, DI
	MOVQ $0x1ff, R8
	MOVQ $0x1ff, R9
	LEAQ data<>+8(SB), R10
	MOVQ $3, R11
	CALL site<>(SB)
	RET

TEXT site<>(SB), NOSPLIT|NOFRAME, $0-0
	BYTE $0x90
	BYTE $0x90
	BYTE $0x90
	RET

TEXT ·Addresses(SB), NOSPLIT, $0-24
	LEAQ site<>(SB), AX
	MOVQ AX, site+0(FP)
	LEAQ data<>+8(SB), AX
	MOVQ AX, data+8(FP)
	LEAQ semaphore<>(SB), AX
	MOVQ AX, semaphore+16(FP)
	RET

#include "data.h"
