/* Netfilter hooks, since Linux 6.4. Debian 12's libbpf does not know the section. */
#include "bpf_test.h"

SEC("netfilter")
int accept(void *ctx)
{
	return 1;
}

LICENSE("GPL");
