/* A program for a member that no kernel has. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	void (*engage)(struct sock *sk);
	char name[16];
};

SEC("struct_ops/engage")
int engage(__u64 *ctx)
{
	return 0;
}

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_warp = { REQUIRED, .engage = (void *)engage, .name = "bpf2lskel_warp" };
