/* A member that is larger in the kernel. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	char name[8];
};

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_small = { REQUIRED, .name = "b2l_sma" };
