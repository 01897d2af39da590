/* A struct_ops that the kernel calls: a congestion control that does nothing. Its members are not
 * in the kernel's order.
 */
#include "congestion.h"

struct tcp_congestion_ops {
	char name[16];
	REQUIRED_MEMBERS;
	__u32 flags;
};

SEC(".struct_ops")
struct tcp_congestion_ops bpf2lskel_idle = {
	REQUIRED,
	.name = "bpf2lskel_idle",
	.flags = 2, /* TCP_CONG_NEEDS_ECN */
};
