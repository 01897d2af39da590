/* A netfilter program, since Linux 6.4. */
#include "kinds.h"

__u64 packets;

SEC("netfilter")
int drop_all(void *ctx)
{
	__sync_fetch_and_add(&packets, 1);
	return 0; /* NF_DROP */
}
