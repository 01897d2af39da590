DATA data<>+0(SB)/4, $0
DATA data<>+4(SB)/2, $0
DATA data<>+6(SB)/2, $0x7ffe
DATA data<>+8(SB)/8, $0x8877665544332211
DATA data<>+16(SB)/8, $-5
DATA data<>+24(SB)/4, $0x80000001
DATA data<>+28(SB)/4, $-16
DATA data<>+32(SB)/2, $0x8001
DATA data<>+34(SB)/2, $0x8001
DATA data<>+36(SB)/1, $0xff
DATA data<>+37(SB)/1, $0xff
DATA data<>+38(SB)/2, $0
DATA data<>+40(SB)/8, $0
DATA data<>+48(SB)/8, $0
GLOBL data<>(SB), NOPTR, $56

DATA semaphore<>+0(SB)/8, $0
GLOBL semaphore<>(SB), NOPTR, $8
