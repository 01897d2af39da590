#include "textflag.h"

TEXT ·Fire(SB), NOSPLIT, $16-0
	MOVD $0x8877665544332211, R0
	MOVD $-5, R1
	MOVD $0xffffffff80000001, R2
	MOVD $0x00000000fffffff0, R3
	MOVD $0x12348001, R4
	MOVD $0x8001, R5
	MOVD $0x1ff, R6
	MOVD $0x1ff, R7
	MOVD $data<>+8(SB), R8
	CALL site<>(SB)
	RET

TEXT site<>(SB), NOSPLIT|NOFRAME, $0-0
	NOOP
	NOOP
	NOOP
	RET

TEXT ·Addresses(SB), NOSPLIT, $0-24
	MOVD $site<>(SB), R0
	MOVD R0, site+0(FP)
	MOVD $data<>+8(SB), R0
	MOVD R0, data+8(FP)
	MOVD $semaphore<>(SB), R0
	MOVD R0, semaphore+16(FP)
	RET

#include "data.h"
