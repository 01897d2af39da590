/* A license that the kernel does not count as compatible with GPL, a kernel version section (which the
 * kernel has ignored since 5.0), and a helper that anyone may call.
 *
 * run: stamp retval=0 later=1
 */
#include "bpf_test.h"

__u64 later;

SEC("tc")
int stamp(struct __sk_buff *skb)
{
	later = bpf_ktime_get_ns() > 0;
	return 0;
}

LICENSE("MIT");
__u32 _version SEC("version") = 0x010203;
