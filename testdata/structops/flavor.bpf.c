/* A struct whose name has a flavor: the kernel's struct is tcp_congestion_ops. */
#include "congestion.h"

struct tcp_congestion_ops___v2 {
	REQUIRED_MEMBERS;
	char name[16];
};

SEC(".struct_ops")
struct tcp_congestion_ops___v2 bpf2lskel_v2 = { REQUIRED, .name = "bpf2lskel_v2" };
