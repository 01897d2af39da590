/* For the bench: opened files by the kernel's names: task, file, path and inode by CO-RE. */
#include "bench.h"

struct args {
	const char *name;
	int flags;
};

struct event {
	__u64 at;
	__u32 pid, uid, mntns;
	int ret, flags;
	__u64 ino;
	__u32 dev;
	char comm[16];
	char name[256];
};

struct enter_ctx {
	__u64 common;
	__s64 nr;
	__s64 dfd;
	const char *filename;
	__s64 flags;
};

struct exit_ctx {
	__u64 common;
	__s64 nr;
	__s64 ret;
};

HASH(starts, __u32, struct args, 10240);
RINGBUF(events, 1 << 20);

const volatile __u32 target_tgid, target_mntns;
const volatile _Bool only_failed;

static __always_inline __u32 mount_namespace(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
}

static __always_inline int enter(const char *name, int flags)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id;
	struct args args = { name, flags };

	if (target_tgid && target_tgid != id >> 32)
		return 0;
	if (target_mntns && target_mntns != mount_namespace())
		return 0;
	bpf_map_update_elem(&starts, &pid, &args, BPF_ANY);
	return 0;
}

static __always_inline int leave(long ret)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id;
	struct args *args = bpf_map_lookup_elem(&starts, &pid);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct event *e;

	if (!args)
		return 0;
	if (only_failed && ret >= 0)
		goto out;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		goto out;
	e->at = bpf_ktime_get_ns();
	e->pid = id >> 32;
	e->uid = BPF_CORE_READ(task, cred, uid.val);
	e->mntns = mount_namespace();
	e->ret = ret;
	e->flags = args->flags;
	e->ino = 0;
	e->dev = 0;
	if (ret >= 0) {
		struct file **fds = BPF_CORE_READ(task, files, fdt, fd), *file = NULL;

		bpf_probe_read_kernel(&file, sizeof(file), &fds[ret & 0xffff]);
		e->ino = BPF_CORE_READ(file, f_inode, i_ino);
		e->dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	}
	bpf_get_current_comm(&e->comm, sizeof(e->comm));
	bpf_probe_read_user_str(e->name, sizeof(e->name), args->name);
	bpf_ringbuf_submit(e, 0);
out:
	bpf_map_delete_elem(&starts, &pid);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_open")
int enter_open(struct enter_ctx *ctx)
{
	return enter((const char *)ctx->dfd, (long)ctx->filename);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct enter_ctx *ctx)
{
	return enter(ctx->filename, ctx->flags);
}

SEC("tracepoint/syscalls/sys_exit_open")
int exit_open(struct exit_ctx *ctx)
{
	return leave(ctx->ret);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct exit_ctx *ctx)
{
	return leave(ctx->ret);
}

LICENSE("GPL");
