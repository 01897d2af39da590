/* Valid cgroup local storage, since Linux 6.2. Older kernels refuse it. */
#include "bpf_test.h"
#include "kernel.h"

/* BPF_MAP_TYPE_CGRP_STORAGE, which the headers of Linux 6.1 lack. */
#define MAP_TYPE_CGRP_STORAGE 32

struct {
	__uint(type, MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} per_group SEC(".maps");

SEC("tc")
int pass(struct __sk_buff *skb)
{
	return 0;
}

LICENSE("GPL");
