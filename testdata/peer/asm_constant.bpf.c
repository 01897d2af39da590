/* A number that assembly has a name for, and that Go code with cilium/ebpf would put into the instruction.
 *
 * accepts: numbers by name in assembly (`asm("%0 = LIMIT ll" : "=r"(n))`), which `asm.Instruction.WithReference` is for
 * as: 0, which a warning says: a `const volatile` global can be set
 */
#include "bpf_test.h"

SEC("socket")
int zero(struct __sk_buff *skb)
{
	__u64 limit;

	asm volatile("%0 = LIMIT ll" : "=r"(limit));
	return limit;
}

LICENSE("GPL");
