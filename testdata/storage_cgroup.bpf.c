/* Cgroup local storage, valid, since Linux 6.2: refused before. */
#include "bpf_test.h"
#include "kernel.h"

/* The number of BPF_MAP_TYPE_CGRP_STORAGE, which headers of Linux 6.1 do not have. */
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
