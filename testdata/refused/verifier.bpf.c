/* Programs that the verifier refuses for different reasons, which are in
 * runtime/reason_kinds_test.go. None is loaded unless a test asks for it.
 */
#include "bpf_test.h"

struct with_lock {
	struct bpf_spin_lock lock;
	int value;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[4]);
} four SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct with_lock);
} locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

volatile int number;
volatile __u64 address;
int room[16];
const volatile int constant = 3;

SEC("?xdp")
int no_null_check(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	*count += 1; /* no null check */
	return 0;
}

SEC("?xdp")
int null_arithmetic(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &key);

	asm volatile("%0 += 8" : "+r"(count));
	return count ? *count : 0;
}

SEC("?xdp")
int packet_bounds(struct xdp_md *ctx)
{
	__u8 *packet = (void *)(long)ctx->data;

	return packet[20]; /* no bounds check */
}

SEC("?xdp")
int value_bounds(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&four, &key);

	return value ? value[40] : 0;
}

SEC("?xdp")
int unbounded_index(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&four, &key);

	return value ? value[number] : 0;
}

SEC("?xdp")
int not_a_pointer(struct xdp_md *ctx)
{
	return *(volatile int *)address;
}

SEC("?xdp")
int context_bounds(struct xdp_md *ctx)
{
	return *(volatile int *)((void *)ctx + 100);
}

SEC("?xdp")
int stack_bounds(struct xdp_md *ctx)
{
	asm volatile("*(u64 *)(r10 - 520) = r1");
	return 0;
}

SEC("?xdp")
int read_only(struct xdp_md *ctx)
{
	*(volatile int *)&constant = 5;
	return 0;
}

SEC("?xdp")
int pointer_operator(struct xdp_md *ctx)
{
	__u64 x = (long)ctx;

	asm volatile("%0 *= 8" : "+r"(x));
	return x;
}

SEC("?xdp")
int unbounded_size(struct xdp_md *ctx)
{
	bpf_probe_read_kernel(room, number, (void *)8);
	return 0;
}

SEC("?xdp")
int argument_type(struct xdp_md *ctx)
{
	return (long)bpf_map_lookup_elem(ctx, room);
}

SEC("?xdp")
int leaked_record(struct xdp_md *ctx)
{
	__u64 *record = bpf_ringbuf_reserve(&records, 8, 0);

	if (!record)
		return 0;
	*record = 1;
	return 0; /* neither submitted nor discarded */
}

SEC("?tc")
int held_lock(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct with_lock *v = bpf_map_lookup_elem(&locks, &key);

	if (!v)
		return 0;
	bpf_spin_lock(&v->lock);
	return 0;
}

SEC("?xdp")
int endless(struct xdp_md *ctx)
{
	while (1)
		asm volatile("");
	return 0;
}

SEC("?xdp")
int no_such_helper(struct xdp_md *ctx)
{
	return ((int (*)(void))9999)();
}

SEC("?xdp")
int helper_of_others(struct xdp_md *ctx)
{
	return bpf_get_socket_cookie(ctx);
}

SEC("?cgroup/connect4")
int result_range(struct bpf_sock_addr *ctx)
{
	return number;
}

char LICENSE[] SEC("license") = "GPL";
