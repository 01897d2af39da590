/* Sections of uprobes: uprobe, uretprobe, usdt, and the sleepable ".s" forms of the first two. */
#include "bpf_test.h"

struct pt_regs;

#define PROG(sec, name)                       \
	SEC(sec) int name(struct pt_regs *ctx) \
	{                                     \
		return 0;                     \
	}

PROG("uprobe", bare)
PROG("uprobe//proc/self/exe:main", at_main)
PROG("uretprobe//proc/self/exe:main", from_main)
PROG("uprobe.s//proc/self/exe:main", at_main_sleepable)
PROG("uretprobe.s//proc/self/exe:main", from_main_sleepable)
PROG("usdt/libc.so.6:libc:setjmp", setjmp)

LICENSE("GPL");
