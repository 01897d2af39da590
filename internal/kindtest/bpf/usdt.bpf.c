/* Programs at USDT probes. A test of package uprobe is the process with the probes. */
#include "kinds.h"
#include <stdbool.h>
#include <linux/ptrace.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

/* The header reads the instruction pointer on kernels without cookies, before 5.15. Its macro for
 * that is specific to an architecture; this one works for all.
 */
struct pt_regs___x86 {
	unsigned long ip;
} KERNEL_STRUCT;

struct pt_regs___arm64 {
	__u64 pc;
} KERNEL_STRUCT;

struct pt_regs___s390 {
	struct {
		unsigned long mask, addr;
	} psw;
} KERNEL_STRUCT;

static __always_inline unsigned long instruction_pointer(void *ctx)
{
	struct pt_regs___x86 *x86 = ctx;
	struct pt_regs___arm64 *arm64 = ctx;
	struct pt_regs___s390 *s390 = ctx;

	if (bpf_core_field_exists(x86->ip))
		return BPF_CORE_READ(x86, ip);
	if (bpf_core_field_exists(arm64->pc))
		return BPF_CORE_READ(arm64, pc);
	return BPF_CORE_READ(s390, psw.addr);
}

#undef PT_REGS_IP
#define PT_REGS_IP(ctx) instruction_pointer(ctx)
#include <bpf/usdt.bpf.h>

const volatile __u32 pid = 0;

/* The values of the last probe. */
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

/* Attached place by place on all kernels. */
SEC("?uprobe")
int on_single(struct pt_regs *ctx)
{
	return note(ctx);
}
