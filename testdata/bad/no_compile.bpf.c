/* C that does not compile: the compiler's own message must be shown. */
#include "bpf_test.h"

SEC("xdp")
int broken(struct xdp_md *ctx)
{
	return undeclared_variable;
}

LICENSE("Dual MIT/GPL");
