/* Static functions in programs' sections: one is not called, the other is a program's subprogram.
 *
 * accepts: `static` programs
 * as: programs, unless another function calls them
 */
#include "bpf_test.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(key_size, 4);
	__uint(max_entries, 2);
	__array(values, int(struct xdp_md *));
} jumps SEC(".maps");

SEC("xdp")
static __attribute__((used)) int hidden(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
static __attribute__((noinline)) int helper(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data > 100;
}

SEC("xdp")
int fine(struct xdp_md *ctx)
{
	return helper(ctx) ? XDP_PASS : XDP_DROP;
}

LICENSE("Dual MIT/GPL");
