/* Stack traces, as addresses. */
#include "kinds.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, 4);
	__uint(value_size, 127 * sizeof(__u64));
	__uint(max_entries, 64);
} stacks SEC(".maps");

/* Returns the stack's ID. */
SEC("raw_tp")
int take(void *ctx)
{
	return bpf_get_stackid(ctx, &stacks, 0);
}
