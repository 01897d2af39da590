// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A minimal kernel module with functions that BPF programs may call (kfuncs). It takes
 *
 *   1. global functions that the compiler must not inline, clone or discard (__bpf_kfunc),
 *   2. a set of their BTF IDs,
 *   3. the set registered for each type of program that may call them,
 *   4. the module's BTF, which the kernel's build generates if it finds pahole, and vmlinux beside
 *      the headers.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/percpu.h>

/* Linux 6.1 has no __bpf_kfunc. */
#ifndef __bpf_kfunc
#define __bpf_kfunc __used noinline
#endif

/* Since Linux 6.9, a set is marked as a set of kfuncs. */
#ifndef BTF_KFUNCS_START
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/*
 * Calls of the kfuncs below, per CPU. pahole adds per-CPU variables to the module's BTF, so a BPF
 * program can declare this one:
 *
 *   extern const u64 bpf_kmod_calls __ksym;
 *   u64 *calls = bpf_this_cpu_ptr(&bpf_kmod_calls);
 */
DEFINE_PER_CPU(u64, bpf_kmod_calls);

/* kfuncs need no prototype in a header: their callers find them by BTF. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

/* bpf_kmod_add returns the sum of its arguments. */
__bpf_kfunc u64 bpf_kmod_add(u64 a, u64 b)
{
	this_cpu_inc(bpf_kmod_calls);
	return a + b;
}

/* bpf_kmod_clamp returns v, but not less than lo nor more than hi. */
__bpf_kfunc s64 bpf_kmod_clamp(s64 v, s64 lo, s64 hi)
{
	this_cpu_inc(bpf_kmod_calls);
	if (v < lo)
		return lo;
	if (v > hi)
		return hi;
	return v;
}

#pragma GCC diagnostic pop

BTF_KFUNCS_START(bpf2lskel_kmod_ids)
BTF_ID_FLAGS(func, bpf_kmod_add)
BTF_ID_FLAGS(func, bpf_kmod_clamp)
BTF_KFUNCS_END(bpf2lskel_kmod_ids)

static const struct btf_kfunc_id_set bpf2lskel_kmod_set = {
	.owner = THIS_MODULE,
	.set = &bpf2lskel_kmod_ids,
};

static const enum bpf_prog_type bpf2lskel_kmod_types[] = {
	BPF_PROG_TYPE_XDP,
	BPF_PROG_TYPE_SCHED_CLS,
	BPF_PROG_TYPE_TRACING,
	BPF_PROG_TYPE_SYSCALL,
};

static int __init bpf2lskel_kmod_init(void)
{
	int i, err;

	for (i = 0; i < ARRAY_SIZE(bpf2lskel_kmod_types); i++) {
		err = register_btf_kfunc_id_set(bpf2lskel_kmod_types[i], &bpf2lskel_kmod_set);
		if (err)
			return err;
	}
	return 0;
}

/*
 * The kernel drops the sets with the module. A module without an exit function cannot be
 * unloaded.
 */
static void __exit bpf2lskel_kmod_exit(void)
{
}

module_init(bpf2lskel_kmod_init);
module_exit(bpf2lskel_kmod_exit);

MODULE_DESCRIPTION("kfuncs for BPF programs, an example");
MODULE_LICENSE("Dual MIT/GPL");
