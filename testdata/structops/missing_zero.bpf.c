/* Members that no kernel has, all zero: they are omitted. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
#ifndef OLD
	__u64 warp_factor;
	void (*engage)(struct sock *sk);
#endif
	char name[16];
};

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_zero = { REQUIRED, .name = "bpf2lskel_zero" };
