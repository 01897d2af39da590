//go:build ignore

// SPDX-License-Identifier: MIT
//
// Reports what processes execute, open and connect to. Needs only what Linux 5.10 has: tracepoints,
// kprobes, CO-RE on task, file and sock, a ring buffer, a perf buffer, a hash, and globals.

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define AF_INET 2

struct qstr {
	const unsigned char *name;
} __attribute__((preserve_access_index));

struct dentry {
	struct qstr d_name;
} __attribute__((preserve_access_index));

struct path {
	struct dentry *dentry;
} __attribute__((preserve_access_index));

struct file {
	struct path f_path;
} __attribute__((preserve_access_index));

struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	unsigned short skc_family;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct task_struct {
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

// CO-RE also finds the register of a function's first argument: one object for all architectures.
struct pt_regs___x86 {
	unsigned long di;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
	unsigned long regs[31];
} __attribute__((preserve_access_index));

struct pt_regs___s390 {
	unsigned long gprs[16];
} __attribute__((preserve_access_index));

static __always_inline void *first_argument(void *ctx)
{
	if (bpf_core_field_exists(((struct pt_regs___x86 *)0)->di))
		return (void *)BPF_CORE_READ((struct pt_regs___x86 *)ctx, di);
	if (bpf_core_field_exists(((struct pt_regs___s390 *)0)->gprs))
		return (void *)BPF_CORE_READ((struct pt_regs___s390 *)ctx, gprs[2]);
	return (void *)BPF_CORE_READ((struct pt_regs___arm64 *)ctx, regs[0]);
}

enum kind {
	EXECUTED = 1,
	OPENED,
	CONNECTED,
};

struct event {
	enum kind kind;
	__u32 pid;
	__u32 parent;
	__be32 address;
	__u16 port;
	char command[16];
	char name[64]; // of a file
};

// Ring buffers are new in Linux 5.8. The variable lost counts the events that found no room.
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
	__type(value, struct event);
} events SEC(".maps");

// Exits go to a perf buffer, which all kernels support.
struct exit_event {
	__u32 pid;
	__u32 parent;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, struct exit_event);
} exits SEC(".maps");

// How many times each process has opened a file.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} opens SEC(".maps");

const volatile __u32 only_pid; // 0: all processes
__u64 lost;
__u64 executed, exited;

static struct event *begin(enum kind kind)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct event *e;

	if (only_pid && pid != only_pid)
		return 0;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	__builtin_memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->pid = BPF_CORE_READ(task, tgid);
	e->parent = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(e->command, sizeof(e->command));
	return e;
}

SEC("tracepoint/sched/sched_process_exec")
int on_exec(void *ctx)
{
	struct event *e;

	__sync_fetch_and_add(&executed, 1);
	e = begin(EXECUTED);
	if (e)
		bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("kprobe/security_file_open")
int on_open(void *ctx)
{
	struct file *file = first_argument(ctx);
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1, *count;
	struct event *e = begin(OPENED);

	if (!e)
		return 0;
	bpf_probe_read_kernel_str(e->name, sizeof(e->name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	bpf_ringbuf_submit(e, 0);

	count = bpf_map_lookup_elem(&opens, &pid);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&opens, &pid, &one, BPF_NOEXIST);
	return 0;
}

SEC("kprobe/tcp_connect")
int on_connect(void *ctx)
{
	struct sock *sk = first_argument(ctx);
	struct event *e;

	if (BPF_CORE_READ(sk, __sk_common.skc_family) != AF_INET)
		return 0;
	e = begin(CONNECTED);
	if (!e)
		return 0;
	e->address = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	e->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	bpf_ringbuf_submit(e, 0);
	return 0;
}

SEC("raw_tracepoint/sched_process_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	struct exit_event e = {
		.pid = BPF_CORE_READ(task, tgid),
		.parent = BPF_CORE_READ(task, real_parent, tgid),
	};

	__sync_fetch_and_add(&exited, 1);
	bpf_perf_event_output(ctx, &exits, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return 0;
}

char __license[] SEC("license") = "Dual MIT/GPL";
