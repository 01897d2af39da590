/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * 300 distinct kfuncs for tests: u64 bpf_kmod_many_N(u64 a) returns a + N, for N from 0 to 299.
 *
 * A program may call 256 distinct kfuncs, and a module may register 256 for one type of program
 * (BTF_KFUNC_SET_MAX_CNT in kernel/bpf/btf.c), so there are two modules of 150 each:
 * many_kfuncs_low and many_kfuncs_high. Each consists of this file and its half of the numbers,
 * MANY_NUMBERS(M).
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>

/* Linux 6.1 has no __bpf_kfunc, and sets of kfuncs are marked as such only since 6.9. */
#ifndef __bpf_kfunc
#define __bpf_kfunc __used noinline
#endif
#ifndef BTF_KFUNCS_START
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/* MANY_TEN(M, 12) is M(120) to M(129). */
#define MANY_TEN(M, tens)                                                        \
	M(tens##0) M(tens##1) M(tens##2) M(tens##3) M(tens##4)                   \
	M(tens##5) M(tens##6) M(tens##7) M(tens##8) M(tens##9)

/* MANY_FIFTY_LOW(M, 2) is M(200) to M(249), MANY_FIFTY_HIGH the other half. */
#define MANY_FIFTY_LOW(M, hundreds)                                              \
	MANY_TEN(M, hundreds##0) MANY_TEN(M, hundreds##1)                        \
	MANY_TEN(M, hundreds##2) MANY_TEN(M, hundreds##3)                        \
	MANY_TEN(M, hundreds##4)
#define MANY_FIFTY_HIGH(M, hundreds)                                             \
	MANY_TEN(M, hundreds##5) MANY_TEN(M, hundreds##6)                        \
	MANY_TEN(M, hundreds##7) MANY_TEN(M, hundreds##8)                        \
	MANY_TEN(M, hundreds##9)

#define MANY_DEFINE(N)                                                           \
	__bpf_kfunc u64 bpf_kmod_many_##N(u64 a)                                 \
	{                                                                        \
		return a + N;                                                    \
	}
#define MANY_ID(N) BTF_ID_FLAGS(func, bpf_kmod_many_##N)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
MANY_NUMBERS(MANY_DEFINE)
#pragma GCC diagnostic pop

BTF_KFUNCS_START(many_ids)
MANY_NUMBERS(MANY_ID)
BTF_KFUNCS_END(many_ids)

static const struct btf_kfunc_id_set many_set = {
	.owner = THIS_MODULE,
	.set = &many_ids,
};

static const enum bpf_prog_type many_types[] = {
	BPF_PROG_TYPE_XDP,
	BPF_PROG_TYPE_SCHED_CLS,
	BPF_PROG_TYPE_TRACING,
	BPF_PROG_TYPE_SYSCALL,
};

static int __init many_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(many_types); i++) {
		err = register_btf_kfunc_id_set(many_types[i], &many_set);
		if (err)
			return err;
	}
	return 0;
}

static void __exit many_exit(void)
{
}

module_init(many_init);
module_exit(many_exit);

MODULE_DESCRIPTION("many kfuncs, for tests");
MODULE_LICENSE("Dual MIT/GPL");
