/* A program array with a program of another type than the one that uses the array. */
#include "bpf_test.h"

int entry(struct __sk_buff *skb);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = {.values = {(void *)&entry}};

SEC("tc")
int entry(struct __sk_buff *skb)
{
	return 0;
}

SEC("xdp")
int user(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 0);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
