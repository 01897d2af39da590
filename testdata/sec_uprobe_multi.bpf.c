/* Sections of multi uprobes and uprobe sessions, since Linux 6.6 and 6.13, and sleepable USDT probes. Debian 12's
 * libbpf does not know them.
 */
#include "bpf_test.h"

struct pt_regs;

#define PROG(sec, name)                       \
	SEC(sec) int name(struct pt_regs *ctx) \
	{                                     \
		return 0;                     \
	}

PROG("uprobe.multi//proc/self/exe:main*", multi)
PROG("uretprobe.multi//proc/self/exe:main*", multi_ret)
PROG("uprobe.multi.s//proc/self/exe:main*", multi_sleepable)
PROG("uretprobe.multi.s//proc/self/exe:main*", multi_ret_sleepable)
PROG("uprobe.session//proc/self/exe:main*", session)
PROG("uprobe.session.s//proc/self/exe:main*", session_sleepable)
PROG("usdt.s/libc.so.6:libc:setjmp", usdt_sleepable)

LICENSE("GPL");
