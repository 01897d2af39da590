/* Stack traces in raw tracepoints: by build ID, a kernel struct, and by instruction pointer.
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 32 * sizeof(struct bpf_stack_build_id));
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_STACK_BUILD_ID);
} by_build_id SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__type(key, __u32);
	__type(value, __u64[20]);
	__uint(max_entries, 64);
} by_address SEC(".maps");

SEC("raw_tp/sched_switch")
int on_switch(void *ctx)
{
	bpf_get_stackid(ctx, &by_build_id, BPF_F_USER_STACK);
	bpf_get_stackid(ctx, &by_address, 0);
	return 0;
}

LICENSE("GPL");
