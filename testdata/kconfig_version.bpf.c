/* A variable about the kernel that is not in a configuration, so no configuration file is read.
 *
 * run: newer retval=1
 */
#include "bpf_test.h"

extern int LINUX_KERNEL_VERSION __kconfig;

SEC("tc")
int newer(struct __sk_buff *skb)
{
	return LINUX_KERNEL_VERSION > 0x50000;
}

LICENSE("GPL");
