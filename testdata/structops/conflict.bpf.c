/* A program that would have to implement two members. */
#include "congestion.h"

struct tcp_congestion_ops {
	REQUIRED_MEMBERS;
	void (*release)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
};

SEC("struct_ops/init")
int both(__u64 *ctx)
{
	return 0;
}

SEC(".struct_ops")
struct tcp_congestion_ops twofold = { REQUIRED, .init = (void *)both, .release = (void *)both, .name = "b2l_twofold" };
