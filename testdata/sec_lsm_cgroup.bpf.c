/* Security hooks per cgroup, since Linux 6.0. */
#include "bpf_test.h"

SEC("lsm_cgroup/socket_bind")
int on_bind(__u64 *ctx)
{
	return 1;
}

LICENSE("GPL");
