/* N hash maps, 30 or 500, each with different key and value types. */
#include "bench.h"

#ifndef N
#define N 30
#endif

#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)
#define HUNDREDS(M, h) \
	TENS(M, h##0) TENS(M, h##1) TENS(M, h##2) TENS(M, h##3) TENS(M, h##4) \
	TENS(M, h##5) TENS(M, h##6) TENS(M, h##7) TENS(M, h##8) TENS(M, h##9)

#if N == 30
#define FIRST(name) name##10
#define ALL(M) TENS(M, 1) TENS(M, 2) TENS(M, 3)
#elif N == 500
#define FIRST(name) name##100
#define ALL(M) HUNDREDS(M, 1) HUNDREDS(M, 2) HUNDREDS(M, 3) HUNDREDS(M, 4) HUNDREDS(M, 5)
#else
#error "N has to be 30 or 500"
#endif

#define MAP(n) \
	struct key_##n { \
		__u32 pid, cpu; \
		char comm[16]; \
	}; \
	struct value_##n { \
		__u64 count, bytes; \
		__u32 ports[n % 7 + 1]; \
		__u8 state; \
	}; \
	HASH(map_##n, struct key_##n, struct value_##n, 64);

ALL(MAP)

SEC("raw_tp/sys_enter")
int count(struct bpf_raw_tracepoint_args *ctx)
{
	struct FIRST(key_) key = {.pid = bpf_get_current_pid_tgid()};
	struct FIRST(value_) *value = bpf_map_lookup_elem(&FIRST(map_), &key);

	if (value)
		value->count++;
	return 0;
}

LICENSE("GPL");
