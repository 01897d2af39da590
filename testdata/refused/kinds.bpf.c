/* Programs of different types that share maps for programs of a single type. Each is fine by
 * itself. In program arrays, Linux compares attach types only since 6.18 (bpf_prog_map_compatible).
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} devices SEC(".maps");

SEC("?cgroup/sendmsg4")
int on_send(struct bpf_sock_addr *ctx)
{
	bpf_tail_call(ctx, &jumps, 0);
	return 1;
}

SEC("?cgroup/recvmsg4")
int on_receive(struct bpf_sock_addr *ctx)
{
	bpf_tail_call(ctx, &jumps, 1);
	return 1;
}

SEC("?tc")
int on_packet(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jumps, 1);
	return 1;
}

SEC("?xdp")
int linear(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, 0, 0);
}

SEC("?xdp.frags")
int with_frags(struct xdp_md *ctx)
{
	return bpf_redirect_map(&devices, 0, 0);
}

char LICENSE[] SEC("license") = "GPL";
