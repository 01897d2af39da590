/* The first of two files to link. Both have static variables with the same names, hidden ones,
 * custom sections, and the same configuration variables. */
#include "bpf_test.h"

static volatile int counter = 3;
static volatile long unset;
int shared SEC(".data.own") = 5;
__attribute__((visibility("hidden"))) volatile int hidden = 11;
const volatile int limit __attribute__((weak)) = 100;
int first_only, total_one;
extern int LINUX_KERNEL_VERSION __kconfig;

SEC("tc")
int one(struct __sk_buff *skb)
{
	unset += 2;
	first_only = 1;
	total_one = counter + unset + shared + hidden + limit + (LINUX_KERNEL_VERSION > 0);
	return 0;
}

LICENSE("GPL");
