/* A program that uses 65 maps. */
#include "bpf_test.h"

#define MAP(n)                                      \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_ARRAY);   \
		__type(key, __u32);                 \
		__type(value, __u64);               \
		__uint(max_entries, 1);             \
	} m##n SEC(".maps");
#define USE(n)                                                         \
	{                                                              \
		void *map;                                             \
		asm volatile("%0 = %1 ll" : "=r"(map) : "i"(&m##n));   \
		found += map != 0;                                     \
	}

#define EIGHT(M, n) M(n##0) M(n##1) M(n##2) M(n##3) M(n##4) M(n##5) M(n##6) M(n##7)
#define SIXTY_FOUR(M) EIGHT(M, 1) EIGHT(M, 2) EIGHT(M, 3) EIGHT(M, 4) EIGHT(M, 5) EIGHT(M, 6) EIGHT(M, 7) EIGHT(M, 8)

SIXTY_FOUR(MAP)
MAP(90)

SEC("tc")
int start(struct __sk_buff *skb)
{
	int found = 0;

	SIXTY_FOUR(USE)
	USE(90)
	return found;
}

LICENSE("Dual MIT/GPL");
