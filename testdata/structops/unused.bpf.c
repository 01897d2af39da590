/* A program that no struct uses, so the kernel cannot load it. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	char name[16];
};

SEC("struct_ops/init")
int forgotten(__u64 *ctx)
{
	return 0;
}

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_rest = { REQUIRED, .name = "b2l_rest" };
