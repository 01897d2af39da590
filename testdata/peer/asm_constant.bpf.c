/* Numbers that assembly names, and that Go code with cilium/ebpf would fill in.
 *
 * accepts: named numbers in assembly (`asm("%0 = LIMIT ll" : "=r"(n))`), which Go code sets with `asm.Instruction.Reference`
 * as: 0, unless `runtime.SetConstant` sets them
 */
#include "bpf_test.h"

#define NUMBER(name)                                    \
	({                                              \
		__u64 n;                                \
		asm volatile("%0 = " #name " ll" : "=r"(n)); \
		n;                                      \
	})

SEC("socket")
int both(struct __sk_buff *skb)
{
	__u64 limit = NUMBER(LIMIT), floor = NUMBER(FLOOR);

	return limit + (limit >> 32) + 16 * floor;
}

SEC("socket")
int one(struct __sk_buff *skb)
{
	return NUMBER(LIMIT);
}

LICENSE("GPL");
