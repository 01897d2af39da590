/* A member that no kernel has, and that is not zero. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	__u64 warp_factor;
	char name[16];
};

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_warp = { REQUIRED, .warp_factor = 9, .name = "bpf2lskel_warp" };
