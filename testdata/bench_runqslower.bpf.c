/* For the bench: how long tasks wait for a CPU, from BTF tracepoints: the loader looks three of them up. */
#include "bench.h"

struct event {
	char comm[16];
	__u64 us;
	__s32 pid, prev_pid;
	char prev_comm[16];
};

HASH(starts, __u32, __u64, 10240);
RINGBUF(events, 256 * 1024);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, __u64);
} totals SEC(".maps");

const volatile __u64 min_us = 10000;
const volatile __s32 target_pid, target_tgid;

static __always_inline int enqueued(const struct task_struct *p)
{
	__u32 pid = p->pid;
	__u64 now;

	if (!pid || (target_tgid && target_tgid != p->tgid) || (target_pid && target_pid != pid))
		return 0;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&starts, &pid, &now, BPF_ANY);
	return 0;
}

SEC("tp_btf/sched_wakeup")
int on_wakeup(__u64 *ctx)
{
	return enqueued((void *)ctx[0]);
}

SEC("tp_btf/sched_wakeup_new")
int on_wakeup_new(__u64 *ctx)
{
	return enqueued((void *)ctx[0]);
}

SEC("tp_btf/sched_switch")
int on_switch(__u64 *ctx)
{
	struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
	__u64 *start, *total, us;
	__u32 pid = next->pid;
	struct event *e;

	enqueued(prev);
	start = bpf_map_lookup_elem(&starts, &pid);
	if (!start)
		return 0;
	us = (bpf_ktime_get_ns() - *start) / 1000;
	total = bpf_map_lookup_elem(&totals, &pid);
	if (total)
		*total += us;
	else
		bpf_map_update_elem(&totals, &pid, &us, BPF_ANY);
	if (us >= min_us) {
		e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
		if (e) {
			e->us = us;
			e->pid = pid;
			e->prev_pid = prev->pid;
			bpf_probe_read_kernel_str(e->comm, sizeof(e->comm), next->comm);
			bpf_probe_read_kernel_str(e->prev_comm, sizeof(e->prev_comm), prev->comm);
			bpf_ringbuf_submit(e, 0);
		}
	}
	bpf_map_delete_elem(&starts, &pid);
	return 0;
}

LICENSE("GPL");
