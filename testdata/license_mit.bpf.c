/* A license that is not compatible with the GPL, a kernel version section (ignored by the kernel
 * since 5.0), and a helper without license requirements.
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
