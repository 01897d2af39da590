// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * A kernel module with a struct of operations that BPF programs can implement. /proc/bpf2lskel_ops
 * shows what the registered struct makes of 20 and 22: its name, and compute's result times factor.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/version.h>

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("A struct of operations for BPF programs");

/* Modules can have struct_ops since 6.9. Later kernels pass the link to reg. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)

struct bpf2lskel_ops {
	u64 factor;
	int (*compute)(int a, int b);
	char name[16];
};

static struct bpf2lskel_ops *registered;
static DEFINE_MUTEX(lock);

static int compute_stub(int a, int b)
{
	return 0;
}

static struct bpf2lskel_ops stubs = {
	.compute = compute_stub,
};

static int ops_init(struct btf *btf)
{
	return 0;
}

static int ops_init_member(const struct btf_type *t, const struct btf_member *member, void *kdata, const void *udata)
{
	const struct bpf2lskel_ops *from = udata;
	struct bpf2lskel_ops *to = kdata;

	switch (__btf_member_bit_offset(t, member) / 8) {
	case offsetof(struct bpf2lskel_ops, factor):
		to->factor = from->factor;
		return 1;
	case offsetof(struct bpf2lskel_ops, name):
		strscpy(to->name, from->name, sizeof(to->name));
		return 1;
	}
	return 0;
}

static int ops_reg(void *kdata, struct bpf_link *link)
{
	int err = -EEXIST;

	mutex_lock(&lock);
	if (!registered) {
		registered = kdata;
		err = 0;
	}
	mutex_unlock(&lock);
	return err;
}

static void ops_unreg(void *kdata, struct bpf_link *link)
{
	mutex_lock(&lock);
	registered = NULL;
	mutex_unlock(&lock);
}

static bool is_valid_access(int off, int size, enum bpf_access_type type, const struct bpf_prog *prog,
			    struct bpf_insn_access_aux *info)
{
	return bpf_tracing_btf_ctx_access(off, size, type, prog, info);
}

static const struct bpf_verifier_ops verifier_ops = {
	.get_func_proto = bpf_base_func_proto,
	.is_valid_access = is_valid_access,
};

static struct bpf_struct_ops bpf_bpf2lskel_ops = {
	.verifier_ops = &verifier_ops,
	.init = ops_init,
	.init_member = ops_init_member,
	.reg = ops_reg,
	.unreg = ops_unreg,
	.cfi_stubs = &stubs,
	.owner = THIS_MODULE,
	.name = "bpf2lskel_ops",
};

static int show(struct seq_file *m, void *v)
{
	mutex_lock(&lock);
	if (registered)
		seq_printf(m, "%s %llu\n", registered->name, registered->compute(20, 22) * registered->factor);
	else
		seq_puts(m, "none\n");
	mutex_unlock(&lock);
	return 0;
}

static int __init ops_module_init(void)
{
	int err = register_bpf_struct_ops(&bpf_bpf2lskel_ops, bpf2lskel_ops);

	if (err)
		return err;
	return proc_create_single("bpf2lskel_ops", 0444, NULL, show) ? 0 : -ENOMEM;
}

static void __exit ops_module_exit(void)
{
	remove_proc_entry("bpf2lskel_ops", NULL);
}

#else

static int __init ops_module_init(void)
{
	return 0;
}

static void __exit ops_module_exit(void)
{
}

#endif

module_init(ops_module_init);
module_exit(ops_module_exit);
