/* 100 maps and 100 programs; each program uses its own map and a shared one. More than libbpf's
 * loader supports.
 *
 * run: prog_00 retval=0 total=1
 * run: prog_57 retval=57 total=2
 * run: prog_99 retval=99 total=3
 */
#include "bpf_test.h"

#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)
#define HUNDRED(M)                                                                    \
	TENS(M, 0) TENS(M, 1) TENS(M, 2) TENS(M, 3) TENS(M, 4) TENS(M, 5) TENS(M, 6) \
	TENS(M, 7) TENS(M, 8) TENS(M, 9)

#define MAP(n)                                 \
	struct {                               \
		__uint(type, BPF_MAP_TYPE_HASH); \
		__type(key, __u32);            \
		__type(value, __u64);          \
		__uint(max_entries, 1##n);     \
	} map_##n SEC(".maps");

/* The leading 1 prevents 08 and 09 from being invalid octal numbers. */
#define PROG(n)                                                     \
	SEC("tc") int prog_##n(struct __sk_buff *skb)               \
	{                                                           \
		__u32 key = 0;                                      \
		__u64 one = 1;                                      \
		bpf_map_update_elem(&map_##n, &key, &one, BPF_ANY); \
		if (bpf_map_lookup_elem(&map_##n, &key))            \
			total++;                                    \
		return 1##n - 100;                                  \
	}

HUNDRED(MAP)

__u64 total;

HUNDRED(PROG)

LICENSE("Dual MIT/GPL");
