/* Counts incoming and outgoing packets in global variables. */
#include "example.h"
#include <linux/pkt_cls.h>

__u64 ingress_pkt_count, egress_pkt_count;

SEC("tc")
int ingress_prog_func(void *ctx)
{
	__sync_fetch_and_add(&ingress_pkt_count, 1);
	return TC_ACT_OK;
}

SEC("tc")
int egress_prog_func(void *ctx)
{
	__sync_fetch_and_add(&egress_pkt_count, 1);
	return TC_ACT_OK;
}
