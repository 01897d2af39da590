/* Counts the packets that leave a cgroup. */
#include "example.h"

COUNTER(pkt_count, BPF_MAP_TYPE_ARRAY);

SEC("cgroup_skb/egress")
int count_egress_packets(void *ctx)
{
	count_in(&pkt_count);
	return 1;
}
