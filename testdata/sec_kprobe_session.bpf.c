/* The section of kprobe sessions, since Linux 6.10. Debian 12's libbpf does not know it. */
#include "bpf_test.h"

struct pt_regs;

SEC("kprobe.session/bpf_fentry_test*")
int session(struct pt_regs *ctx)
{
	return 0;
}

LICENSE("GPL");
