/* A license in a section whose name begins with "license", and a helper for GPL programs.
 *
 * accepts: a license in a section whose name begins with `license`
 * as: the license
 */
#include "bpf_test.h"

SEC("tc")
int use(struct __sk_buff *skb)
{
	return bpf_ktime_get_ns() + bpf_get_smp_processor_id() > 5;
}

SEC("kprobe")
int traced(void *ctx)
{
	char buf[8];

	return bpf_probe_read_kernel(buf, sizeof(buf), ctx);
}

char text[] SEC("license_gpl") = "GPL";
