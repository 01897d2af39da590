/* 200 maps. One program uses as many as a program may (64 with .bss), another one the last ones.
 * More than libbpf's loader supports.
 *
 * run: first retval=0 found=63
 * run: last retval=0 found=66
 */
#include "bpf_test.h"

#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)
#define HUNDRED(M, h)                                                                    \
	TENS(M, h##0) TENS(M, h##1) TENS(M, h##2) TENS(M, h##3) TENS(M, h##4) TENS(M, h##5) \
	TENS(M, h##6) TENS(M, h##7) TENS(M, h##8) TENS(M, h##9)

#define MAP(n)                                  \
	struct {                                \
		__uint(type, BPF_MAP_TYPE_ARRAY); \
		__type(key, __u32);             \
		__type(value, __u64);           \
		__uint(max_entries, n);         \
	} map_##n SEC(".maps");

HUNDRED(MAP, 1)
HUNDRED(MAP, 2)

__u64 found;

#define USE(n) found += bpf_map_lookup_elem(&map_##n, &key) != NULL;

SEC("tc")
int first(struct __sk_buff *skb)
{
	__u32 key = 0;

	TENS(USE, 10) TENS(USE, 11) TENS(USE, 12) TENS(USE, 13) TENS(USE, 14) TENS(USE, 15)
	USE(160) USE(161) USE(162)
	return 0;
}

SEC("tc")
int last(struct __sk_buff *skb)
{
	__u32 key = 0;

	USE(297) USE(298) USE(299)
	return 0;
}

LICENSE("Dual MIT/GPL");
