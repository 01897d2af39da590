// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A kernel module with functions that BPF programs may call: the shortest path for someone who has a
 * module of her own. What it takes is
 *
 *   1. the functions, global, and not to be inlined, cloned or thrown away by the compiler (__bpf_kfunc),
 *   2. their names in a set of BTF ids,
 *   3. the set registered for each type of program that may call them,
 *   4. BTF of the module: the kernel's build adds it if it finds vmlinux beside the headers, and pahole.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>
#include <linux/percpu.h>

/* Linux 6.1 has no __bpf_kfunc, and marks kfuncs by hand. */
#ifndef __bpf_kfunc
#define __bpf_kfunc __used noinline
#endif

/* Since 6.9 a set says that it is one of kfuncs. */
#ifndef BTF_KFUNCS_START
#define BTF_KFUNCS_START(name) BTF_SET8_START(name)
#define BTF_KFUNCS_END(name) BTF_SET8_END(name)
#endif

/*
 * How often the kfuncs below were called on each CPU. pahole describes per-CPU variables in the module's BTF, so that
 * a BPF program can declare this one:
 *
 *   extern const u64 bpf_kmod_calls __ksym;
 *   u64 *calls = bpf_this_cpu_ptr(&bpf_kmod_calls);
 */
DEFINE_PER_CPU(u64, bpf_kmod_calls);

/* kfuncs have no prototype in any header: their callers take it from BTF. */
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

/* The kernel forgets the sets with the module; a module without an exit function could not be removed. */
static void __exit bpf2lskel_kmod_exit(void)
{
}

module_init(bpf2lskel_kmod_init);
module_exit(bpf2lskel_kmod_exit);

MODULE_DESCRIPTION("kfuncs for BPF programs, an example");
MODULE_LICENSE("Dual MIT/GPL");
