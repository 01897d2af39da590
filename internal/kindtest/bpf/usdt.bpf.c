/* Programs at USDT probes. Their process is a test of package uprobe. */
#include "kinds.h"
#include <stdbool.h>
#include <linux/ptrace.h>
#include <bpf/bpf_tracing.h>

/* One object for all architectures: the instruction pointer is for kernels without cookies, before 5.15. */
#undef PT_REGS_IP
#define PT_REGS_IP(ctx) 0

#undef __kconfig
#define __kconfig
#include <bpf/usdt.bpf.h>
const _Bool LINUX_HAS_BPF_COOKIE = 1;

const volatile __u32 pid = 0;

/* What the last probe had. */
__u64 hits, cookie;
__s32 count;
__s64 args[BPF_USDT_MAX_ARG_CNT];
__s32 results[BPF_USDT_MAX_ARG_CNT];

static int note(struct pt_regs *ctx)
{
	if (pid && bpf_get_current_pid_tgid() >> 32 != pid)
		return 0;
	__sync_fetch_and_add(&hits, 1);
	cookie = bpf_usdt_cookie(ctx);
	count = bpf_usdt_arg_cnt(ctx);
	for (int i = 0; i < BPF_USDT_MAX_ARG_CNT; i++) {
		long value;

		results[i] = bpf_usdt_arg(ctx, i, &value);
		args[i] = value;
	}
	return 0;
}

SEC("usdt")
int on_probe(struct pt_regs *ctx)
{
	return note(ctx);
}

SEC("?usdt/libprobed.so.1:test:registers")
int on_named(struct pt_regs *ctx)
{
	return note(ctx);
}

SEC("?usdt.s")
int on_sleepable(struct pt_regs *ctx)
{
	return note(ctx);
}

/* One that is attached place by place, whatever the kernel. */
SEC("?uprobe")
int on_single(struct pt_regs *ctx)
{
	return note(ctx);
}
