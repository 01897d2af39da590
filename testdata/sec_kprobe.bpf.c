/* Sections of kprobes: kprobe, kretprobe, with an offset, ksyscall, kretsyscall, kprobe.multi,
 * kretprobe.multi; bare and with a target.
 */
#include "bpf_test.h"

struct pt_regs;

#define PROG(sec, name)                       \
	SEC(sec) int name(struct pt_regs *ctx) \
	{                                     \
		return 0;                     \
	}

PROG("kprobe", bare)
PROG("kretprobe", bare_ret)
PROG("kprobe/do_unlinkat", unlinkat)
PROG("kprobe/do_unlinkat+0x10", unlinkat_inside)
PROG("kretprobe/do_unlinkat", unlinkat_ret)
PROG("ksyscall/nanosleep", nanosleep)
PROG("kretsyscall/nanosleep", nanosleep_ret)
PROG("kprobe.multi/bpf_*", multi)
PROG("kretprobe.multi/bpf_*", multi_ret)

LICENSE("GPL");
