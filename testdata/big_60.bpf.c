/* As much as libbpf's loader supports: 60 maps and 32 programs. */
#include "bpf_test.h"

#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)

#define MAP(n)                                  \
	struct {                                \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__type(key, __u32);             \
		__type(value, __u64);           \
		__uint(max_entries, n);         \
	} map_##n SEC(".maps");

#define PROG(n)                                                       \
	SEC("xdp") int prog_##n(struct xdp_md *ctx)                   \
	{                                                             \
		__u32 key = n;                                        \
		return bpf_map_lookup_elem(&map_##n, &key) ? 1 : 2;   \
	}

TENS(MAP, 1) TENS(MAP, 2) TENS(MAP, 3) TENS(MAP, 4) TENS(MAP, 5) TENS(MAP, 6)
TENS(PROG, 1) TENS(PROG, 2) TENS(PROG, 3) PROG(40) PROG(41)

LICENSE("Dual MIT/GPL");
