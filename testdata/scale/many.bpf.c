/* N programs, maps and global variables: 1, 10, 100, 200 or 1000. Each program uses one of the maps
 * and one of the globals, and reads a kernel field by CO-RE.
 */
#include "bench.h"

#ifndef N
#define N 10
#endif

#define TENS(M, t) M(t##0) M(t##1) M(t##2) M(t##3) M(t##4) M(t##5) M(t##6) M(t##7) M(t##8) M(t##9)
#define HUNDREDS(M, h) \
	TENS(M, h##0) TENS(M, h##1) TENS(M, h##2) TENS(M, h##3) TENS(M, h##4) \
	TENS(M, h##5) TENS(M, h##6) TENS(M, h##7) TENS(M, h##8) TENS(M, h##9)
#define THOUSANDS(M, k) \
	HUNDREDS(M, k##0) HUNDREDS(M, k##1) HUNDREDS(M, k##2) HUNDREDS(M, k##3) HUNDREDS(M, k##4) \
	HUNDREDS(M, k##5) HUNDREDS(M, k##6) HUNDREDS(M, k##7) HUNDREDS(M, k##8) HUNDREDS(M, k##9)

#if N == 1
#define ALL(M) M(1)
#elif N == 10
#define ALL(M) TENS(M, 1)
#elif N == 100
#define ALL(M) HUNDREDS(M, 1)
#elif N == 200
#define ALL(M) HUNDREDS(M, 1) HUNDREDS(M, 2)
#elif N == 1000
#define ALL(M) THOUSANDS(M, 1)
#else
#error "N has to be 1, 10, 100, 200 or 1000"
#endif

#define MAP(n) HASH(map_##n, __u32, __u64, 64);
#define GLOBAL(n) __u64 global_##n = n;
#define PROGRAM(n) \
	SEC("raw_tp/sys_enter") \
	int prog_##n(struct bpf_raw_tracepoint_args *ctx) \
	{ \
		struct task_struct *task = (void *)bpf_get_current_task(); \
		__u32 key = BPF_CORE_READ(task, tgid); \
		__u64 *value = bpf_map_lookup_elem(&map_##n, &key); \
\
		if (value) \
			global_##n += *value; \
		return 0; \
	}

ALL(MAP)
ALL(GLOBAL)
ALL(PROGRAM)

LICENSE("GPL");
