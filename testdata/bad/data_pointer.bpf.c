/* A relocation that cannot be done: a variable whose initial value is another variable's address. (libbpf ignores it, and
 * the program reads a null pointer.)
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
