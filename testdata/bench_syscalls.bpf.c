/* For the bench: latency of system calls, by number and by process; two raw tracepoints, five maps, no CO-RE. */
#include "bench.h"

#define BUCKETS 32
#define NRS 512

struct stat {
	__u64 calls, errors, ns, max_ns;
	__u32 slots[BUCKETS];
};

struct start {
	__u64 at;
	__u64 nr;
};

HASH(starts, __u32, struct start, 32768);
PERCPU_ARRAY(by_number, struct stat, NRS);
HASH(wanted, __u32, __u8, NRS);

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct stat);
} by_process SEC(".maps");

const volatile _Bool filter, processes = 1;
__u64 dropped;
static const struct stat empty_stat;

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid(), nr = ctx->args[1];
	struct start s = { bpf_ktime_get_ns(), nr };

	if (filter && !bpf_map_lookup_elem(&wanted, &nr))
		return 0;
	if (bpf_map_update_elem(&starts, &pid, &s, BPF_ANY))
		__sync_fetch_and_add(&dropped, 1);
	return 0;
}

static __always_inline void add(struct stat *s, __u64 ns, long ret)
{
	s->calls++;
	s->ns += ns;
	if (ret < 0)
		s->errors++;
	if (ns > s->max_ns)
		s->max_ns = ns;
	s->slots[log2_bucket(ns, BUCKETS)]++;
}

SEC("raw_tp/sys_exit")
int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), ns;
	__u32 pid = id, tgid = id >> 32, nr;
	struct start *start = bpf_map_lookup_elem(&starts, &pid);
	long ret = ctx->args[1];
	struct stat *s;

	if (!start)
		return 0;
	ns = bpf_ktime_get_ns() - start->at;
	nr = start->nr;
	s = bpf_map_lookup_elem(&by_number, &nr);
	if (s)
		add(s, ns, ret);
	if (processes) {
		s = bpf_map_lookup_elem(&by_process, &tgid);
		if (!s) {
			bpf_map_update_elem(&by_process, &tgid, &empty_stat, BPF_NOEXIST);
			s = bpf_map_lookup_elem(&by_process, &tgid);
		}
		if (s)
			add(s, ns, ret);
	}
	bpf_map_delete_elem(&starts, &pid);
	return 0;
}

LICENSE("GPL");
