/* A variable whose initial value is another variable's address: to libbpf and cilium/ebpf too it is the bytes in the file.
 *
 * accepts: pointers in initial values of global variables
 * as: they are not pointers, which a warning says
 */
#include "bpf_test.h"

int target = 5;
int *pointer = &target;

SEC("tc")
int read(struct __sk_buff *skb)
{
	return pointer != NULL;
}

LICENSE("Dual MIT/GPL");
