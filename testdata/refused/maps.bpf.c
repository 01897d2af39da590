/* So many maps that the loader has parts. The kernel refuses the 17th: no BPF_F_NO_PREALLOC. */
#include "bpf_test.h"

#define MAP_OF(name, kind, entries)                 \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_##kind);  \
		__type(key, __u64);                 \
		__type(value, __u64);               \
		__uint(max_entries, entries);       \
	} name SEC(".maps");

#define PROGRAM(name)                                                              \
	SEC("xdp")                                                                 \
	int count_##name(struct xdp_md *ctx)                                       \
	{                                                                          \
		__u64 key = ctx->ingress_ifindex, *n = bpf_map_lookup_elem(&name, &key); \
                                                                                   \
		if (n)                                                             \
			__sync_fetch_and_add(n, 1);                                \
		return XDP_PASS;                                                   \
	}

#define EIGHT(X, p) X(p##0) X(p##1) X(p##2) X(p##3) X(p##4) X(p##5) X(p##6) X(p##7)
#define TABLE(name) MAP_OF(name, HASH, 4096)

EIGHT(TABLE, a)
EIGHT(TABLE, b)
MAP_OF(refused, LPM_TRIE, 4096)
EIGHT(TABLE, c)
EIGHT(TABLE, d)

EIGHT(PROGRAM, a)
EIGHT(PROGRAM, b)
PROGRAM(refused)
EIGHT(PROGRAM, c)
EIGHT(PROGRAM, d)

LICENSE("GPL");
