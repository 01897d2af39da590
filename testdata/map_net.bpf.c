/* Maps of the network stack: devmap, devmap_hash, cpumap, xskmap, sockmap, sockhash, reuseport_sockarray.
 *
 * run: redirect retval=2
 */
#include "bpf_test.h"

#define MAP(map_type, name, key_type, value_type, entries) \
	struct {                                           \
		__uint(type, map_type);                    \
		__type(key, key_type);                     \
		__type(value, value_type);                 \
		__uint(max_entries, entries);              \
	} name SEC(".maps")

MAP(BPF_MAP_TYPE_DEVMAP, devs, __u32, struct bpf_devmap_val, 4);
MAP(BPF_MAP_TYPE_DEVMAP_HASH, dev_hash, __u32, __u32, 4);
MAP(BPF_MAP_TYPE_CPUMAP, cpus, __u32, struct bpf_cpumap_val, 4);
MAP(BPF_MAP_TYPE_XSKMAP, xsks, __u32, __u32, 4);
MAP(BPF_MAP_TYPE_SOCKMAP, socks, __u32, __u64, 4);
MAP(BPF_MAP_TYPE_SOCKHASH, sock_hash, __u64, __u32, 4);
MAP(BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, reuse, __u32, __u64, 4);

const volatile __u32 where = 0;

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	switch (where) {
	case 1:
		return bpf_redirect_map(&devs, 0, 0);
	case 2:
		return bpf_redirect_map(&dev_hash, 1, 0);
	case 3:
		return bpf_redirect_map(&cpus, 0, 0);
	case 4:
		return bpf_redirect_map(&xsks, ctx->rx_queue_index, XDP_PASS);
	}
	return XDP_PASS;
}

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	return bpf_sk_redirect_map(skb, &socks, 0, 0);
}

SEC("sk_msg")
int message(struct sk_msg_md *msg)
{
	__u64 key = 1;

	return bpf_msg_redirect_hash(msg, &sock_hash, &key, 0);
}

SEC("sk_reuseport")
int select_sock(struct sk_reuseport_md *md)
{
	__u32 key = 0;

	bpf_sk_select_reuseport(md, &reuse, &key, 0);
	return SK_PASS;
}

LICENSE("GPL");
