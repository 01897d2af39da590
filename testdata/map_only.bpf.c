/* Maps and globals without any program. */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} lonely SEC(".maps");

__u32 data = 1;

LICENSE("Dual MIT/GPL");
