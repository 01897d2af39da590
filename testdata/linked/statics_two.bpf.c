/* The second file: see statics_one.bpf.c. */
#include "bpf_test.h"

char padding = 1;
static volatile char counter = 30;
static volatile int unset;
extern int shared;
const volatile int limit = 1000;
int total_two;
extern int LINUX_KERNEL_VERSION __kconfig;

SEC("tc")
int two(struct __sk_buff *skb)
{
	unset += 20;
	total_two = counter + unset + shared + limit + (LINUX_KERNEL_VERSION > 0) + padding;
	return 0;
}

LICENSE("GPL");
