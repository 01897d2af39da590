/* A variable initialized with an address. libbpf and cilium/ebpf, too, use the bytes in the file.
 *
 * accepts: pointers in initial values of global variables
 * as: the bytes in the file, with a warning
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
