//go:build ignore

// SPDX-License-Identifier: GPL-2.0
//
// A first in, first out scheduler for the whole machine. A task that finds an idle CPU runs there
// at once; all other tasks wait in one queue for all CPUs.

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

// The kernel's functions for schedulers, as of Linux 6.13.
struct task_struct;

enum scx_exit_kind {
	SCX_EXIT_NONE,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
} __attribute__((preserve_access_index));

extern __s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __ksym;
extern __s32 scx_bpf_select_cpu_dfl(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags, bool *is_idle) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, __u64 dsq_id, __u64 slice, __u64 enq_flags) __ksym;
extern bool scx_bpf_dsq_move_to_local(__u64 dsq_id) __ksym;

#define SCX_DSQ_LOCAL ((1ULL << 63) | 2) // the queue of the selected CPU

// The operations that this scheduler implements. The kernel has defaults for all others.
struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	void (*running)(struct task_struct *p);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u32 timeout_ms;
	char name[128];
};

// Statistics, per CPU.
struct stats {
	__u64 direct;     // tasks that found an idle CPU
	__u64 queued;     // tasks that had to wait
	__u64 dispatched; // times that a CPU took a task from the queue
	__u64 running;    // times that a task began to run
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct stats);
	__uint(max_entries, 1);
} counts SEC(".maps");

const volatile __u64 slice_ns = 20 * 1000 * 1000;

__u32 exit_kind; // enum scx_exit_kind: why the kernel ejected the scheduler; 0 while it runs

#define QUEUE 0

static struct stats *here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

SEC("struct_ops/select_cpu")
__s32 fifo_select_cpu(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	struct stats *s;
	bool idle = false;
	__s32 cpu = scx_bpf_select_cpu_dfl(p, (__s32)ctx[1], ctx[2], &idle);

	if (idle) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, slice_ns, 0);
		s = here();
		if (s)
			s->direct++;
	}
	return cpu;
}

SEC("struct_ops/enqueue")
int fifo_enqueue(unsigned long long *ctx)
{
	struct stats *s = here();

	scx_bpf_dsq_insert((struct task_struct *)ctx[0], QUEUE, slice_ns, ctx[1]);
	if (s)
		s->queued++;
	return 0;
}

SEC("struct_ops/dispatch")
int fifo_dispatch(unsigned long long *ctx)
{
	struct stats *s;

	if (scx_bpf_dsq_move_to_local(QUEUE)) {
		s = here();
		if (s)
			s->dispatched++;
	}
	return 0;
}

SEC("struct_ops/running")
int fifo_running(unsigned long long *ctx)
{
	struct stats *s = here();

	if (s)
		s->running++;
	return 0;
}

SEC("struct_ops.s/init")
__s32 fifo_init(unsigned long long *ctx)
{
	return scx_bpf_create_dsq(QUEUE, -1);
}

SEC("struct_ops/exit")
int fifo_exit(unsigned long long *ctx)
{
	exit_kind = ((struct scx_exit_info *)ctx[0])->kind;
	return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops fifo = {
	.select_cpu = (void *)fifo_select_cpu,
	.enqueue = (void *)fifo_enqueue,
	.dispatch = (void *)fifo_dispatch,
	.running = (void *)fifo_running,
	.init = (void *)fifo_init,
	.exit = (void *)fifo_exit,
	.timeout_ms = 5000,
	.name = "fifo",
};

char _license[] SEC("license") = "GPL";
