#include "textflag.h"

TEXT ·Fire(SB), NOSPLIT, $8-0
	MOVD $0x8877665544332211, R2
	MOVD $-5, R3
	MOVD $0xffffffff80000001, R4
	MOVD $0x00000000fffffff0, R5
	MOVD $0x12348001, R6
	MOVD $0x8001, R7
	MOVD $0x1ff, R8
	MOVD $0x1ff, R9
	MOVD $data<>+8(SB), R1
	MOVD $24, R12
	CALL site<>(SB)
	RET

TEXT site<>(SB), NOSPLIT|NOFRAME, $0-0
	BYTE $0x07; BYTE $0x00
	BYTE $0x07; BYTE $0x00
	BYTE $0x07; BYTE $0x00
	RET

TEXT ·Addresses(SB), NOSPLIT, $0-24
	MOVD $site<>(SB), R2
	MOVD R2, site+0(FP)
	MOVD $data<>+8(SB), R2
	MOVD R2, data+8(FP)
	MOVD $semaphore<>(SB), R2
	MOVD R2, semaphore+16(FP)
	RET

#include "data.h"
