/* Valid socket local storage, with a flag to copy it to a socket's clones. */
#include "bpf_test.h"

struct stats {
	__u64 connects;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct stats);
} stats SEC(".maps");

SEC("sockops")
int ops(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct stats *s;

	if (!sk)
		return 1;
	s = bpf_sk_storage_get(&stats, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (s) {
		s->connects++;
		s->port = ctx->local_port;
	}
	return 1;
}

LICENSE("GPL");
