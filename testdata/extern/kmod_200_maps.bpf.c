/* 200 maps and a kfunc of a module: the slot for its BTF comes after those of the maps.
 *
 * run: add retval=0 sum=42 found=3
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
		__uint(max_entries, 1);         \
	} map_##n SEC(".maps");

HUNDRED(MAP, 1)
HUNDRED(MAP, 2)

extern __u64 bpf_kmod_add(__u64 a, __u64 b) __ksym;

__u64 sum, found;

#define USE(n) found += bpf_map_lookup_elem(&map_##n, &key) != NULL;

SEC("tc")
int add(struct __sk_buff *skb)
{
	__u32 key = 0;

	USE(100) USE(163) USE(299)
	sum = bpf_kmod_add(40, 2);
	return 0;
}

LICENSE("GPL");
