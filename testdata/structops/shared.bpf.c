/* Programs shared by structs, one of which is not created, and a program that only that one uses. */
#include "congestion.h"

struct tcp_congestion_ops {
	void (*init)(struct sock *sk);
	REQUIRED_MEMBERS;
	char name[16];
};

SEC("struct_ops/init")
int first_init(__u64 *ctx)
{
	return 0;
}

#ifdef OLD
SEC("struct_ops/init")
#else
SEC("?struct_ops/init")
#endif
int second_init(__u64 *ctx)
{
	return 0;
}

#ifndef OLD
SEC("struct_ops/init")
int third_init(__u64 *ctx)
{
	return 0;
}
#endif

SEC(".struct_ops")
struct tcp_congestion_ops first = { REQUIRED, .init = (void *)first_init, .name = "b2l_first" };

SEC(".struct_ops")
struct tcp_congestion_ops second = { REQUIRED, .init = (void *)second_init, .name = "b2l_second" };

#ifndef OLD
SEC("?.struct_ops")
struct tcp_congestion_ops third = { REQUIRED, .init = (void *)third_init, .name = "b2l_third" };
#endif
