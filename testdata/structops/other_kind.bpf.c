/* A member of a different type from the kernel's. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	struct { __u32 bits; } flags;
	char name[16];
};

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_kind = { REQUIRED, .name = "b2l_kind" };
