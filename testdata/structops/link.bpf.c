/* A struct with a link, which needs Linux 6.4. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	char name[16];
};

#ifndef LINKS
#define LINKS ".struct_ops.link"
#endif

SEC(LINKS)
struct tcp_congestion_ops bpf2lskel_link = { REQUIRED, .name = "bpf2lskel_link" };
