/* For the bench: histograms of the latency of block devices, by disk and by flags: request and gendisk by CO-RE. */
#include "bench.h"

#define BUCKETS 27

struct hist_key {
	__u32 flags, dev;
};

struct hist {
	__u32 slots[BUCKETS];
};

HASH(starts, struct request *, __u64, 10240);
HASH(hists, struct hist_key, struct hist, 10240);

const volatile _Bool per_disk, per_flag, queued, milliseconds;
const volatile __u32 target_dev;
static const struct hist empty_hist;

static __always_inline __u32 device(const struct request *rq)
{
	struct gendisk *disk = BPF_CORE_READ(rq, q, disk);

	return BPF_CORE_READ(disk, major) << 20 | BPF_CORE_READ(disk, first_minor);
}

static __always_inline int start(struct request *rq)
{
	__u64 now = bpf_ktime_get_ns();

	if (target_dev && target_dev != device(rq))
		return 0;
	bpf_map_update_elem(&starts, &rq, &now, BPF_ANY);
	return 0;
}

SEC("raw_tp/block_rq_insert")
int rq_insert(struct bpf_raw_tracepoint_args *ctx)
{
	return start((void *)ctx->args[0]);
}

SEC("raw_tp/block_rq_issue")
int rq_issue(struct bpf_raw_tracepoint_args *ctx)
{
	return queued ? 0 : start((void *)ctx->args[0]);
}

SEC("raw_tp/block_rq_complete")
int rq_complete(struct bpf_raw_tracepoint_args *ctx)
{
	struct request *rq = (void *)ctx->args[0];
	__u64 *since = bpf_map_lookup_elem(&starts, &rq), delta;
	struct hist_key key = {};
	struct hist *h;

	if (!since)
		return 0;
	delta = bpf_ktime_get_ns() - *since;
	if (per_disk)
		key.dev = device(rq);
	if (per_flag)
		key.flags = BPF_CORE_READ(rq, cmd_flags);
	h = bpf_map_lookup_elem(&hists, &key);
	if (!h) {
		bpf_map_update_elem(&hists, &key, &empty_hist, BPF_NOEXIST);
		h = bpf_map_lookup_elem(&hists, &key);
		if (!h)
			goto out;
	}
	delta /= milliseconds ? 1000000 : 1000;
	__sync_fetch_and_add(&h->slots[log2_bucket(delta, BUCKETS)], 1);
out:
	bpf_map_delete_elem(&starts, &rq);
	return 0;
}

LICENSE("GPL");
