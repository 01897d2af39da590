/* Programs for the processes of a cgroup, and storage that the programs share. */
#include "kinds.h"
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} per_socket SEC(".maps");

#define STORAGE(map_type, name)                              \
	struct {                                             \
		__uint(type, map_type);                      \
		__type(key, struct bpf_cgroup_storage_key);  \
		__type(value, __u64);                        \
	} name SEC(".maps")

STORAGE(BPF_MAP_TYPE_CGROUP_STORAGE, per_attachment);
STORAGE(BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, per_attachment_cpu);

__u64 packets, bytes, connects;
__u16 port;

/* Counts packets by socket and by cgroup. */
SEC("cgroup_skb/egress")
int leave(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u64 *n;

	__sync_fetch_and_add(&packets, 1);
	__sync_fetch_and_add(&bytes, skb->len);
	n = bpf_get_local_storage(&per_attachment, 0);
	__sync_fetch_and_add(n, 1);
	n = bpf_get_local_storage(&per_attachment_cpu, 0);
	*n += 1;
	if (sk && (sk = bpf_sk_fullsock(sk))) {
		n = bpf_sk_storage_get(&per_socket, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
		if (n)
			__sync_fetch_and_add(n, 1);
	}
	return 1;
}

/* Marks new sockets. */
SEC("cgroup/sock_create")
int create(struct bpf_sock *sk)
{
	sk->mark = 4711;
	return 1;
}

/* Redirects connections to port 1 to another port. */
SEC("cgroup/connect4")
int connect(struct bpf_sock_addr *ctx)
{
	if (ctx->user_port == bpf_htons(1))
		ctx->user_port = bpf_htons(port);
	return 1;
}

/* An option that no kernel has, at level 4242: its value is the level and the option. */
SEC("cgroup/getsockopt")
int getopt(struct bpf_sockopt *ctx)
{
	__u32 *value = ctx->optval;

	if (ctx->level != 4242)
		return 1;
	if ((void *)(value + 1) > ctx->optval_end)
		return 0;
	*value = ctx->level + ctx->optname;
	ctx->retval = 0;
	return 1;
}

/* Denies reads of kernel/ostype and counts them. */
__u64 refused;

SEC("cgroup/sysctl")
int sysctl(struct bpf_sysctl *ctx)
{
	char name[16] = {};

	bpf_sysctl_get_name(ctx, name, sizeof(name), 0);
	if (name[0] != 'k' || name[7] != 'o' || name[8] != 's' || name[9] != 't')
		return 1;
	__sync_fetch_and_add(&refused, 1);
	return 0;
}

/* Denies access to /dev/full. */
SEC("cgroup/dev")
int device(struct bpf_cgroup_dev_ctx *ctx)
{
	return ctx->major != 1 || ctx->minor != 7;
}

SEC("sockops")
int ops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		__sync_fetch_and_add(&connects, 1);
	return 1;
}
