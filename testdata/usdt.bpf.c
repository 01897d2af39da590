/* USDT programs with libbpf's header: weak maps, weak hidden functions and a __kconfig variable. */
#define __TARGET_ARCH_x86
#include "bpf_test.h"
#include <stdbool.h>
#include <linux/ptrace.h>
#include <bpf/usdt.bpf.h>

long values[3], cookie, count;

SEC("usdt//usr/bin/python3:python:gc__start")
int BPF_USDT(gc_start, long generation)
{
	values[0] = generation;
	cookie = bpf_usdt_cookie(ctx);
	return 0;
}

SEC("usdt")
int any(struct pt_regs *ctx)
{
	count = bpf_usdt_arg_cnt(ctx);
	for (int i = 0; i < 3; i++)
		if (bpf_usdt_arg(ctx, i, &values[i]))
			return 1;
	return 0;
}

LICENSE("GPL");
